# What the vector scripts share: they run functions of a real Spack (its folder is in SPACK_ROOT) on inputs that are made
# here, from a fixed seed and by hand, and write inputs and answers as JSON, bytes in base64, one case per line.
import base64
import io
import json
import os
import random
import sys

ROOT = os.environ.get("SPACK_ROOT")
if not ROOT:
    sys.exit("SPACK_ROOT must name the folder of a Spack (January 2024)")
for part in ("external/_vendoring", "external", ""):
    sys.path.insert(0, os.path.join(ROOT, "lib", "spack", part))

HERE = os.path.dirname(os.path.abspath(__file__))


def b64(data):
    return None if data is None else base64.b64encode(data).decode("ascii")


def encode_map(mapping):
    return [[b64(old), b64(new)] for old, new in mapping]


def write(name, cases):
    with open(os.path.join(HERE, name), "w", encoding="ascii") as out:
        out.write("[\n")
        out.write(",\n".join(json.dumps(case, separators=(",", ":")) for case in cases))
        out.write("\n]\n")
    print(name, len(cases))


def generator(seed):
    return random.Random(seed)


ROOTS = [b"/old", b"/old/store", b"/tmp/golden-a/opt", b"/a", b"/opt/spack-x/__spack_path_placeholder__/__spack"]
LEAVES = [b"", b"/linux-x86/gcc-12/zlib-1.3-abc", b"/linux-x86/gcc-12/zlib", b"/bin/sbang", b"/lib", b"-longer", b"/x y"]
NEW_ROOTS = [b"/n", b"/new/store", b"/tmp/golden-b/opt", b"/tmp/a-much-longer-root/than/the/old-one/opt", b"/old", b"/tmp/golden-e/opt"]


def random_mapping(rng, same_place=True):
    """An ordered mapping; old prefixes nest, and some map to themselves."""
    mapping = {}
    root = rng.choice(ROOTS)
    for _ in range(rng.randint(1, 6)):
        if rng.random() < 0.15:
            root = rng.choice(ROOTS)
        old = root + rng.choice(LEAVES)
        new = old if rng.random() < 0.12 else rng.choice(NEW_ROOTS) + rng.choice(LEAVES)
        mapping[old] = new
    return list(mapping.items())


def memory_file(data):
    return io.BytesIO(data)

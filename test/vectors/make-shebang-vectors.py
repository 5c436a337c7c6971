# Makes shebang.json and links.json: what Spack's filter_shebang does to scripts, and relocate_links to targets of symlinks.
# Run: SPACK_ROOT=… python3 test/vectors/make-shebang-vectors.py
import os
import tempfile
from collections import OrderedDict

from spack_vectors import b64, encode_map, generator, random_mapping, write

import spack.hooks.sbang as sbang
import spack.relocate as relocate

SBANG = "/tmp/golden-b/opt/bin/sbang"


def line_of(length, interpreter, end=b"\n", blank=b""):
    """A first line of exactly `length` bytes, its end included."""
    start = b"#!" + blank + b"/"
    tail = interpreter + b" -x" + end
    return start + b"p" * (length - len(start) - len(tail)) + tail


def shebang_cases():
    for length in (126, 127, 128, 129, 4094, 4095, 4096, 4097):
        for end in (b"\n", b""):
            for rest in (b"", b"print 1\n"):
                if end or not rest:
                    yield line_of(length, b"/perl", end) + rest
    names = [b"/lua", b"/luajit", b"/lua5.4", b"/node", b"/nodejs", b"/php", b"/php8", b"lua", b"/perl", b"/LUA"]
    for name in names:
        for blank in (b"", b" ", b" \t "):
            yield line_of(200, name, b"\n", blank) + b"second line\nthird\n"
        yield line_of(200, name, b"") 
        yield line_of(200, name, b"\r\n") + b"x\r\n"
    yield b"#!" + b" " * 300 + b"\nrest"
    yield b"#!" + b" " * 300 + b"\0/bin/sh\nrest"
    yield b"#!" + b" " * 300 + b"x\nrest"
    yield b"#!/" + b"p" * 200 + b"\0/lua\nrest"
    yield b"#!/" + b"p" * 200 + b"\t/lua\nrest"
    yield b"#!/" + b"\xff" * 200 + b"/node\nrest"
    yield b"#!"
    yield b"#"
    yield b""
    yield b" #!/" + b"p" * 200 + b"\n"
    yield b"#!/bin/sh " + SBANG.encode() + b"\n" + line_of(200, b"/perl")
    yield b"#!/" + b"p" * 5000


def run_shebang(data, path):
    sbang.sbang_install_path = lambda: SBANG
    with open(path, "wb") as f:
        f.write(data)
    changed = sbang.filter_shebang(path)
    with open(path, "rb") as f:
        result = f.read()
    return result if changed else None


TARGETS = [b"/old", b"/old/store/lib", b"/old/a/../b", b"/old//x/./y/", b"//old/x", b"../lib/x", b"old/x", b"/other", b"/old/../..", b"/oldish", b"."]


def run_link(target, mapping, folder):
    link = os.path.join(folder, b"link")
    os.symlink(target, link)
    relocate.relocate_links([os.fsdecode(link)], OrderedDict((os.fsdecode(a), os.fsdecode(b)) for a, b in mapping))
    result = os.readlink(link)
    os.unlink(link)
    return result


def link_cases():
    rng = generator(20240117)
    maps = [[(b"/old/store", b"/n"), (b"/old", b"/new//root/")], [(b"/old", b"/old"), (b"/", b"/x")], [(b"/old", b"//two")], [(b"/old", b"///three")], [(b"/old", b"rel/../..")]]
    for mapping in maps:
        for target in TARGETS:
            yield mapping, target
    for _ in range(100):
        mapping = random_mapping(rng)
        old = rng.choice(mapping)[0]
        yield mapping, old + rng.choice([b"", b"/lib", b"/../x", b"/./a//b/", b"x", b"/\xff\xfe"])


def main():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "script")
        cases = [{"sbang": SBANG, "limit": 127, "input": b64(d), "output": b64(run_shebang(d, path))} for d in shebang_cases()]
        write("shebang.json", cases)
        os.unlink(path)
        links = [
            {"mapping": encode_map(m), "target": b64(t), "output": b64(run_link(t, m, os.fsencode(folder)))}
            for m, t in link_cases()
        ]
        write("links.json", links)


main()

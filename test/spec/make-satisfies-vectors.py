# Asks a real Spack 1.x which concrete specs satisfy which queries, and writes the answers to satisfies-vectors.json.
# SPACK is the root of Spack 1.1; FIXTURES holds specs-v5 and recipes of the packages in it. Run it with a Python that has clingo:
#   SPACK=… FIXTURES=… python test/spec/make-satisfies-vectors.py > test/spec/satisfies-vectors.json

import copy
import glob
import json
import os
import sys
import tempfile

spack_root = os.environ["SPACK"]
fixtures = os.environ["FIXTURES"]
home = tempfile.mkdtemp()
os.environ.update(SPACK_ROOT=spack_root, SPACK_USER_CONFIG_PATH=home, SPACK_SYSTEM_CONFIG_PATH=home, HOME=home)
os.environ["SPACK_DISABLE_LOCAL_CONFIG"] = "1"
sys.path[:0] = [os.path.join(spack_root, "lib", "spack")]

import spack.repo  # noqa: E402
import spack.spec  # noqa: E402

# Without recipes nobody provides a virtual but by the edges of a spec: that is all that a build cache knows.
spack.repo.PATH = spack.repo.RepoPath()


def made(letter, name, version, parameters=None, deps=(), **more):
    node = {"name": name, "version": version, "arch": {"platform": "linux", "platform_os": "debian12", "target": "haswell"}}
    flags = {k: [] for k in ("cflags", "cppflags", "cxxflags", "fflags", "ldflags", "ldlibs")}
    node["namespace"] = more.pop("namespace", "made")
    node["parameters"] = {"build_system": "generic", **flags, **(parameters or {})}
    node["package_hash"] = "x" * 52 + "===="
    node.update(more)
    if deps:
        node["dependencies"] = [
            {"name": n, "hash": h * 32, "parameters": {"deptypes": t, "virtuals": v}} for n, h, t, v in deps
        ]
    node["annotations"] = {"original_specfile_version": 5}
    node["hash"] = letter * 32
    return node


MADE = [
    made(
        "a", "app", "3.0",
        {"shared": True, "static": False, "features": ["a", "b"], "mode": "fast", "cflags": ["-O2", "-g"],
         "patches": ["0123456789abcdef" * 4, "fedcba9876543210" * 4]},
        [
            ("cmake", "c", ["build"], []),
            ("gcc", "g", ["build"], ["c", "cxx"]),
            ("lib", "b", ["build", "link"], []),
            ("llvm", "e", ["build"], ["fortran"]),
            ("openmpi", "d", ["build", "link"], ["mpi"]),
            ("tool", "f", ["run"], []),
        ],
    ),
    made("g", "gcc", "12.2.0", {"binutils": True, "languages": ["c", "c++", "fortran"]},
         external={"path": "/usr", "module": None, "extra_attributes": {}}),
    made("e", "llvm", "18.1.0", {"binutils": False, "shared": True},
         external={"path": "/opt", "module": None, "extra_attributes": {}}),
    made("c", "cmake", "3.27.1", {"ownlibs": True}, [("deep", "h", ["build"], []), ("ncurses", "i", ["link"], [])]),
    made("h", "deep", "1.0"),
    made("i", "ncurses", "6.4", {"shared": True}),
    made("b", "lib", "1.10.2", {"shared": True, "mode": "slow"},
         [("llvm", "e", ["build"], ["c"]), ("zlib", "z", ["link"], [])], namespace="other.space"),
    made("z", "zlib", "1.3", {"shared": True, "pic": True}, [("gcc", "g", ["build"], ["c"])]),
    made("d", "openmpi", "5.0.1", {"fabrics": ["ucx"], "shared": False}, [("zlib", "z", ["link"], [])]),
    made("f", "tool", "0.9rc1", {"mode": "slow", "features": ["a"]}, [("gcc", "g", ["build"], ["c"])]),
]

NAMES = "app gcc llvm cmake deep ncurses lib zlib openmpi tool newtop newdata newleaf libalpha libbeta scriptdelta".split()
NODES = """
* | @1: | @:2 | @3.0 | @=12.2.0 | @=12.2 | @12 | @1.3,5 | +shared | ~shared | ++shared | ~~shared | --shared | +static | ~static
+nothere | mode=fast | mode=slow | mode==fast | mode==slow | mode:=fast | mode:=slow | mode=fast,slow | mode=* | mode:=fast,slow
features=a | features=a,b | features=b,a | features=a,c | features:=a | features:=a,b | features:=b,a | features==a | features:==a
features=* | features:=a,b,c | fabrics=ucx | fabrics:=ucx | languages=c | languages=c,c++ | languages:=c | languages:=c,c++,fortran
shared=true | shared=* | shared=false | shared:=true | nothere=* | build_system=generic | build_system:=generic
cflags=-O2 | cflags="-O2 -g" | cflags="-g -O2" | cflags=-O3 | cflags==-O2 | cxxflags=-O2 | patches=01234567 | patches=fedc,0123
patches:=01234567 | target=haswell | target=x86_64: | target=x86_64_v2: | target=:haswell | target=x86_64 | target=zen: | target=x86_64_v3:skylake
target=ivybridge:,zen | target=* | os=debian12 | os=ubuntu | platform=linux | arch=linux-debian12-haswell | arch=linux-debian12-x86_64:
namespace=made | namespace=other.space | /aaaa | /gggg | /zz
""".replace("\n", " | ").split(" | ")
AFTER = ["", "@12", "@12.2.0", "@:11", "@18:", "+binutils", "~binutils", " languages=c", "@12 languages=c,c++", "@12 languages:=c", "+nothere"]
PROPERTIES = """
[virtuals=c] | [virtuals=cxx] | [virtuals=fortran] | [virtuals=mpi] | [deptypes=build] | [deptypes=link] | [deptypes=run] | [deptypes=build,link]
[virtuals=c deptypes=build] | [virtuals=c deptypes=link] | [when=+shared] | [when=~shared] | [when=+shared virtuals=c] | [when='mode=fast']
[when=@3:] | [when='@:2'] | [when=%gcc] | [deptypes=test] | [virtuals=nothere]
""".strip().replace("\n", " | ").split(" | ")


def queries():
    nodes = [n.strip() for n in NODES if n.strip()]
    yield from nodes
    yield from NAMES
    for name in ("app", "lib", "newtop", "made.app", "other.space.lib"):
        yield from (f"{name} {n}" for n in nodes[:40:3])
    for name in NAMES + ["clang"]:
        for sigil in ("%", "%%", "^"):
            yield f"{sigil}{name}"
            yield from (f"{sigil}{name}{after}" for after in (AFTER[1:] if name in ("gcc", "llvm") else AFTER[4:6]))
    for virtual in ("c", "cxx", "fortran", "mpi", "nothere"):
        for name in ("gcc", "llvm", "openmpi", "lib"):
            yield from (f"{sigil}{virtual}={name}{after}" for sigil in ("%", "^") for after in ("", "@12", "@5:"))
    for sigil in ("%", "^"):
        for properties in PROPERTIES:
            yield from (f"{sigil}{properties} {name}" for name in ("gcc", "lib", "openmpi", "newleaf", "cmake"))
        for properties in PROPERTIES[:4]:
            yield f"{sigil}{properties} gcc@12 languages=c"
    yield from ("%[virtuals=c] gcc", "%[virtuals=c]gcc@12", "%gcc %lib", "%gcc ^zlib", "%gcc ^lib %llvm", "%gcc ^zlib %llvm")
    yield from ("%c,cxx=gcc", "%[virtuals=c,cxx] gcc@12", "%[virtuals=c,fortran] gcc", "%c,cxx=llvm", "^c,cxx=gcc", "%[virtuals=c] cxx=gcc")
    yield from ("% gcc", "%gcc%llvm", "%gcc@12:languages=c", "%%[virtuals=c] gcc", "%c=gcc@12 languages=c,c++ ^zlib", "^mpi=openmpi fabrics=ucx")
    yield from ("%[color=red] gcc", "%[virtuals=c gcc", "%[] gcc", "^[deptypes=nothere] zlib", "app:=x:=y", "++", "x:=", "%[when=] gcc", "mode:==fast")
    yield from ("^lib %llvm", "^lib %gcc", "^lib %zlib", "^tool %gcc@12", "^tool %gcc@13", "^zlib+pic %gcc", "^newleaf %gcc")
    yield from ("^+pic", "%+binutils", "% +binutils", "%@18", "^mode=slow", "^[virtuals=mpi] openmpi ^zlib", "%cmake@3.27 ^cmake")
    yield from ("%gcc@12 %llvm@18", "%gcc@12 %llvm@17", "app%gcc+binutils ^openmpi fabrics=ucx ^zlib@1.3%gcc", "^cmake ^deep")


def roots():
    for path in sorted(glob.glob(os.path.join(fixtures, "specs-v5", "*.spec.json"))):
        with open(path) as stream:
            yield json.load(stream)["spec"]["nodes"]
    yield MADE


def answer(spec, text):
    try:
        return spec.satisfies(text)
    except Exception:
        return None


documents = []
asked = list(dict.fromkeys(queries()))
for nodes in roots():
    document = {"spec": {"_meta": {"version": 5}, "nodes": nodes}}
    spec = spack.spec.Spec.from_dict(copy.deepcopy(document))
    answers = [(node, [answer(node, text) for text in asked]) for node in spec.traverse(deptype="all")]
    letters = {True: "1", False: "0", None: "-"}
    documents.append({**document, "answers": {n.dag_hash(): "".join(letters[a] for a in all_) for n, all_ in answers}})
print(json.dumps({"queries": asked, "documents": documents}, separators=(",", ":")))

# Asks a real Spack how it orders versions, which specs satisfy which constraints and how format strings print, and writes
# the answers to spec-vectors.json. Run it with the reference (0.22.0.dev0, January 2024):
#   spack python test/spec/make-spec-vectors.py > test/spec/spec-vectors.json

import json

import spack.spec
import spack.version

VERSIONS = """
0 0.0 0.9 1 1.0 1.0.0 1-0 1_0 01.0 1.0a 1.0alpha 1.0alpha2 1.0b1 1.0beta 1.0rc1 1.0rc2 1.0.rc1 1.0p1 1.0-1 1.2 1.2.3 1.2.10
1.2.3.4 1.3 1.9 1.10 1.10.2 2 2.0 2021.03 20240101 99999999999999999999 99999999999999999998 1a 1aB 1z 1zA 1Z a A b ab z Z
stable trunk head master main develop develop-1 1.develop 1.main 1.stable 1.masteq 1.mastes main2 v1.2 v1.10 r1 rel-1 1.2.x
1.2.3-git.4 5.0.0-beta 3.2_rc1 8u201 11.0.2_9 6.5.2p2 4.3.2019.0 2.7.18 3.11.7 7.1a 1.1.1w 1.1.1k 1e 9d 9e 5.12.0-0
""".split()

RANGES = """
: 1 1.0 1.2 1.2: :1.2 1.2:1.3 1.2.3:1.2 1.0:1.0 =1.2 =1.2.3 =1.0 1.2,1.9: :1.0,1.10 1.2:1.2.9,2: 2: :2 0: :0 1.0rc1: :1.0rc1
1.0alpha:1.0rc1 :1a 1a 1a:1z :1z :1Z :1.masteq develop main: :main stable: :stable master:main develop: :develop v1.2 v1:v2
=develop =main 1.main 1.develop: a:b A:Z :z 1.2.3.4 20240101: 99999999999999999999 =99999999999999999999 8u201 8u 1.1.1:1.1.1w
3.2_rc1 =1-0 =01.0 1.10: :1.10 1.1 1.1.1 7.1a
""".split()

GIT_VERSIONS = [
    "git.main=1.2.3",
    "git.v1.0=1.0",
    "git.feature/x=develop",
    "0123456789abcdef0123456789abcdef01234567=1.2",
    "1.2.3",
]
GIT_RANGES = [
    "1.2", "1.2:", ":1.1", "=1.2.3", "=1.2", "git.main=1.2.3", "git.main=1.2.4", "git.v1.0=1.0", "develop", ":",
    "0123456789abcdef0123456789abcdef01234567=1.2", "0123456789abcdef0123456789abcdef01234567=1.3", "git.feature/x=develop",
]

ARCH = {"platform": "linux", "platform_os": "debian12", "target": "haswell"}
FLAGS = {"cppflags": [], "cxxflags": [], "fflags": [], "ldflags": [], "ldlibs": []}


def node(letter, name, version, parameters=None, deps=(), **more):
    result = {"name": name, "version": version, "arch": ARCH, "compiler": {"name": "gcc", "version": "12.2.0"}}
    result["namespace"] = more.pop("namespace", "vectors")
    result["parameters"] = {"build_system": "generic", "cflags": [], **(parameters or {}), **FLAGS}
    result.update(more)
    if deps:
        result["dependencies"] = [
            {"name": n, "hash": h * 32, "parameters": {"deptypes": t, "virtuals": v}} for n, h, t, v in deps
        ]
    result["hash"] = letter * 32
    return result


SPECFILE = {
    "spec": {
        "_meta": {"version": 4},
        "nodes": [
            node(
                "a", "vectop", "2.1.3",
                {"extra": True, "static": False, "languages": ["c", "fortran"], "mode": "fast", "cflags": ["-O2", "-g"],
                 "patches": ["0123456789abcdef" * 4, "fedcba9876543210" * 4], "count": "3", "odd": "x y"},
                [
                    ("vecbuild", "b", ["build"], []),
                    ("veclib", "c", ["build", "link"], ["vecvirtual"]),
                    ("vecrun", "d", ["run"], []),
                ],
            ),
            node("b", "vecbuild", "git.main=3.20", None, [("vecdeep", "e", ["link"], ["vecother"])]),
            node("e", "vecdeep", "develop"),
            node("c", "veclib", "1.10.2", {"shared": True}, [("vecext", "f", ["link"], [])], namespace="other.space"),
            node("f", "vecext", "5", None, (), external={"path": "/usr", "module": None, "extra_attributes": {}}),
            node("d", "vecrun", "0.9rc1", {"mode": "slow"}),
        ],
    }
}

CONSTRAINTS = """
vectop|vecother|vectors.vectop|other.vectop|@2|@2.1|@2.1.3|@=2.1.3|@=2.1|@2.1.4:|@:2|@1,2.1.3|@:1,3:|vectop@2.1|vectop@3
%gcc|%gcc@12|%gcc@12.2.0|%gcc@=12.2|%gcc@=12.2.0|%gcc@:11|%gcc@11:|%gcc@9,12.2:|%clang|vectop%gcc@12+extra
+extra|~extra|-extra|+static|~static|+nothere|~nothere|extra=true|extra=True|extra=false|extra=foo|static=FALSE|extra=*|mode=*|nothere=*
mode=fast|mode=slow|mode=fast,slow|mode=true|languages=c|languages=c,fortran|languages=fortran,c|languages=c,cxx|languages=*|count=3
patches=0123456|patches=fedc,0123|patches=aaaa|build_system=generic|build_system=cmake|odd='x y'|odd="x y"|odd=x
cflags=-O2|cflags="-O2 -g"|cflags="-g -O2"|cflags=""|cxxflags=-g|cflags="-O2  -g"
arch=linux-debian12-haswell|arch=linux-debian12-x86_64|arch=haswell|platform=linux|platform=darwin|os=debian12|os=ubuntu
operating_system=debian12|target=haswell|target=x86_64|target=x86_64:|target=x86_64_v3:|target=x86_64_v4:|target=:skylake|target=:zen
target=:haswell|target=haswell:haswell|target=zen,haswell|target=zen:,x86_64_v2:broadwell|target=aarch64:|arch=linux-debian12-x86_64:
/a|/aaaa|/b|vectop/aa|vectop@2/aa|vectop/bb|^veclib|^veclib@1.10|^veclib@2|^veclib+shared|^veclib~shared|^vecbuild|^vecbuild@3
^vecbuild@git.main=3.20|^vecdeep|^vecdeep@develop|^vecdeep@1:|^vecext|^vecext@5|^vecrun@0.9|^vecrun@=0.9rc1|^vecrun mode=slow|^vecrun mode=fast
^nothere|^vectop|^veclib ^vecrun|^veclib ^nothere|^veclib%gcc|^veclib%clang|^veclib/cc|^veclib/dd|^veclib target=x86_64:|^other.space.veclib
^[virtuals=vecvirtual] veclib|^[virtuals=vecother] veclib|^[virtuals=vecother] vecdeep|^[deptypes=link] veclib|^[deptypes=run] veclib
vectop@2.1 %gcc@12 +extra ~static mode=fast arch=linux-debian12-haswell ^veclib@1.10: +shared ^vecrun|vectop @2 % gcc @ 12 + extra
@2.1:2.2 +extra|@2:,1|@: +extra|@2.1:+extra|vectop@2.1:2.2~static|++extra|~~extra|mode==fast|@2.1:=2.2
vectop vecrun|vectop@|vectop@@2|@1@2|%gcc%clang|+|%|^|^ |/|=x|+extra ~extra|mode=fast mode=slow|target=x86_64 target=haswell|[x]|vectop!|vectop@2.1:2.0
vectop$|"x"|vectop@1..2|vectop@2.1-|vectop@2. +extra|@2.1 ,2.2|@2.1, 2.2|@ 2.1|mode = fast|vectop@2.1.3/aaaa/bbbb|%gcc@|vectop^veclib@1.10^vecrun
""".replace("\n", "|").split("|")

FORMATS = """
{name} {version} {versions} {@version} {hash} {hash:7} {/hash} {/hash:7} {/hash:12} {hash:0} {hash:99} {HASH:7} {Name}-{VERSION}
{architecture} {arch} {arch=arch} {arch=architecture} {architecture.platform} {architecture.os} {architecture.target}
{architecture.target.name} {platform} {os} {target} {target.name} {compiler} {compiler.name} {compiler.version} {@compiler.version}
{compiler.versions} {compiler.display_str} {%compiler} {%compiler.name} {%compiler.name}{@compiler.version} {compiler_flags} {namespace} {fullname}
{external} {concrete} {external_path} {variants} {variants.extra} {variants.static} {variants.mode} {variants.languages}
{variants.patches} {variants.odd} {variants.extra.value} {variants.mode.value} {variants.languages.value} {variants.mode.name}
{^veclib.name} {^veclib.version} {@^veclib.version} {^veclib.hash:7} {^vecdeep.version} {^vecbuild.version} {^vectop.name} {^vecext.external}
{^vecext.external_path} {^vecvirtual.name} {version.dotted} {version.dashed} {version.underscored} {version.joined} {version.string}
{name}/{version}-{hash:7} {name}//{version} ./{name}/./{version} {name}/{external_path}/{version} {name}{variants}/{version}
{architecture}/{compiler.name}-{compiler.version}/{name}-{version}-{hash} {^vecbuild.version}/{name} a+b/{name} ü/{name} \\{{name}\\} {name}\\/x a\\\\b
{} {nothere} {variants.nothere} {^nothere.name} {^name} {a a} {name}} {_x} {name.x} {version.x} {@name} {%name} {/name} {arch=name} {hash:x} {hash:}
{name:7} {architecture.x} {compiler.x} {variants.mode.x} ${PACKAGE} {/hash/x} {.} {name.}
""".split() + ["  {name}  ", "{name} / {version} ", "{name}{arch=arch}", "x{compiler_flags}y", "{variants.odd}/{name}"]


def attempt(function):
    try:
        return function()
    except Exception:
        return None


def sign(left, right):
    return -1 if left < right else int(left > right)


def version_order():
    parsed = [spack.version.Version(text) for text in VERSIONS]
    return {"versions": VERSIONS, "signs": [[sign(left, right) for right in parsed] for left in parsed]}


def version_ranges(versions, ranges):
    parsed = [spack.version.VersionList([spack.version.Version(text)]) for text in versions]
    wanted = [spack.version.VersionList([spack.version.from_string(text)]) for text in ranges]
    return {
        "versions": versions,
        "ranges": ranges,
        "satisfied": [[version.satisfies(range_) for range_ in wanted] for version in parsed],
    }


def satisfied(spec, text):
    return attempt(lambda: spec.satisfies(spack.spec.Spec(text)))


root = spack.spec.Spec.from_dict(json.loads(json.dumps(SPECFILE)))
constraints = [text for text in CONSTRAINTS if text]
print(
    json.dumps(
        {
            "spack": spack.spack_version,
            "order": version_order(),
            "ranges": version_ranges(VERSIONS, RANGES),
            "gitRanges": version_ranges(GIT_VERSIONS, GIT_RANGES),
            "specfile": SPECFILE,
            "constraints": {text: satisfied(root, text) for text in constraints},
            "formats": {text: attempt(lambda: root.format(text)) for text in FORMATS},
            "paths": {text: attempt(lambda: root.format_path(text)) for text in FORMATS},
            "installOrder": [s.name for s in root.traverse(order="post", deptype=("link", "run"))],
            "allNodes": [s.name for s in root.traverse(order="pre", deptype=("build", "link", "run"))],
        },
        ensure_ascii=True,
        separators=(",", ":"),
    )
)

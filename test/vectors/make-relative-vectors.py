# Makes relative.json: what Spack does to rpaths that are relative to the file (relocate_elf_binaries with `rel`, without patchelf), and
# to the names in load commands of Mach-O files (relocate_macho_binaries with `rel`, without a file). Projections agree: where they
# do not, the reference adds an entry for every mapping that matches.
# Run: SPACK_ROOT=… python3 test/vectors/make-relative-vectors.py
import os
from collections import OrderedDict

from spack_vectors import encode_map, generator, write

import spack.main  # in the order that its modules need
import spack.relocate as relocate

OLD, NEW = "/old/store", "/new/place/store"
PREFIX = "linux/gcc-12/app-1-abc"
MAPPING = [
    (OLD + "/linux/gcc-12/zlib-1-def", NEW + "/linux/gcc-12/zlib-1-def"),
    (OLD + "/" + PREFIX, NEW + "/" + PREFIX),
    (OLD, NEW),
]
FOLDERS = ["", "bin", "lib", "lib/deep/er"]
ENTRIES = [
    "%(token)s", "%(token)s/.", "%(token)s/../lib", "%(token)s/../lib/", "%(token)s/../../zlib-1-def/lib", "%(token)s/../../../zlib-1-def/lib",
    "%(token)s/./x//y", "%(token)s/../../../../../../../usr/lib", "/usr/lib", "/usr/lib/../lib64", OLD + "/linux/gcc-12/zlib-1-def/lib", OLD, OLD + "room/lib",
    NEW + "/already/lib", "relative/lib", OLD + "/" + PREFIX + "/lib", "%(token)s/../../../../../../../../upstream/store/x/lib",
]


class Rpaths:
    """Stands for one ELF file: Spack reads its rpaths, and sets others."""

    def __init__(self, rpaths):
        self.rpaths = rpaths
        self.result = None
        relocate._elf_rpaths_for = lambda path: self.rpaths
        relocate._set_elf_rpaths = self.set

    def set(self, path, rpaths):
        self.result = rpaths


def elf_case(folder, entries):
    entries = [entry % {"token": "$ORIGIN"} for entry in entries]
    file = os.path.join(NEW, PREFIX, folder, "file")
    rpaths = Rpaths(entries)
    relocate.relocate_elf_binaries([file], OLD, NEW, OrderedDict(MAPPING), True, OLD + "/" + PREFIX, NEW + "/" + PREFIX)
    result = None if rpaths.result is None else ":".join(rpaths.result)
    return {"kind": "elf", "folder": folder, "rpath": ":".join(entries), "result": result}


def macho_case(folder, entry):
    name = entry % {"token": "@loader_path"}
    old, new = (os.path.join(root, PREFIX, folder, "file") for root in (OLD, NEW))
    normal = relocate.macho_make_paths_normal(old, [name], [name], None)[name]
    mapped = relocate.macho_find_paths([normal], [normal], None, OLD, OrderedDict(MAPPING)).get(normal, normal)
    result = relocate.macho_make_paths_relative(new, NEW, [mapped], [mapped], None)[mapped]
    return {"kind": "mach-o", "folder": folder, "name": name, "result": result}


def main():
    rng = generator(20260412)
    lists = [[entry] for entry in ENTRIES]
    lists += [[rng.choice(ENTRIES) for _ in range(rng.randint(2, 5))] for _ in range(60)]
    elf = [elf_case(folder, entries) for entries in lists for folder in FOLDERS]
    macho = [macho_case(folder, entry) for entry in ENTRIES + ["@rpath/libz.dylib"] for folder in FOLDERS]
    mapping = encode_map([(old.encode(), new.encode()) for old, new in MAPPING])
    places = {"oldPrefix": OLD + "/" + PREFIX, "newPrefix": NEW + "/" + PREFIX, "newLayoutRoot": NEW}
    write("relative.json", [{"mapping": mapping, **places}, *elf, *macho])


if __name__ == "__main__":
    main()

# Makes elf.json: what Spack does to the rpath of small ELF files, good ones and broken ones: replace_rpath_in_place_or_raise,
# and the install hook that drops entries. A broken file is a good one with bytes overwritten or cut off.
# Run: SPACK_ROOT=… python3 test/vectors/make-elf-vectors.py
import io
import os
import struct
import tempfile
from collections import OrderedDict

from spack_vectors import b64, encode_map, generator, write

import spack.hooks.drop_redundant_rpaths as drop
import spack.util.elf as elf

MAPPING = [(b"/old/store/zlib", b"/new/zl"), (b"/keep", b"/keep"), (b"/old/store", b"/n"), (b"/old", b"/a-much-longer-new-root")]
PT_LOAD, PT_DYNAMIC, PT_INTERP, PT_NOTE = 1, 2, 3, 4
DT_NULL, DT_NEEDED, DT_STRTAB, DT_SONAME, DT_RPATH, DT_RUNPATH = 0, 1, 5, 14, 15, 29


class Builder:
    """Lays out: header, program headers, interpreter, string table, dynamic section, section headers."""

    def __init__(self, bits, order, e_type=3):
        self.wide = bits == 64
        self.order = order
        self.e_type = e_type
        self.base = 0x400000
        self.strings = b"\0"
        self.dynamic = []
        self.interpreter = b"/old/store/ld.so\0"
        self.loads = None
        self.with_sections = True
        self.strtab_shift = 0

    def string(self, value):
        at = len(self.strings)
        self.strings += value + b"\0"
        return at

    def pack(self, fmt, *values):
        return struct.pack(self.order + fmt, *values)

    def segment(self, kind, offset, address, size):
        if self.wide:
            return self.pack("LLQQQQQQ", kind, 4, offset, address, address, size, size, 8)
        return self.pack("LLLLLLLL", kind, offset, address, address, size, size, 4, 4)

    def section(self, kind, offset, size):
        if self.wide:
            return self.pack("LLQQQQLLQQ", 0, kind, 2, self.base + offset, offset, size, 0, 0, 1, 0)
        return self.pack("LLLLLLLLLL", 0, kind, 2, self.base + offset, offset, size, 0, 0, 1, 0)

    def build(self):
        ehsize, phsize, shsize = (64, 56, 64) if self.wide else (52, 32, 40)
        loads = self.loads or [(0, self.base, 0x1000)]
        phnum = len(loads) + 2
        interp_at = ehsize + phnum * phsize
        strings_at = interp_at + len(self.interpreter)
        dynamic = b"".join(
            self.pack("QQ" if self.wide else "LL", tag, self.base + strings_at + self.strtab_shift if value == "strtab" else value)
            for tag, value in self.dynamic
        )
        dynamic_at = strings_at + len(self.strings)
        sections = [self.section(0, 0, 0), self.section(3, strings_at, len(self.strings)), self.section(6, dynamic_at, len(dynamic))]
        shoff = dynamic_at + len(dynamic)
        shnum = len(sections) if self.with_sections else 0
        header = b"\x7fELF" + bytes([2 if self.wide else 1, 1 if self.order == "<" else 2, 1]) + bytes(9)
        header += self.pack(
            "HHLQQQLHHHHHH" if self.wide else "HHLLLLLHHHHHH",
            self.e_type, 62, 1, self.base, ehsize, shoff, 0, ehsize, phsize, phnum, shsize, shnum, 0,
        )
        segments = b"".join(self.segment(PT_LOAD, *load) for load in loads)
        segments += self.segment(PT_INTERP, interp_at, self.base + interp_at, len(self.interpreter))
        segments += self.segment(PT_DYNAMIC, dynamic_at, self.base + dynamic_at, len(dynamic))
        return header + segments + self.interpreter + self.strings + dynamic + b"".join(sections)


def simple(bits, order, rpath, tag=DT_RUNPATH, **changes):
    builder = Builder(bits, order)
    builder.dynamic = [(DT_NEEDED, builder.string(b"libz.so.1")), (DT_SONAME, builder.string(b"libme.so"))]
    if rpath is not None:
        builder.dynamic.append((tag, builder.string(rpath)))
    builder.dynamic += [(DT_STRTAB, "strtab"), (DT_NULL, 0)]
    for name, value in changes.items():
        setattr(builder, name, value)
    return builder


RPATHS = [
    None, b"", b":", b":::", b"/old/store/lib", b"/old/store/zlib/lib:/usr/lib", b"/usr/lib", b"$ORIGIN/../lib:/old/store/x", b":/old/store/a::/b:",
    b"/keep/a:/old/store/b", b"/keep/a", b"/old/x", b"/old/store/" + b"x" * 60 + b":/old/y", b"relative:/old/store/c", b"/:/nonexistent-1:$ORIGIN", b"/", b"/nonexistent-2",
    b"/old/store/zlib", b"/old/storeroom/lib", b"x/old/store", b"/\xff/old:/old/store/\xfe",
]


def bases():
    for bits, order in ((64, "<"), (64, ">"), (32, "<"), (32, ">")):
        for rpath in RPATHS if bits == 64 and order == "<" else RPATHS[4:9]:
            yield "%d%s %r" % (bits, order, rpath), simple(bits, order, rpath).build()
        yield "%d%s DT_RPATH" % (bits, order), simple(bits, order, b"/old/store/lib", DT_RPATH).build()
        both = simple(bits, order, b"/old/store/lib")
        both.dynamic.insert(0, (DT_RPATH, 1))
        yield "%d%s two rpaths" % (bits, order), both.build()
        no_null = simple(bits, order, b"/old/store/lib")
        no_null.dynamic.pop()
        yield "%d%s no DT_NULL" % (bits, order), no_null.build()
        behind = simple(bits, order, None)
        behind.dynamic.append((DT_RUNPATH, 1))
        yield "%d%s rpath behind DT_NULL" % (bits, order), behind.build()
        tables = simple(bits, order, b"/old/store/lib")
        tables.dynamic.insert(0, (DT_STRTAB, "strtab"))
        yield "%d%s two string tables" % (bits, order), tables.build()
        none = simple(bits, order, b"/old/store/lib")
        none.dynamic = [entry for entry in none.dynamic if entry[0] != DT_STRTAB]
        yield "%d%s no string table" % (bits, order), none.build()
        yield "%d%s no sections" % (bits, order), simple(bits, order, b"/old/store/lib", with_sections=False).build()
        yield "%d%s string table elsewhere" % (bits, order), simple(bits, order, b"/old/store/lib", strtab_shift=1).build()
        for e_type in (1, 2, 4):
            yield "%d%s type %d" % (bits, order, e_type), simple(bits, order, b"/old/store/lib", e_type=e_type).build()
        loads = [(0, 0x700000, 64), (0, 0x400000, 64), (0x10, 0x400000, 0), (0, 0x800000, 64)]
        yield "%d%s unsorted segments" % (bits, order), simple(bits, order, b"/old/store/lib", loads=loads).build()
        for extra in ([(0, 0x400000, 64), (1, 0x400000, 64)], [(1, 0x400000, 64), (0, 0x400000, 64)], [(0x300000, 0x700000, 64)], [(0x400000, 0x800000, 64)], [(0, 0x400000, 0)]):
            yield "%d%s segments %r" % (bits, order, extra), simple(bits, order, b"/old/store/lib", loads=extra).build()
        names = simple(bits, order, b"/old/store/lib")
        names.dynamic.insert(0, (DT_NEEDED, 100000))
        yield "%d%s a name behind the string table" % (bits, order), names.build()
        sonames = simple(bits, order, b"/old/store/lib")
        sonames.dynamic.insert(0, (DT_SONAME, 100000))
        yield "%d%s the first of two sonames is bad" % (bits, order), sonames.build()
        open_end = simple(bits, order, b"/old/store/lib")
        open_end.strings = open_end.strings[:-1]
        yield "%d%s string table without its last NUL" % (bits, order), open_end.build()


def mutants(rng, good):
    """Overwrites: one to three bytes, or whole fields with values that matter; or cuts the file."""
    for name, data in good:
        for i in range(7):
            if rng.random() < 0.25:
                yield "%s cut %d" % (name, i), data, [], rng.randint(0, len(data))
                continue
            writes = []
            for _ in range(rng.randint(1, 3)):
                at = rng.randrange(16, len(data))
                value = rng.choice([b"\0", b"\xff", b"\1", bytes([rng.randrange(256)]), b"\xff" * 8, b"\0" * 8, b"\xff\xff\xff\x7f"])
                writes.append((at, value[: len(data) - at]))
            yield "%s mutant %d" % (name, i), data, writes, len(data)


def mutate(data, writes, size):
    result = bytearray(data)
    for at, value in writes:
        result[at : at + len(value)] = value
    return bytes(result[:size])


class Grow(Exception):
    """In place of Spack's own, which cannot be made of bytes that are not UTF-8."""

    def __init__(self, old, new):
        super().__init__("the new rpath is longer")
        self.new = new


def run_replace(data, path):
    with open(path, "wb") as f:
        f.write(data)
    try:
        changed = elf.replace_rpath_in_place_or_raise(path, OrderedDict(MAPPING))
    except Grow as e:
        return {"grow": b64(e.new)}
    except Exception:
        return {}  # The reference stops with an error of its own; such a file must stay as it is.
    if not changed:
        return {}
    with open(path, "rb") as f:
        return difference(data, f.read())


def run_drop(data):
    f = io.BytesIO(data)
    try:
        changed = drop._drop_redundant_rpaths(f)
    except Exception:
        return {}
    return {} if changed is None else difference(data, f.getvalue())


def difference(old, new):
    """The shortest range in which the files differ; an edit that changes no byte is `same`."""
    assert len(old) == len(new)
    differing = [i for i in range(len(old)) if old[i] != new[i]]
    if not differing:
        return {"same": True}
    start, end = differing[0], differing[-1] + 1
    return {"offset": start, "bytes": b64(new[start:end])}


def main():
    elf.ElfDynamicSectionUpdateFailed = Grow
    drop.os.path.lexists = lambda path: path == b"/"
    rng = generator(20240118)
    good = list(bases())
    inputs = [(name, data, [], len(data)) for name, data in good]
    inputs += list(mutants(rng, good))
    bases_out = sorted({b64(data) for _, data in good})
    cases = []
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "file")
        for name, data, writes, size in inputs:
            content = mutate(data, writes, size)
            cases.append(
                {
                    "name": name,
                    "base": bases_out.index(b64(data)),
                    "writes": [[at, b64(value)] for at, value in writes],
                    "size": size,
                    "replace": run_replace(content, path),
                    "drop": run_drop(content),
                }
            )
    write("elf.json", [{"mapping": encode_map(MAPPING)}, {"bases": bases_out}, *cases])


if __name__ == "__main__":
    main()

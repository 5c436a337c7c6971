# Makes text.json: what Spack's TextFilePrefixReplacer does to texts. Run: SPACK_ROOT=… python3 test/vectors/make-text-vectors.py
from collections import OrderedDict

from spack_vectors import b64, encode_map, generator, memory_file, random_mapping, write

from spack.relocate_text import TextFilePrefixReplacer

OLD_NEW = [(b"/old/store", b"/n"), (b"/old", b"/elsewhere")]
FIRST_WINS = [(b"/old", b"/one"), (b"/old/store", b"/two")]
SBANG = [
    (b"/old/bin/sbang", b"/new/bin/sbang"),
    (b"/old", b"/new"),
    (b"#!/bin/bash /spack/bin/sbang", b"#!/bin/sh /new/bin/sbang"),
]
HAND = [
    ("empty", OLD_NEW, b""),
    ("nothing", OLD_NEW, b"nothing to see\n"),
    ("whole", OLD_NEW, b"/old/store"),
    ("flag before", OLD_NEW, b"-L/old/store/lib -I/old/store/include"),
    ("assignment", OLD_NEW, b"x=/old/store:y=/old"),
    ("one name before", OLD_NEW, b"a/old/store"),
    ("two names before", OLD_NEW, b"b/a/old/store"),
    ("double slash", OLD_NEW, b"//old/store"),
    ("run of dashes", OLD_NEW, b"--prefix--/old/store"),
    ("glued second", OLD_NEW, b"/old/store/old/store"),
    ("glued by colon", OLD_NEW, b"/old/store:/old/store"),
    ("no right boundary", OLD_NEW, b"/old/storeroom /olden"),
    ("tail with dot", OLD_NEW, b"/old/store/lib/libz.so.1/old/store"),
    ("latin-1", OLD_NEW, b"\xe9/old/store \xff/old\xff"),
    ("NUL", OLD_NEW, b"\0/old/store\0a/old\0"),
    ("first in order wins", FIRST_WINS, b"/old/store /old"),
    ("hash bang", SBANG, b"#!/bin/bash /spack/bin/sbang\n#!/old/bin/perl\n"),
    ("hash bang behind a word", SBANG, b"x#!/bin/bash /spack/bin/sbang /old"),
    ("hash bang behind a slash", SBANG, b"/#!/bin/bash /spack/bin/sbang /old"),
    ("hash bang twice", SBANG, b"#!/bin/bash /spack/bin/sbang#!/bin/bash /spack/bin/sbang"),
    ("newline variants", SBANG, b"/old\r\n/old\r/old\n\n/old"),
    ("identity is dropped", [(b"/old/store", b"/old/store"), (b"/old", b"/new")], b"/old/store /old/x"),
    ("only identities", [(b"/old", b"/old")], b"/old"),
    ("prefix ends in a colon", [(b"/old:", b"/new:")], b"/old:/old: x/old:-/old:"),
    ("word prefixes", [(b"old", b"new"), (b"o", b"p")], b"xxold old /old a/o -o old/old o/ooo"),
    ("long run", OLD_NEW, b"/" + b"a" * 300 + b"/old " + b"b" * 300 + b"/old"),
]
PIECES = [
    b"/", b"//", b"-", b"_", b"a", b"Z9", b"-L", b"x=", b":", b" ", b"\n", b"\r\n", b"\0", b".", b"\xc3\xa9", b"#!", b"b/a", b";", b"lib"
]


def answer(mapping, data):
    replacer = TextFilePrefixReplacer(OrderedDict(mapping))
    f = memory_file(data)
    changed = replacer.apply_to_file(f)
    return f.getvalue() if changed else None


def random_text(rng, mapping):
    parts = []
    for _ in range(rng.randint(1, 16)):
        old = rng.choice(mapping)[0]
        parts.append(rng.choice([old, old, old[: rng.randint(1, len(old))], rng.choice(PIECES), rng.choice(PIECES)]))
    return b"".join(parts)


def main():
    rng = generator(20240115)
    cases = [(name, mapping, data) for name, mapping, data in HAND]
    for i in range(400):
        mapping = random_mapping(rng)
        cases.append(("random %d" % i, mapping, random_text(rng, mapping)))
    write(
        "text.json",
        [
            {"name": n, "mapping": encode_map(m), "input": b64(d), "output": b64(answer(m, d))}
            for n, m, d in cases
        ],
    )


main()

# Makes cstring.json: what Spack's BinaryFilePrefixReplacer does to binaries. Run: SPACK_ROOT=… python3 test/vectors/make-cstring-vectors.py
from collections import OrderedDict

from spack_vectors import b64, encode_map, generator, memory_file, random_mapping, write

from spack.relocate_text import BinaryFilePrefixReplacer, CannotGrowString, CannotShrinkCString

SHRINK = [(b"/old/store/prefix", b"/new/x")]
SHRINK_SLIGHTLY = [(b"/old/store", b"/new/st")]
SAME_END = [(b"/old/root/opt", b"/new/opt")]
FIRST_WINS = [(b"/old", b"/a"), (b"/old/store/prefix/long", b"/b")]
SHORT = [(b"/ab", b"/b"), (b"/a", b"/")]
HAND = [
    ("empty", SHRINK, b""),
    ("nothing", SHRINK, b"\0\x7fELF\0nothing\0"),
    ("first in order wins", FIRST_WINS, b"/old/store/prefix/long/lib/file\0/old/x/long-enough\0"),
    ("no left boundary", SHRINK, b"abc/old/store/prefix/lib/longer\0"),
    ("cut by the end", SHRINK, b"\0/old/store/prefix"),
    ("suffix at the end without NUL", SHRINK, b"/old/store/prefix/lib"),
    ("two adjacent", SHRINK, b"/old/store/prefix\0/old/store/prefix\0"),
    ("two in one string", SHRINK, b"/old/store/prefix:/old/store/prefix\0"),
    ("second within the window of the first", [(b"/o", b"/n"), (b"/old/store/q", b"/q")], b"/o/o\0/o/o/o/o/o/o\0"),
    ("grow", [(b"/old", b"/longer")], b"xx/old/lib\0"),
    ("grow comes second", [(b"/old/store", b"/n"), (b"/tmp", b"/longer")], b"/old/store\0/tmp\0"),
    ("identity is dropped", [(b"/old/store", b"/old/store"), (b"/old", b"/new")], b"/old/store/lib/libz.so\0"),
    ("short prefixes", SHORT, b"/ab\0/a\0/abcdefgh\0/a/a/a/a/a/a/a\0"),
    ("same length", [(b"/old/store", b"/new/store"), (b"/old", b"/new")], b"/old/store\0/old\0/oldish things\0"),
]
for length in range(0, 10):
    HAND.append(("shrink, suffix %d" % length, SHRINK, b"\0/old/store/prefix" + b"/libxyzabc"[:length] + b"\0tail"))
    HAND.append(("shrink slightly, suffix %d" % length, SHRINK_SLIGHTLY, b"/old/store" + b"/libxyzabc"[:length] + b"\0tail"))
    HAND.append(("same end, suffix %d" % length, SAME_END, b"/old/root/opt" + b"/libxyzabc"[:length] + b"\0tail"))
    HAND.append(("NUL missing at the end, suffix %d" % length, SHRINK_SLIGHTLY, b"/old/store" + b"/libxyzabc"[:length]))
for cut in range(0, 12):
    HAND.append(("new prefix is a beginning, less %d" % cut, [(b"/old/store/prefix", b"/old/store/prefix"[: 17 - cut])], b"/old/store/prefix/a\0"))
    HAND.append(("new prefix ends alike, less %d" % cut, [(b"/old/store/prefix", b"/" + b"old/store/prefix"[cut:])], b"/old/store/prefix/ab\0x"))
FILLERS = [b"\0", b"\0\0", b"/", b"a", b"/lib", b"/libz.so.1", b"abcdefg", b"abcdefgh\0", b"\xff\xfe", b"1234567", b":", b"\n"]


def answer(mapping, data):
    replacer = BinaryFilePrefixReplacer(OrderedDict(mapping))
    f = memory_file(data)
    try:
        replacer.apply_to_file(f)
    except CannotGrowString:
        return None, "cannot-grow-string"
    except CannotShrinkCString:
        return None, "cannot-shrink-string"
    return f.getvalue(), None


def random_binary(rng, mapping):
    parts = []
    for _ in range(rng.randint(1, 14)):
        old = rng.choice(mapping)[0]
        parts.append(rng.choice([old, old, old[: rng.randint(1, len(old))], rng.choice(FILLERS), rng.choice(FILLERS)]))
    return b"".join(parts)


def shrinking(mapping):
    """The same mapping with new prefixes that are not longer, so that the cases reach beyond the first error."""
    return [(old, new if len(new) <= len(old) else new[: max(1, len(old) - 9)]) for old, new in mapping]


def main():
    rng = generator(20240116)
    cases = [(name, mapping, data) for name, mapping, data in HAND]
    for i in range(450):
        mapping = random_mapping(rng)
        if i % 6:
            mapping = shrinking(mapping)
        if i % 3:
            data = b"\0".join(rng.choice(mapping)[0] + b"/usr/lib/libfoo"[: rng.randint(5, 15)] for _ in range(rng.randint(1, 6)))
        else:
            data = random_binary(rng, mapping)
        cases.append(("random %d" % i, mapping, data))
    lines = []
    for name, mapping, data in cases:
        output, error = answer(mapping, data)
        lines.append({"name": name, "mapping": encode_map(mapping), "input": b64(data), "output": b64(output), "error": error})
    write("cstring.json", lines)


main()

# Makes yaml.json: how Spack writes texts in a buildinfo, as items of a list and as values of a mapping.
# Run: SPACK_ROOT=… python3 test/vectors/make-yaml-vectors.py
from spack_vectors import generator, write

import spack.util.spack_yaml as syaml

HAND = [
    "", " ", "  ", "a", "a b", " a", "a ", "a  b", "yes", "Yes", "no", "No", "y", "n", "on", "off", "true", "True", "TRUE", "tRue",
    "false", "False", "FALSE", "null", "Null", "NULL", "nULL", "~", "=", "==", "<<", "<", "1", "-1", "+1", "--1", "0", "00", "01",
    "08", "0x1F", "0X1F", "0xg", "0o17", "0O17", "017", "0o8", "0b1", "1_000", "_1", "1_", "1.", ".1", "1.5", "-.5", "+.5", "1.5e3",
    "1e3", "1E3", "1e", "e1", "1e+3", "1.5e-3", "1.e5", ".e5", ".", "..", "...", "....", ".inf", "-.inf", "+.INF", ".Inf", ".iNf",
    ".nan", ".NaN", ".NAN", "nan", "inf", "1:30", "12:30:45", "190:20:30", "190:20:30.15", "2024-01-10", "2024-1-1", "2024-01-10T",
    "2024-01-10T12:30:45Z", "2024-01-10 12:30:45", "2024-01-10t12:30:45.5+02:00", "2024-1-10 1:30:45 -5", "20240110", "2024-01",
    "-", "--", "---", "--- a", "---a", "... a", "...a", "- a", "-a", "?", "? a", "?a", ":", ": a", ":a", "a:", "a: b", "a:b", "a :b",
    "#", "# a", "#a", "a#", "a #", "a # b", "a #b", "&", "&a", "*", "*a", "!", "!a", "!!a", "|", "|a", ">", ">a", "'", "'a", "a'",
    "''", "\"", "\"a", "a\"", "%", "%a", "a%", "@", "@a", "a@b", "`", "`a", "a`b", ",", ",a", "a,", "a,b", "a, b", "[", "[a", "a[",
    "]", "]a", "a]", "{", "{a", "a{", "}", "}a", "a}", "[x], {y}", "\\", "\\n", "a\\b", "\t", "a\tb", "\ta", "a\t", "a\t: b", "a:\tb",
    "a\t#b", "a#\tb", "\n", "a\nb", "a\n", "\na", "a\n\nb", "a \nb", "a\n b", "a\n\n", "\n\na", "a\n \nb", "- \nb", "'\nb", "a\n'b", "\r",
    "a\rb", "a\r\nb", "\x00", "a\x01b", "\x07", "\x08", "\x0b", "\x0c", "\x1b[1m", "\x1f", "\x7f", "\x80", "a\x85b", "\x85", "\xa0",
    "a\xa0b", "\xad", "\xe9", "\xef\xbf", "caf\xe9 \u2603 \U0001f600", "\u2028", "a\u2028b", "a\u2029", "\u200b", "\ufeff", "a\ufeffb",
    "\ufffd", "\ufffe", "\uffff", "\ud7ff", "\ue000", "\U00010000", "\U0010ffff", "\udc80", "a\udcffb", "\udce9 \xe9", "\udc80\n",
    "\udc80 ", " \udc80", "a\udc80\"\\\tb", "a\udc80\u2603", "a \u2028 b", "a\x07'b", "a\x07\"b", "a\x07\\b", "a\x07/b", "a\x07\xa0b",
    "a\x07 b", "a\x07\u2028\u2029\x85", "a\x07\n", "a\x07\U0001f600\ufeff", "a\x07\udc41", "a'b: c", "a\"b: c", "a'b\"c: d", "'a' \"b\": c",
    "share/odd/colon: and # and 'quote' and \"double\".txt", "trailing space ", "it's", "it's: so", "/tmp/golden store/opt",
    "a" * 200 + " " + "b" * 200, ("word " * 60).strip(), "'" * 100, "a: " + "x " * 100 + "y", "\x07" + "word " * 50, "lib/libstdc++.so.6",
    "include/c++/12.2.0/bits/stl_vector.h", "a\x0bb", "a\u3000b", "a\u2003", "\u2003a", "0x", "0o", "+", "+a", "1a", "a1", "1-2", "1,2", "1,000",
    "0.", "0.0", "-0", "-0.0", "+.inf", "1__0", "1._5", "._5", "_", "__", "0x_1", "0o1_7", "1_0.5", "1:2", "-1:30", "1:60", "1:30.5", "0_1",
    "00:00", "!!str", "<a>", "a<b", "a>b", "a|b", "a&b", "a*b", "a!b", "a?", "a? b", "a ?b", "a - b", "a -b", "a-", "a -", "= a", "=a", "<<a",
    "%20", "a%20", "#!", "a:#", "a#:", "a#: ", ": #", "a:  b", "a  #", "-\t", "-\ta", "?\ta", ":\ta", "a:\u2028b", "-\xa0a", "-\u2003a", "#\xa0", "a\xa0#",
    "2e7777777777777777777777777777aa", "2e777777777777777777777777777777", "22222222222222222222222222222222",
]
ALPHABETS = [
    "ab-:#?[]{},'\"%@`!&*|>= ",
    "01279._-+:eExo",
    "ab 'x\":#\n",
    "a\t \n\x07\x85\u2028\udc80\xe9\U0001f600'\"\\",
    "0123456789abcdefghijklmnopqrstuvwxyz-_./+",
    "tTrRuUeEnNlLyYoOsS",
    "-: \n#",
    "\n \u2028\x85a'",
    "20-T:1 zZ.+",
]
LONG_ALPHABETS = ["abcdefg ", "abc/de'f ", "abc: d", "ab\x07cdefgh ", "ab \udc80", "abcdefghi\u2028 ", "ab\U0001f600\xe9 cde", "a\t b'"]


def dump(data):
    return syaml.dump(data, default_flow_style=True)


def case(text):
    item = dump({"a": [text, "z"]})
    value = dump({"m": {"k": text, "z": "z"}})
    assert item.startswith("a:\n- ") and item.endswith("\n- z\n"), item
    assert value.startswith("m:\n  k: ") and value.endswith("\n  z: z\n"), value
    return {"text": text, "item": item[len("a:\n- "):-len("\n- z\n")], "value": value[len("m:\n  k: "):-len("\n  z: z\n")]}


def main():
    rng = generator(20240115)
    texts = dict.fromkeys(HAND)
    for alphabet in ALPHABETS:
        for _ in range(220):
            texts.setdefault("".join(rng.choice(alphabet) for _ in range(rng.randint(1, 9))))
    for alphabet in LONG_ALPHABETS:
        for _ in range(25):
            texts.setdefault("".join(rng.choice(alphabet) for _ in range(rng.randint(60, 260))))
    texts.update(dict.fromkeys("a%sb" % chr(n) for n in range(0x180)))
    texts.update(dict.fromkeys(chr(n) for n in range(0x100)))
    write("yaml.json", [case(text) for text in texts])


main()

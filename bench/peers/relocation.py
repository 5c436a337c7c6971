"""Relocation with Python's regular expressions: one alternation of all prefixes, over all bytes of a file, as Spack does it."""

import re

SUFFIX = 7


def alternation(mapping):
    return b"|".join(re.escape(old) for old, _ in mapping)


def text_pattern(mapping):
    return re.compile(rb"(?<![\w\-_/])([\w\-_]*?)(%s)([\w\-_/]*)" % alternation(mapping))


def string_pattern(mapping):
    return re.compile(rb"(%s)([^\x00]{0,%d}\x00)?" % (alternation(mapping), SUFFIX))


def scan_pattern(mapping):
    return re.compile(alternation(mapping))


def replace_text(pattern, targets, text):
    return pattern.sub(lambda match: match[1] + targets[match[2]] + match[3], text)


def replace_strings(pattern, targets, data):
    """Relocates in place, in a writable buffer: a bytearray or a memory map."""
    for match in pattern.finditer(data):
        old, end = match[1], match[2]
        new = targets[old]
        room = len(old) - len(new)
        shared = 0 if end is None else SUFFIX - (len(end) - 1)
        if shared <= 0 or old[-shared:] == new[-shared:]:
            result = b"/" * room + new
        else:
            result = new + end
        data[match.start() : match.start() + len(result)] = result

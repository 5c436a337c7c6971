"""Checksum, unpacking and relocation with the same calls of Python's standard library as Spack, and nothing else of an installation:
`install.py ROOT TARBALL...`. No signature, no database, no hooks. `install.py --relocate ROOT PREFIX...` only relocates what lies there.
"""

import hashlib
import mmap
import os
import re
import sys
import tarfile

import relocation

ELF_PART = 8192  # where the generated libraries have their rpath


def checksum(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def read_buildinfo(path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    fields = dict(re.findall(r"^(\w+): (\S.*)$", text, re.M))
    lists = {name: re.findall(r"- (.*)", body) for name, body in re.findall(r"^(\w+):\n((?:- .*\n)+)", text, re.M)}
    return fields, lists


def rewrite_rpath(data, mapping):
    start = data.find(mapping[-1][0], 0, ELF_PART)
    if start < 0:
        return
    end = data.find(b"\0", start)
    entries = data[start:end].split(b":")
    for i, entry in enumerate(entries):
        old, new = next((each for each in mapping if entry.startswith(each[0])), (b"", b""))
        entries[i] = new + entry[len(old) :]
    data[start:end] = b":".join(entries).ljust(end - start, b"\0")


def relocate(prefix, mapping, lists):
    targets = dict(mapping)
    text, strings = relocation.text_pattern(mapping), relocation.string_pattern(mapping)
    for name in lists.get("relocate_binaries", ()):
        with open(os.path.join(prefix, name), "r+b") as file, mmap.mmap(file.fileno(), 0) as data:
            rewrite_rpath(data, mapping)
            relocation.replace_strings(strings, targets, data)
    for name in lists.get("relocate_textfiles", ()):
        with open(os.path.join(prefix, name), "r+b") as file:
            result = relocation.replace_text(text, targets, file.read())
            file.seek(0)
            file.write(result)
            file.truncate()


def install(root, tarball):
    checksum(tarball)
    stage = os.path.join(root, ".stage")
    with tarfile.open(tarball) as archive:
        old_prefix = "/" + archive.next().name
        archive.extractall(stage)
    fields, _ = read_buildinfo(f"{stage}{old_prefix}/.spack/binary_distribution")
    prefix = os.path.join(root, fields["relative_prefix"])
    os.makedirs(os.path.dirname(prefix), exist_ok=True)
    os.rename(stage + old_prefix, prefix)
    os.removedirs(os.path.dirname(stage + old_prefix))
    relocate_package(root, prefix)


def relocate_package(root, prefix):
    fields, lists = read_buildinfo(f"{prefix}/.spack/binary_distribution")
    old_root = fields["buildpath"]
    old_prefix = f"{old_root}/{fields['relative_prefix']}"
    hashes = re.findall(r"^  \w+: (\S+)$", open(f"{prefix}/.spack/binary_distribution", encoding="utf-8").read(), re.M)
    mapping = [(old, root + old[len(old_root) :]) for old in [*hashes, old_prefix, old_root]]
    relocate(prefix, [(old.encode(), new.encode()) for old, new in mapping], lists)


def main(*args):
    if args[0] == "--relocate":
        for prefix in args[2:]:
            relocate_package(args[1], prefix)
        return
    os.makedirs(args[0])
    for tarball in args[1:]:
        install(args[0], tarball)


main(*sys.argv[1:])

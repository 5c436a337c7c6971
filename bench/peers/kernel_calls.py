"""One kernel's work with Python's standard library: `kernel_calls.py KERNEL BYTES MAPPING`.

Does the work once for each line that comes in, and answers with its times in milliseconds and the digest of the result.
"""

import gzip
import hashlib
import io
import json
import struct
import sys
import tarfile
import time

import relocation

BLOCK = 1 << 20
TAR_BLOCK = 16 * 1024  # what `tarfile` copies at a time


def sha256(data, _):
    digest = hashlib.sha256()
    for offset in range(0, len(data), BLOCK):
        digest.update(data[offset : offset + BLOCK])
    return lambda: digest.hexdigest().encode()


def inflate(data, _):
    size = 0
    with gzip.GzipFile(fileobj=io.BytesIO(data)) as unpacked:
        while part := unpacked.read(TAR_BLOCK):
            size += len(part)
    return lambda: b"%d bytes" % size


def scan(data, mapping):
    index = {old: i for i, (old, _) in reversed(list(enumerate(mapping)))}
    hits = [(match.start(), index[match[0]]) for match in relocation.scan_pattern(mapping).finditer(data)]
    return lambda: b"".join(struct.pack("<II", *hit) for hit in hits)


def text(data, mapping):
    result = relocation.replace_text(relocation.text_pattern(mapping), dict(mapping), data)
    return lambda: result


def strings(data, mapping):
    relocation.replace_strings(relocation.string_pattern(mapping), dict(mapping), data)
    return lambda: data


def tar(data, _):
    entries = size = 0
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member in archive:
            entries += 1
            body = archive.extractfile(member)
            while body and (part := body.read(TAR_BLOCK)):
                size += len(part)
    return lambda: b"%d entries, %d bytes" % (entries, size)


KERNELS = {each.__name__: each for each in (sha256, inflate, scan, text, strings, tar)}


def main(kernel, bytes_path, mapping_path):
    with open(bytes_path, "rb") as file:
        original = file.read()
    with open(mapping_path, encoding="latin-1") as file:
        mapping = [(old.encode("latin-1"), new.encode("latin-1")) for old, new in json.load(file)]
    for _ in sys.stdin:
        data = bytearray(original) if kernel == "strings" else original
        wall, cpu = time.perf_counter(), time.process_time()
        result = KERNELS[kernel](data, mapping)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        digest = hashlib.sha256(result()).hexdigest()
        print(json.dumps({"wall": wall * 1000, "cpu": cpu * 1000, "digest": digest}), flush=True)


main(*sys.argv[1:])

# Lets a real Spack write records with nasty names, as it writes a buildinfo, and writes them to yaml-vectors.json: the texts (block
# style as the reference has it; flow style as old Spacks and Spack 1.x have it) and what they must be read as.
#   spack python test/buildcache/make-yaml-vectors.py > test/buildcache/yaml-vectors.json

import io
import json

import ruamel.yaml
import spack.util.spack_yaml

NAMES = [
    "a: b", "a:b", "#x", "x #y", "x#y", "\u00fc", "\udc80", "\u00e9\udcff", "it's", "tab\tx", "nl\nx", "\x7f", "\u2028", "\ufeff", "\xa0x",
    " lead", "trail ", "", "~", "-", "- x", "?", "[x]", "{x}", "a, b", "a]", "*x", "&x", "!x", "|", ">", "%x", "@x", "`x", '"q"', "x:",
    "x: ", ":x", "::", "=", "<<", "1.5", "0o7", "0x1F", "1_000", "2024-01-10", "12:30:45", "...", "---", "--- x", "a\\b", '"', "'", "\U0001f600",
    "yes", "No", "y", "null", "true", "\x1b", "\x07", "a b  c", "a" * 200 + " b" * 100, "\u00e9" * 100, "a" * 100 + "  b", '"' + "a" * 100 + " b",
    "\t" + "a" * 100 + " b c", "\n" + "a " * 60, "'" + "a: " * 60, "z: " + "a " * 60 + "it's", "a" * 100 + " # b", "\u00fc " * 90, "\udc80 " * 90,
    "a\u2028b", "a \u2029 b", "\x85", "x\x85\x85y", "a\x85 b", "share/man/man3/File::Spec.3", "bin/[", "lib/g++", "-dash", "~", "x" * 130,
]
RECORD = {
    "buildpath": "/old root/" + "p" * 100 + "/x y/" + "q" * 100,
    "relocate_textfiles": NAMES,
    "relocate_binaries": [],
    "hardlinks_deduped": True,
    "prefix_to_hash": {"/old" * 40: "aa", "/old/x": "bb", "/old y/" + "z" * 130: "cc"},
}


def as_bytes(value):
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape").decode("latin-1")
    if isinstance(value, list):
        return [as_bytes(item) for item in value]
    if isinstance(value, dict):
        return {as_bytes(key): as_bytes(item) for key, item in value.items()}
    return json.dumps(value)


def block(record):
    stream = io.StringIO()
    spack.util.spack_yaml.dump(record, stream, default_flow_style=True)
    return stream.getvalue()


def flow(record, width):
    stream = io.StringIO()
    yaml = ruamel.yaml.YAML(typ="safe", pure=True)
    yaml.default_flow_style = True
    yaml.sort_base_mapping_type_on_output = False
    yaml.allow_unicode = True
    yaml.width = width
    yaml.dump(record, stream)
    return stream.getvalue()


texts = {"block": block(RECORD), "flow": flow(RECORD, 2**30), "folded flow": flow(RECORD, 80)}
print(json.dumps({"record": as_bytes(RECORD), "texts": texts}, separators=(",", ":")))

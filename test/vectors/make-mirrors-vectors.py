# Makes mirrors-<version>.json: which mirrors Spack reads from files in all scopes of its configuration. Cases that Spack refuses are left out.
# Run with each Spack: SPACK_ROOT=… python3 test/vectors/make-mirrors-vectors.py
# In files and answers, "@" stands for the folder of the case: its Spack is in @/spack, its home in @/home.
import copy
import json
import os
import shutil
import sys
import tempfile

from spack_vectors import generator, write

import spack
import spack.config
import spack.environment.environment as environments
import spack.paths

MAJOR = int(spack.spack_version.split(".")[0])
if MAJOR >= 1:
    from spack.mirrors.mirror import Mirror
else:
    from spack.mirror import Mirror

CASES = 150  # some are refused
NAMES = ["a", "b", "c", "d-e", "f_2"]
ENVIRONMENT = {"DATA": "/data", "spack_like": "lower", "EMPTY": ""}
URLS = ["https://host/x", "https://host/y z", "s3://bucket/prefix", "gs://b", "oci://ghcr.io/x/y", "file:///f", "/abs", "/abs/../b/", "rel", "./rel/r", "../up",
        "~/c", "~", "~root/c", "~no-such-user/c", "$spack/c", "${SPACK}/c", "$Spack/c", "$DATA/c", "${DATA}/$unknown", "$user_cache_path/c", "$platform/c",
        "$spack_instance_id/c", "$spack_short_version/c", "$spack_like/c", "/x/$EMPTY/y", "$env/c", "$DATAx", "${DATA}x", "ftp://h/x", "x y/%41 b"]
SCOPES = ["spack/etc/spack/defaults", "system", "spack/etc/spack", "home/.spack", "home/.spack"]
OLD_SCOPES = [s + p for s in SCOPES for p in ("", "/linux")]
NEW_SCOPES = SCOPES + ["spack/etc/spack/defaults/base", "spack/etc/spack/defaults/linux", "spack/etc/spack/site", "home/.spack/more", "home/.spack/one.yaml"]


def quoted(text):
    return json.dumps(text)


def connection(rng):
    out = {}
    if rng.random() < 0.3:
        out["url"] = rng.choice(URLS)
    if rng.random() < 0.25:
        if MAJOR >= 1:
            out["access_pair"] = rng.choice([{"id": "me", "secret_variable": "S"}, {"id_variable": "I", "secret_variable": "S"}])
        else:
            out["access_pair"] = rng.choice([["id", "secret"], ["other", "word"], [None, None]])
    if rng.random() < 0.2:
        out["profile"] = rng.choice(["p", "q", None])
    if rng.random() < 0.2:
        out["endpoint_url"] = rng.choice(["https://endpoint", "http://other:9000", None])
    if rng.random() < 0.2:
        out["access_token_variable" if MAJOR >= 1 else "access_token"] = rng.choice(["T", "U"])
    return out


def mirror(rng):
    if rng.random() < 0.3:
        return rng.choice(URLS)
    out = connection(rng)
    for flag in ("source", "binary", "signed", "autopush"):
        if rng.random() < 0.25:
            out[flag] = rng.random() < 0.5
    for direction in ("fetch", "push"):
        if rng.random() < 0.3:
            out[direction] = rng.choice(URLS) if rng.random() < 0.5 else connection(rng)
    if "url" not in out and "fetch" not in out:
        out["url"] = rng.choice(URLS)
    return out


def mark(rng, key):
    return quoted(key + ":") if rng.random() < 0.15 else quoted(key)


def dump(rng, value, depth):
    if not isinstance(value, dict):
        return json.dumps(value)
    pad = "\n" + "  " * depth
    return "".join(pad + "%s: %s" % (mark(rng, k) if depth == 2 and k != "<<" and rng.random() < 0.3 else k, dump(rng, v, depth + 1)) for k, v in value.items()) or " {}"


def mirrors_text(rng, head=""):
    names = [n for n in NAMES if rng.random() < 0.5]
    rng.shuffle(names)
    text, anchored = mark(rng, "mirrors") + ":", None
    for name in names:
        value = mirror(rng)
        anchor = ""
        if isinstance(value, dict):
            if anchored and rng.random() < 0.4:
                value = {k: v for k, v in value.items() if rng.random() < 0.6}
                value = {"<<": None, **value}
            elif rng.random() < 0.4:
                anchor, anchored = " &x", True
                # Its name and its texts are its own: what other scopes add to an anchored mapping or list shows up wherever it is merged, by mistake.
                value = {k: v for k, v in value.items() if not isinstance(v, (dict, list))}
                value.setdefault("url", rng.choice(URLS))
                name = "base-%d" % rng.randrange(1000000)
        body = dump(rng, value, 2).replace("<<: null", "<<: *x")
        text += "\n  %s:%s %s" % (mark(rng, name), anchor, body)
    return text + (" {}" if not names else "") + "\n"


def files_of(rng):
    files = {}
    for scope in dict.fromkeys(NEW_SCOPES if MAJOR >= 1 else OLD_SCOPES):
        if rng.random() < 0.45:
            files[scope if scope.endswith(".yaml") else scope + "/mirrors.yaml"] = mirrors_text(rng)
    environment = dict(ENVIRONMENT)
    if MAJOR >= 1 and rng.random() < 0.5:
        files["home/.spack/include.yaml"] = rng.choice([
            "include: [more, {path: one.yaml, optional: true}]", "include:\n- path: ${DATA}/no\n  optional: true\n- path: $spack/../home/.spack/one.yaml\n  optional: true\n",
            "include: [{path: more, when: 'platform == \"linux\" and \"DATA\" in env'}, {path: more, when: 'not True or os == \"x\"'}]",
            "include:: [one.yaml]", "include: [{path: one.yaml, name: site}]"])
    if rng.random() < 0.2:
        environment["SPACK_DISABLE_LOCAL_CONFIG"] = "1"
    if rng.random() < 0.2:
        environment["SPACK_USER_CONFIG_PATH"] = rng.choice(["@/mine", "~/mine"])
        files["mine/mirrors.yaml" if environment["SPACK_USER_CONFIG_PATH"] == "@/mine" else "home/mine/mirrors.yaml"] = mirrors_text(rng)
    if rng.random() < 0.2:
        environment["SPACK_USER_CACHE_PATH"] = rng.choice(["~/cache", "@/cache"])
    if rng.random() < 0.3:
        environment["SPACK_ENV"] = "@/e"
        include = rng.choice(["", "  include: [inc]\n", "  include:\n  - inc/mirrors.yaml\n  - $spack/../home/mine\n", "  include:: []\n" if MAJOR >= 1 else ""])
        body = "".join("  " + line + "\n" for line in mirrors_text(rng).splitlines()) if rng.random() < 0.6 else ""
        files["e/spack.yaml"] = "spack:\n" + include + body + "  specs: []\n"
        files["e/inc/mirrors.yaml"] = mirrors_text(rng)
        files.setdefault("home/mine/mirrors.yaml", mirrors_text(rng))
    return files, environment


HAND = [
    "mirrors: {m: {url: https://x, fetch: {url: 'https://f:'}}}",
    "mirrors:\n  'm@1:': https://x\n  n: https://y\n",
    "mirrors:\n  a: &x {url: https://x, signed: false}\n  b:\n    <<: *x\n    url: https://y\n  c: {source: false, <<: *x}\n",
    "mirrors:\n  a: &x {url: https://x, signed: false}\n  y: &y {url: https://y, binary: false}\n  c: {<<: [*y, *x], source: false}\n",
    "mirrors:\n  <<: {z: https://z, y: https://y}\n  a: https://a\n",
    "mirrors: {m+: 'https://plus', n-: 'https://minus'}",
    "mirrors:\n  b: relative\n",
    "mirrors: {}\n",
    "mirrors:\n  10: https://ten\n  2: https://two\n",
    "mirrors:\n  m: {url: https://x, profile: null, fetch: {profile: p}}\n",
    "mirrors:\n  m: {url: https://x, profile: p, fetch: {profile: null}}\n",
]


# The scopes that Spack 1.1 comes with, and their order.
LOCAL = "when: '\"SPACK_DISABLE_LOCAL_CONFIG\" not in env'"
INCLUDES = {
    "spack/etc/spack/defaults/include.yaml": "include: [{path: '${platform}', optional: true}, {path: base}]\n",
    "spack/etc/spack/include.yaml": "include:\n"
    "- {name: user, path_override_env_var: SPACK_USER_CONFIG_PATH, path: ~/.spack, optional: true, %s}\n"
    "- {name: site, path: $spack/etc/spack/site, optional: true}\n"
    "- {name: system, path_override_env_var: SPACK_SYSTEM_CONFIG_PATH, path: /etc/spack, optional: true, %s}\n" % (LOCAL, LOCAL),
}


def build(folder, files):
    every = dict(files)
    if MAJOR >= 1:
        every.update(INCLUDES)
        every.setdefault("spack/etc/spack/defaults/base/mirrors.yaml", "mirrors:\n  spack-public: {binary: false, url: https://mirror.spack.io}\n")
    every["spack/lib/spack/spack/__init__.py"] = '__version__ = "%s"\n' % spack.spack_version
    for name, text in every.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as out:
            out.write(text.replace("@/", folder + "/"))
    return every


def read(folder, environment):
    values = {k: v.replace("@/", folder + "/") for k, v in environment.items()}
    os.environ.clear()
    os.environ.update(values, HOME=folder + "/home", PATH="/usr/bin:/bin", SPACK_SYSTEM_CONFIG_PATH=folder + "/system")
    prefix = folder + "/spack"
    spack.paths.prefix = prefix
    spack.paths.etc_path = prefix + "/etc/spack"
    spack.paths.user_cache_path = spack.paths._get_user_cache_path()
    spack.paths.user_config_path = spack.paths._get_user_config_path()
    spack.paths.system_config_path = spack.paths._get_system_config_path()
    if MAJOR >= 1:
        spack.paths.spack_instance_id = spack.paths.hash.b32_hash(prefix)[:7]
    spack.config.CONFIGURATION_DEFAULTS_PATH = ("defaults", prefix + "/etc/spack/defaults")
    config = spack.config.create()
    active = values.get("SPACK_ENV")
    environments.active_environment = lambda: type("Active", (), {"path": active}) if active else None
    spack.environment.active_environment = environments.active_environment
    if active:
        manifest = environments.EnvironmentManifestFile(active)
        if MAJOR >= 1:
            config.push_scope(manifest.env_config_scope, priority=spack.config.ConfigScopePriority.ENVIRONMENT)
        else:
            for scope in manifest.env_config_scopes:
                config.push_scope(scope)
    spack.config.CONFIG = config
    return [facts(Mirror(copy.deepcopy(data), name)) for name, data in config.get_config("mirrors").items()]


def facts(mirror):
    mirror.fetch_url  # without one, Spack cannot use its configuration
    return {"name": str(mirror.name), "source": mirror.source, "binary": mirror.binary, "signed": mirror.signed,
            **{d: {"url": mirror.get_url(d) if has_url(mirror, d) else None,
                   **{k: mirror._get_value(k, d) for k in ("access_pair", "access_token", "access_token_variable", "profile", "endpoint_url")}}
               for d in ("fetch", "push")}}


def has_url(mirror, direction):
    data = mirror._data
    return isinstance(data, str) or direction in data and (isinstance(data[direction], str) or "url" in data[direction]) or "url" in data


def main():
    rng = generator(20261127)
    inputs = [({"home/.spack/mirrors.yaml": text, "spack/etc/spack/defaults/mirrors.yaml": "mirrors: {m: https://default, b: /d}\n"}, dict(ENVIRONMENT)) for text in HAND]
    inputs += [files_of(rng) for _ in range(CASES)]
    cases, refused = [], {}
    for files, environment in inputs:
        folder = os.path.realpath(tempfile.mkdtemp(prefix="spack-config-"))
        try:
            every = build(folder, files)
            answer = json.dumps(read(folder, environment)).replace(folder, "@")
            if MAJOR >= 1:
                answer = answer.replace(spack.paths.spack_instance_id, "#")
            cases.append({"files": every, "environment": environment, "mirrors": json.loads(answer)})
        except Exception as error:
            text = "%s: %s" % (type(error).__name__, str(error).replace(folder, "@")[:150])
            refused[text] = refused.get(text, 0) + 1
        finally:
            shutil.rmtree(folder)
    for text, count in refused.items():
        print(count, text, file=sys.stderr)
    write("mirrors-%s.json" % ".".join(spack.spack_version.split(".")[:2]), cases)


main()

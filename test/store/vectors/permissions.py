"""Makes permissions.json from a Spack's own functions: run with that Spack's `spack python permissions.py > permissions.json`."""

import json
import os
import stat
import tempfile

import spack.config
import spack.package_prefs as prefs
import spack.spec
import spack.util.file_permissions as permissions

spec = spack.spec.Spec("zlib")
spec.name = "zlib"
audiences = ["user", "group", "world"]
currents = [0o600, 0o644, 0o755, 0o711, 0o610, 0o777, 0o4755, 0o2755, 0o1644]


def result(path, perms):
    try:
        permissions.set_permissions(path, perms)
    except Exception as e:
        return type(e).__name__
    return stat.S_IMODE(os.stat(path).st_mode)


def modes(read, write, sgid):
    case = {"read": read, "write": write, "allow_sgid": sgid}
    with spack.config.override("packages", {"all": {"permissions": {"read": read, "write": write}}}):
        with spack.config.override("config:allow_sgid", sgid):
            try:
                file_perms = prefs.get_package_permissions(spec)
                dir_perms = prefs.get_package_dir_permissions(spec)
            except Exception as e:
                return {**case, "error": type(e).__name__}
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "d")
        os.mkdir(path)
        case["directory"] = result(path, dir_perms)
        case["files"] = []
        for current in currents:
            path = os.path.join(folder, "f%o" % current)
            open(path, "w").close()
            os.chmod(path, current)
            case["files"].append([current, result(path, file_perms)])
    return case


cases = [modes(r, w, s) for r in audiences for w in audiences for s in (True, False)]
print("[" + ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases) + "]")

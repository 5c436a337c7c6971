"""Makes padding.json from a Spack's own functions: run with that Spack's `spack python padding.py > padding.json`."""

import json

import spack.util.path as path

PAD = path.SPACK_PATH_PADDING_CHARS
roots = ["/", "/a", "/opt", "/home/user/spack/opt", "/a b/c", "/" + "x" * 60]
texts = [
    "",
    "no path here",
    f"/{PAD}/",
    f"/{PAD}",
    f"/a/{PAD}/bin",
    f"/a/{PAD}/{PAD}/{PAD[:7]}/bin",
    f"/a/{PAD}/{PAD[:7]}x/bin",
    f"/a/{PAD}/{PAD}x/bin",
    f"/a/{PAD}x/bin",
    f"/a/{PAD[:20]}/bin",
    f"-L/a/b/{PAD}/lib -Wl,-rpath,/a/b/{PAD}/{PAD[:3]}/lib",
    f"PATH=/a/{PAD}/bin:/b/{PAD}/bin:/usr/bin",
    f"one /a/{PAD}/x\ntwo /b b/{PAD}/y\n",
    f"\t//{PAD}//x",
    f"a{PAD}/{PAD}/z",
    f"/a/{PAD}/{PAD}/_/z /c/{PAD}/__/",
    f"'/q/{PAD}/{PAD[:25]}/r'",
    f"/a/{PAD}/b/{PAD}/c",
]


def padded(root, length):
    return {"root": root, "length": length, "padded": path.add_padding(root, length)}


lengths = [2, 4, 6, 21, 28, 29, 30, 31, 32, 33, 61, 64, 88, 128, 256, 300]
print(
    json.dumps(
        {
            "add_padding": [padded(r, n) for r in roots if r != "/" for n in lengths if n - len(r) != 1],
            "padding_filter": [{"text": t, "filtered": path.padding_filter(t)} for t in texts],
            "longest": path.get_system_path_max() - path.SPACK_MAX_INSTALL_PATH_LENGTH,
        },
        separators=(",", ":"),
    )
)

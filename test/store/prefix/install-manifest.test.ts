import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ensureInstallManifest } from '../../../src/store/prefix/install-manifest.js';
import { temporaryFolder } from '../temporary-folder.js';

const hasPython = spawnSync('python3', ['--version']).status === 0;

function makeTree(context: TestContext): string {
  const folder = temporaryFolder(context);
  mkdirSync(join(folder, '.spack'));
  mkdirSync(join(folder, 'bin'));
  writeFileSync(join(folder, '.spack', 'spec.json'), '{}');
  writeFileSync(join(folder, 'bin', 'tool'), 'x'.repeat(3_000_000));
  chmodSync(join(folder, 'bin', 'tool'), 0o755);
  utimesSync(join(folder, 'bin', 'tool'), 0, 0);
  writeFileSync(join(folder, 'bin', 'früh'), '');
  writeFileSync(
    Buffer.concat([Buffer.from(`${folder}/bin/`), Buffer.from([0x61, 0xff, 0xc3, 0xa9, 0xe2, 0x82])]),
    'odd',
  );
  symlinkSync('../nowhere', join(folder, 'link'));
  symlinkSync('bin', join(folder, 'folder-link'));
  symlinkSync(Buffer.from([0x80, 0x2f, 0x61]), join(folder, 'odd-link'));
  return folder;
}

/** What Python's own functions say of a tree, in the form that Spack writes. */
const PYTHON = `
import base64, hashlib, json, os, stat, sys
folder, prefix = sys.argv[1:]
def entry(path):
    s = os.lstat(path)
    e = {"mode": s.st_mode, "owner": s.st_uid, "group": s.st_gid}
    if stat.S_ISLNK(s.st_mode):
        e["dest"] = os.readlink(path)
    elif stat.S_ISREG(s.st_mode):
        e["hash"] = base64.b32encode(hashlib.sha1(open(path, "rb").read()).digest()).decode()
        e["time"] = s.st_mtime
        e["size"] = s.st_size
    return e
found = {prefix: entry(folder)}
for root, dirs, files in os.walk(folder):
    for name in dirs + files:
        path = os.path.join(root, name)
        if name != "install_manifest.json":
            found[prefix + path[len(folder):]] = entry(path)
ours = json.load(open(os.path.join(folder, ".spack", "install_manifest.json")))
print(json.dumps({"equal": ours == found, "ours": ours, "found": found}))
`;

test('ensureInstallManifest writes what Spack would', {
  skip: hasPython ? false : 'there is no python3',
}, async (context) => {
  const folder = makeTree(context);
  assert.equal(await ensureInstallManifest({ folder, prefix: '/store/pkg' }), true);
  const before = lstatSync(join(folder, '.spack')).mtimeMs;
  const { stdout, stderr } = spawnSync('python3', ['-c', PYTHON, folder, '/store/pkg'], { encoding: 'utf8' });
  assert.equal(stderr, '');
  const { equal, ours, found } = JSON.parse(stdout);
  assert.deepEqual(Object.keys(ours).sort(), Object.keys(found).sort());
  assert.deepEqual(ours, found);
  assert.equal(equal, true);
  assert.equal(lstatSync(join(folder, '.spack')).mtimeMs, before);
});

test('ensureInstallManifest writes ASCII, with its mode', async (context) => {
  const folder = makeTree(context);
  await ensureInstallManifest({ folder, prefix: '/store/pkg', mode: 0o640 });
  const path = join(folder, '.spack', 'install_manifest.json');
  const text = readFileSync(path, 'latin1');
  assert.ok(/^[\x20-\x7e]*$/.test(text));
  assert.ok(text.includes('/store/pkg/bin/fr\\u00fch'));
  assert.ok(text.includes('"/store/pkg/bin/a\\udcff\\u00e9\\udce2\\udc82"'));
  assert.ok(text.includes('"dest":"\\udc80/a"'));
  assert.ok(!text.includes('install_manifest'));
  assert.equal(lstatSync(path).mode & 0o7777, 0o640);
  const manifest = JSON.parse(text);
  assert.equal(manifest['/store/pkg/bin/tool'].size, 3_000_000);
  assert.equal(manifest['/store/pkg/bin/früh'].hash, '3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ');
  assert.deepEqual(Object.keys(manifest).at(-1), '/store/pkg');
});

test('ensureInstallManifest leaves one that is there', async (context) => {
  const folder = makeTree(context);
  const path = join(folder, '.spack', 'install_manifest.json');
  writeFileSync(path, 'theirs');
  assert.equal(await ensureInstallManifest({ folder, prefix: '/store/pkg' }), false);
  assert.equal(readFileSync(path, 'utf8'), 'theirs');
});

test('ensureInstallManifest stops when the signal aborts', async (context) => {
  const folder = makeTree(context);
  const reason = new Error('enough');
  const signal = AbortSignal.abort(reason);
  await assert.rejects(ensureInstallManifest({ folder, prefix: '/p', signal }), (error) => error === reason);
  assert.equal(
    lstatSync(join(folder, '.spack', 'install_manifest.json'), { throwIfNoEntry: false }),
    undefined,
  );
});

// The commands that read, on a mirror of layout 3.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import {
  copyManifestMirror,
  MANIFEST_HASH,
  MANIFEST_KEYRING,
  writeManifestIndex,
} from '../helpers/manifest-mirror.js';
import { runHere } from '../helpers/program-run.js';
import { checkCode } from '../helpers/publish-place.js';
import { indexText } from '../mirror/index/index-text.js';
import { temporaryFolder } from '../store/temporary-folder.js';

function place(test: TestContext) {
  const folder = temporaryFolder(test);
  const mirror = copyManifestMirror(join(folder, 'mirror'));
  const run = (...args: string[]) => runHere(args, { folder });
  const store = ['--root', join(folder, 'opt')];
  return { folder, mirror, run, store };
}

describe('regraft on layout 3', () => {
  it('downloads a package into a folder that is a mirror itself', async (test) => {
    const { folder, mirror, run, store } = place(test);
    const out = join(folder, 'out');
    const from = ['download', 'scriptleaf', '--path', out, '-m', mirror];
    checkCode(await run(...from), 4, 'signature-unknown-key');
    assert.equal(existsSync(out), false);
    const { exitCode, err } = await run(...from, '-k', MANIFEST_KEYRING);
    assert.equal(exitCode, 0, err);
    rmSync(mirror, { recursive: true });
    const files = readdirSync(out, { recursive: true, withFileTypes: true }).filter((each) => each.isFile());
    assert.deepEqual(files.map(({ name }) => name.replace(/^[0-9a-f]{64}$/, 'blob')).sort(), [
      'blob',
      'blob',
      'layout.json',
      `scriptleaf-3.1-${MANIFEST_HASH}.spec.manifest.json`,
    ]);
    const install = ['install', `/${MANIFEST_HASH}`, '-m', out, '-k', MANIFEST_KEYRING, ...store];
    const installed = await run(...install);
    assert.equal(installed.exitCode, 0, installed.err);
  });

  it('checks what is there, in a view only what that names', async (test) => {
    const { mirror, run, store } = place(test);
    await run('install', 'scriptleaf', '-m', mirror, '-k', MANIFEST_KEYRING, ...store);
    const all = await run('check', 'scriptleaf', '-m', mirror, ...store);
    assert.deepEqual([all.exitCode, all.out], [0, 'nothing is missing\n'], all.err);
    writeManifestIndex(mirror, indexText({ zlib: 'a' }), 'small');
    const some = await run('check', 'scriptleaf', '-m', mirror, '--view', 'small', ...store);
    assert.equal(some.exitCode, 1, some.err);
    assert.match(some.out, /lacks 1 package:\n {2}scriptleaf@3\.1/);
    const absent = await run('check', 'scriptleaf', '-m', mirror, '--view', 'nope', ...store);
    checkCode(absent, 2, 'view-not-found');
    rmSync(join(mirror, 'v3/manifests/spec'), { recursive: true });
    assert.equal((await run('check', 'scriptleaf', '-m', mirror, ...store)).exitCode, 1);
  });

  it('lists and installs by a view, also one that mirrors.yaml names', async (test) => {
    const { folder, mirror, run, store } = place(test);
    writeManifestIndex(mirror, indexText({ zlib: 'a' }), 'team/small');
    const listed = await run('list', '-m', mirror, '--view', 'team/small');
    assert.match(listed.out, /zlib/);
    assert.doesNotMatch(listed.out, /scriptleaf/);
    const install = ['install', 'scriptleaf', '-k', MANIFEST_KEYRING, ...store, '-m'];
    checkCode(await run(...install, mirror, '--view', 'team/small'), 3, 'spec-not-found');
    checkCode(await run('list', '-m', mirror, '--view', 'nope'), 2, 'view-not-found');
    const spack = join(folder, 'config', 'regraft');
    mkdirSync(spack, { recursive: true });
    writeFileSync(join(spack, 'mirrors.yaml'), `mirrors: {m: {url: "${mirror}", view: team/small}}\n`);
    assert.doesNotMatch((await run('list', '-m', 'm')).out, /scriptleaf/);
    assert.match((await run('list', '-m', 'm', '--view', '')).out, /scriptleaf/);
  });

  it('fetches the keys', async (test) => {
    const folder = temporaryFolder(test);
    const cache = 'test/fixtures-v2v3/negative/caches/key-index-names-missing-key';
    const { out, err, exitCode } = await runHere(['keys', 'fetch', '-m', cache], { folder });
    assert.equal(out.match(/\.key\.manifest\.json \(untrusted\)/g)?.length, 2);
    assert.match(err, /mirror-not-found/);
    assert.equal(exitCode, 3);
  });
});

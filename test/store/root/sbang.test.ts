import assert from 'node:assert/strict';
import { lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { RelocationError, StoreError } from '../../../src/core/errors.js';
import { ensureSbang, SHEBANG_LIMIT, sbangPath } from '../../../src/store/root/sbang.js';
import { SBANG_SCRIPT } from '../../../src/store/root/sbang-script.js';
import { temporaryFolder } from '../temporary-folder.js';

test('ensureSbang writes the script with its modes, whatever the umask', (context) => {
  const root = join(temporaryFolder(context), 'new', 'root');
  const umask = process.umask(0o077);
  try {
    assert.equal(ensureSbang(root), join(root, 'bin', 'sbang'));
  } finally {
    process.umask(umask);
  }
  assert.equal(lstatSync(join(root, 'bin')).mode & 0o7777, 0o755);
  assert.equal(lstatSync(join(root, 'bin', 'sbang')).mode & 0o7777, 0o2755);
  assert.equal(readFileSync(join(root, 'bin', 'sbang'), 'utf8'), SBANG_SCRIPT);
  assert.deepEqual(readdirSync(join(root, 'bin')), ['sbang']);
});

test('ensureSbang leaves one that is there, also a dangling link', (context) => {
  const root = temporaryFolder(context);
  mkdirSync(join(root, 'bin'));
  writeFileSync(join(root, 'bin', 'sbang'), 'theirs');
  ensureSbang(root);
  assert.equal(readFileSync(join(root, 'bin', 'sbang'), 'utf8'), 'theirs');
  const other = temporaryFolder(context);
  mkdirSync(join(other, 'bin'));
  symlinkSync('nowhere', join(other, 'bin', 'sbang'));
  ensureSbang(other);
  assert.ok(lstatSync(join(other, 'bin', 'sbang')).isSymbolicLink());
});

test('ensureSbang takes the modes and the group it is given', (context) => {
  const root = temporaryFolder(context);
  const groupId = process.getgid?.() ?? 0;
  ensureSbang(root, { fileMode: 0o2770, folderMode: 0o2750, groupId });
  assert.equal(lstatSync(join(root, 'bin')).mode & 0o7777, 0o2750);
  assert.equal(lstatSync(join(root, 'bin', 'sbang')).mode & 0o7777, 0o2770);
});

test('ensureSbang names a root that is no directory', (context) => {
  const root = join(temporaryFolder(context), 'file');
  writeFileSync(root, '');
  assert.throws(
    () => ensureSbang(root),
    (error) => error instanceof StoreError && error.code === 'store-io' && error.message.includes(root),
  );
});

test('sbangPath refuses a path that no "#!" line can name', () => {
  const longest = `/${'x'.repeat(SHEBANG_LIMIT - '/bin/sbang'.length - 1)}`;
  assert.equal(sbangPath(longest).length, SHEBANG_LIMIT);
  for (const root of [`${longest}x`, `/${'ü'.repeat(60)}`])
    assert.throws(
      () => sbangPath(root),
      (error) => error instanceof RelocationError && error.code === 'sbang-path-too-long',
    );
});

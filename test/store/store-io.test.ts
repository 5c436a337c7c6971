import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { StoreError } from '../../src/core/errors.js';
import { reasonOf, removeTree, replaceFile, storeIo, storeIoError } from '../../src/store/store-io.js';
import { temporaryFolder } from './temporary-folder.js';

function failure(code: string): Error {
  return Object.assign(new Error(`${code}: failed`), { code });
}

test('storeIoError tells a full disk from other failures', () => {
  for (const code of ['ENOSPC', 'EDQUOT']) {
    const error = storeIoError('write', '/x', failure(code), 'root-unusable');
    assert.equal(error.code, 'disk-full');
    assert.equal(error.retryable, true);
    assert.ok(error.hint);
  }
  assert.equal(storeIoError('write', '/x', failure('EIO')).code, 'store-io');
  assert.equal(storeIoError('write', '/x', failure('EIO')).message, 'Cannot write "/x": EIO');
  assert.equal(storeIoError('read', '/x', failure('EACCES'), 'root-unusable').code, 'root-unusable');
  const coded = new StoreError('prefix-exists', 'x');
  assert.equal(storeIoError('write', '/x', coded), coded);
  assert.equal(reasonOf('odd'), 'odd');
});

test('storeIo passes results through and wraps failures', () => {
  assert.equal(
    storeIo('read', '/x', () => 5),
    5,
  );
  assert.throws(
    () =>
      storeIo('read', '/x', () => {
        throw failure('ENOSPC');
      }),
    (error) => error instanceof StoreError && error.code === 'disk-full' && error.data.errno === 'ENOSPC',
  );
});

test('replaceFile replaces as a whole, and leaves no temporary file when it fails', (context) => {
  const folder = temporaryFolder(context);
  const path = join(folder, 'file');
  const temporary = join(folder, 'file.temp');
  writeFileSync(temporary, 'left by a crash, and longer than what comes');
  replaceFile({ path, content: 'one', temporary, mode: 0o640 });
  assert.equal(readFileSync(path, 'utf8'), 'one');
  assert.equal(lstatSync(path).mode & 0o7777, 0o640);
  mkdirSync(join(folder, 'folder', 'full'), { recursive: true });
  assert.throws(() => replaceFile({ path: join(folder, 'folder'), content: 'x', temporary }), StoreError);
  assert.throws(() => replaceFile({ path, content: 'x', temporary: join(folder, 'none', 'x') }), StoreError);
  assert.deepEqual(readdirSync(folder).sort(), ['file', 'folder']);
  assert.equal(readFileSync(path, 'utf8'), 'one');
});

test('removeTree removes locked directories and odd names, and follows no link', (context) => {
  const folder = temporaryFolder(context);
  const tree = join(folder, 'tree');
  const odd = Buffer.concat([Buffer.from(`${tree}/a/`), Buffer.from([0xff, 0xe9])]);
  mkdirSync(odd, { recursive: true });
  writeFileSync(Buffer.concat([odd, Buffer.from('/file')]), '');
  chmodSync(odd, 0o500);
  mkdirSync(join(folder, 'outside', 'x'), { recursive: true });
  symlinkSync('../outside', join(tree, 'link'));
  chmodSync(join(tree, 'a'), 0o500);
  removeTree(tree);
  removeTree(tree);
  assert.equal(existsSync(tree), false);
  assert.equal(existsSync(join(folder, 'outside', 'x')), true);
});

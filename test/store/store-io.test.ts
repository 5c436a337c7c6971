import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { StoreError } from '../../src/core/errors.js';
import { replaceStoreFile, storeIo, storeIoError } from '../../src/store/store-io.js';
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

test('replaceStoreFile ends in a coded error', (context) => {
  const folder = temporaryFolder(context);
  const [path, temporary] = [join(folder, 'file'), join(folder, 'none', 'x')];
  assert.throws(() => replaceStoreFile({ path, content: 'x', temporary }), StoreError);
});

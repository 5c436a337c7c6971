import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { encodeUtf8 } from '../../src/core/bytes.js';
import { IntegrityError } from '../../src/core/errors.js';
import { FileStore } from '../../src/transport/file/store.js';
import { copyVerified, readVerified } from '../../src/transport/read-verified.js';
import { writeObject } from '../../src/transport/write-object.js';
import { temporaryFolder } from '../mirror/temporary-folder.js';

const BYTES = encodeUtf8('some bytes');
const DIGEST = createHash('sha256').update(BYTES).digest('hex');

async function stored(root: string): Promise<FileStore> {
  const store = new FileStore({ root });
  await writeObject(store.writer, { path: 'from', bytes: BYTES });
  return store;
}

test('readVerified reads to the end and refuses other bytes than the digest says', async (t) => {
  const store = await stored(temporaryFolder(t));
  const open = () => store.open('from');
  assert.equal(await readVerified({ open, sha256: DIGEST }), BYTES.length);
  assert.equal(await readVerified({ open, sha256: undefined }), BYTES.length);
  await assert.rejects(
    readVerified({ open, sha256: DIGEST.replace(/^./, 'x') }),
    (error: unknown) => error instanceof IntegrityError && error.code === 'checksum-mismatch',
  );
});

test('copyVerified gives a name only to what is complete and verified', async (t) => {
  const root = temporaryFolder(t);
  const store = await stored(root);
  const { writer } = store;
  const open = () => store.open('from');
  await assert.rejects(copyVerified({ open, writer, path: 'bad', sha256: 'other' }), IntegrityError);
  const full = () => Promise.reject(new Error('full'));
  await assert.rejects(copyVerified({ open, writer, path: 'bad', sha256: DIGEST, onChunk: full }), /full/);
  assert.equal(await copyVerified({ open, writer, path: 'good', sha256: DIGEST }), BYTES.length);
  assert.deepEqual(readdirSync(root).sort(), ['from', 'good']);
});

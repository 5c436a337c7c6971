import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { encodeUtf8 } from '../../src/core/bytes.js';
import { MirrorError } from '../../src/core/errors.js';
import { FileStore } from '../../src/transport/file/store.js';
import { writeObject } from '../../src/transport/write-object.js';
import { temporaryFolder } from '../mirror/temporary-folder.js';

test('writeObject tells the facts of what it wrote, and passes its condition on', async (t) => {
  const root = temporaryFolder(t);
  const store = new FileStore({ root });
  const object = { path: 'a/b', bytes: encodeUtf8('bytes') };
  const facts = await writeObject(store.writer, object, { condition: 'absent' });
  assert.equal(facts.size, 5);
  assert.deepEqual(await store.stat('a/b'), facts);
  await assert.rejects(
    writeObject(store.writer, object, { condition: 'absent' }),
    (error: unknown) => error instanceof MirrorError && error.code === 'mirror-changed',
  );
  assert.deepEqual(readdirSync(root), ['a']);
});

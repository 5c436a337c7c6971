import assert from 'node:assert/strict';
import { test } from 'node:test';
import { removeThings, storedThing } from '../../src/mirror/stored-thing.js';
import type { ObjectStore, ObjectWriter } from '../../src/transport/object-store.js';
import { openObjectStore } from '../../src/transport/open-store.js';
import { temporaryFolder } from '../store/temporary-folder.js';

const at = (path: string) => ({ path, size: 1, modified: 1 });

test('removeThings removes together where the place can, and one by one elsewhere', async (t) => {
  const base = openObjectStore(temporaryFolder(t));
  const removed: unknown[] = [];
  const single = { remove: async (path: string) => void removed.push(path) } as unknown as ObjectWriter;
  const many: ObjectWriter = { ...single, removeMany: async (paths) => void removed.push(paths) };
  const store = (writer: ObjectWriter | undefined): ObjectStore => ({
    ...base,
    location: (path) => path,
    writer,
  });
  const inMany = store(many);
  const inSingle = store(single);
  await removeThings([
    storedThing(inMany, at('a')),
    storedThing(inSingle, at('b')),
    storedThing(inMany, at('c')),
    storedThing(store(undefined), at('d')),
    storedThing(inSingle, at('e')),
  ]);
  assert.deepEqual(removed, ['b', 'e', ['a', 'c']]);
  await assert.rejects(
    removeThings([storedThing(inSingle, at('f'))], { signal: AbortSignal.abort() }),
    /abort/,
  );
  assert.equal(removed.length, 3);
});

// A mirror in a folder whose writing a test looks at, or makes fail.
import assert from 'node:assert/strict';
import type { BuildCache, Mirror } from '../../src/mirror/build-cache.js';
import { ClassicCache } from '../../src/mirror/classic/classic-cache.js';
import type { BeginOptions, ObjectStore, PendingObject } from '../../src/transport/object-store.js';
import { openObjectStore } from '../../src/transport/open-store.js';

/** Opens a folder as a mirror. `watch` is told of each object that is begun, and may change what its methods do; `open` makes another kind of cache. */
export async function watchedMirror(
  folder: string,
  watch: (object: PendingObject, options: BeginOptions) => void | Promise<void>,
  open: (store: ObjectStore) => BuildCache = (store) => new ClassicCache({ store }),
): Promise<Mirror> {
  const store = await openObjectStore(folder);
  const { writer } = store;
  assert.ok(writer);
  const begin = writer.begin.bind(writer);
  writer.begin = async (options = {}) => {
    const object = await begin(options);
    await watch(object, options);
    return object;
  };
  return { cache: open(store), requiresSignature: true };
}

/** A mirror of the classic layouts over any store. */
export function mirrorOver(store: ObjectStore): Mirror {
  return { cache: new ClassicCache({ store }), requiresSignature: true };
}

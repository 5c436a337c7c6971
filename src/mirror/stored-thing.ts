// An object that was found by listing, as audits tell of it.
import type { WithSignal } from '../core/with-signal.js';
import type { ListedObject, ObjectStore, RemoveOptions } from '../transport/object-store.js';
import type { StoredThing } from './cache-audit.js';

export function storedThing(store: ObjectStore, { path, size, modified }: ListedObject): StoredThing {
  const { writer } = store;
  const remove = writer && ((options?: RemoveOptions) => writer.remove(path, options));
  const tag = async (options?: WithSignal) => (await store.stat(path, options))?.tag;
  return { location: store.location(path), size, modified, tag, ...(remove && { remove }) };
}

// An object that was found by listing, as audits tell of it.
import type { WithSignal } from '../core/with-signal.js';
import type { ListedObject, ObjectStore, ObjectWriter, RemoveOptions } from '../transport/object-store.js';
import type { StoredThing } from './cache-audit.js';

export function storedThing(store: ObjectStore, { path, size, modified }: ListedObject): StoredThing {
  const { writer } = store;
  const remove = writer && ((options?: RemoveOptions) => writer.remove(path, options));
  const tag = async (options?: WithSignal) => (await store.stat(path, options))?.tag;
  const removal = writer && { writer, path };
  return { location: store.location(path), size, modified, tag, ...(remove && { remove, removal }) };
}

/** Removes things in this order, or those of a place that can do so all at once. Errors as `ObjectWriter.removeMany`. */
export async function removeThings(
  things: readonly StoredThing[],
  { signal }: WithSignal = {},
): Promise<void> {
  const together = new Map<ObjectWriter, string[]>();
  for (const { removal, remove } of things) {
    if (removal?.writer.removeMany === undefined) {
      signal?.throwIfAborted();
      await remove?.({ signal });
      continue;
    }
    const paths = together.get(removal.writer);
    if (paths === undefined) together.set(removal.writer, [removal.path]);
    else paths.push(removal.path);
  }
  for (const [writer, paths] of together) await writer.removeMany?.(paths, { signal });
}

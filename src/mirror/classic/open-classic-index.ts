// The package index of the layouts 0 to 2 (FORMATS.md §7): a strong tag or the hash file tells whether a known index is still
// current. Spack: `BinaryCacheIndex.update`.
import { BuildcacheError } from '../../core/errors.js';
import type { WithSignal } from '../../core/with-signal.js';
import type { ObjectStore, OpenedObject } from '../../transport/object-store.js';
import { isNotFound, readAll } from '../../transport/read-object.js';
import type { KnownIndex, OpenedIndex } from '../build-cache.js';
import { INDEX_HASH_PATH, INDEX_PATH } from './paths.js';

const LARGEST_HASH_FILE = 4096;

/** Opens the index. Errors as `IndexPlace.open`. */
export async function openClassicIndex(
  store: ObjectStore,
  known: KnownIndex | undefined,
  options: WithSignal,
): Promise<OpenedIndex | 'not-modified' | undefined> {
  try {
    const opened =
      known === undefined
        ? await store.open(INDEX_PATH, options)
        : await openIfChanged(store, known, options);
    if (opened === 'not-modified') return opened;
    // The hash file may be ahead of the index, so it does not say what these bytes must be.
    // Where tags do not last, the hash file counts.
    return { ...opened, sha256: undefined, tag: store.hasLastingTags ? opened.tag : undefined };
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

async function openIfChanged(
  store: ObjectStore,
  { sha256, tag }: KnownIndex,
  { signal }: WithSignal,
): Promise<OpenedObject | 'not-modified'> {
  if (tag !== undefined) return store.open(INDEX_PATH, { unlessTag: tag, signal });
  if ((await readHashFile(store, signal)) === sha256) return 'not-modified';
  return store.open(INDEX_PATH, { signal });
}

/** The content of the hash file; a missing or wrong hash file only costs another download. */
async function readHashFile(
  store: ObjectStore,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  try {
    const bytes = await readAll(store, INDEX_HASH_PATH, { limit: LARGEST_HASH_FILE, signal });
    return Buffer.from(bytes).toString('latin1').trim();
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof BuildcacheError) return undefined;
    throw error;
  }
}

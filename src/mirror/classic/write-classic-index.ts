// Writes the package index and its hash file, so that readers never stay with an old index.
import { encodeUtf8 } from '../../core/bytes.js';
import type { CommitCondition, ObjectWriter } from '../../transport/object-store.js';
import { writeObject } from '../../transport/write-object.js';
import type { PackedIndex } from '../build-cache.js';
import { INDEX_HASH_PATH, INDEX_PATH } from './paths.js';

export interface IndexWriting {
  readonly writer: ObjectWriter;
  readonly index: PackedIndex;
  /** For the index itself. */
  readonly condition?: CommitCondition | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The hash goes first. Readers take their cached index for current when the hash file names it, so a hash file that is ahead of the
 * index only costs them a download, while one that is behind would keep them at an old index for as long as nobody indexes again.
 * @throws MirrorError `mirror-changed` when the condition does not hold, and those of writing
 */
export async function writeClassicIndex({ writer, index, condition, signal }: IndexWriting): Promise<void> {
  const object = await writer.begin({ path: INDEX_PATH, signal });
  try {
    for (const chunk of index.chunks()) {
      signal?.throwIfAborted();
      await object.write(chunk);
    }
    await object.prepare();
    const hash = { path: INDEX_HASH_PATH, bytes: encodeUtf8(index.sha256) };
    await writeObject(writer, hash, { signal });
    await object.commit(INDEX_PATH, condition);
  } finally {
    await object.discard();
  }
}

// Writes the package index and its hash file, so that readers never stay with an old index.
import { NEWEST_SPECFILE_LAYOUT } from '../../buildcache/specfile/specfile.js';
import { encodeUtf8 } from '../../core/bytes.js';
import { MetadataError } from '../../core/errors.js';
import type { ObjectStore, ObjectWriter } from '../../transport/object-store.js';
import { writeObject } from '../../transport/write-object.js';
import type { PackedIndex } from '../build-cache.js';
import { INDEX_HASH_PATH, INDEX_PATH } from './paths.js';

const LAYOUT_3_MANIFESTS = 'v3/manifests';

export interface IndexWriting {
  readonly store: ObjectStore;
  readonly writer: ObjectWriter;
  readonly index: PackedIndex;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The hash goes first. Readers take their cached index for current when the hash file names it, so a hash file that is ahead of the
 * index only costs them a download, while one that is behind would keep them at an old index for as long as nobody indexes again.
 * @throws MetadataError `layout-unsupported`; MirrorError of writing
 */
export async function writeClassicIndex({ store, writer, index, signal }: IndexWriting): Promise<void> {
  if (index.packages === 0) await refuseLayout3(store, signal);
  const object = await writer.begin({ path: INDEX_PATH, signal });
  try {
    for (const chunk of index.chunks()) {
      signal?.throwIfAborted();
      await object.write(chunk);
    }
    await object.prepare();
    const hash = { path: INDEX_HASH_PATH, bytes: encodeUtf8(index.sha256) };
    await writeObject(writer, hash, { signal });
    await object.commit(INDEX_PATH);
  } finally {
    await object.discard();
  }
}

/** An empty index beside packages that it cannot have would hide them from old Spacks, without a word. */
async function refuseLayout3(store: ObjectStore, signal: AbortSignal | undefined): Promise<void> {
  for await (const _ of store.lister?.list(LAYOUT_3_MANIFESTS, { isRecursive: true, signal }) ?? []) {
    throw new MetadataError('layout-unsupported', `Cannot index "${store.url}": its packages have layout 3`, {
      hint: 'This version writes indexes for layouts 0 to 2',
      data: { mirror: store.url, actual: 3, supported: NEWEST_SPECFILE_LAYOUT },
    });
  }
}

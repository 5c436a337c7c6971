// Content under a name: its blob first, then the manifest that names it, each in one step.
import { createHash } from 'node:crypto';
import type { BlobRecord } from '../../buildcache/manifest/manifest.js';
import type { ContentKind } from '../../buildcache/manifest/media-types.js';
import { formatManifest } from '../../buildcache/manifest/write-manifest.js';
import type { WithSignal } from '../../core/with-signal.js';
import type { ObjectStore, ObjectWriter } from '../../transport/object-store.js';
import { writeObject } from '../../transport/write-object.js';
import type { PackedIndex } from '../build-cache.js';
import { Blobs } from './blobs.js';
import { blobPath } from './paths.js';

export interface BlobPlace extends WithSignal {
  readonly store: ObjectStore;
  readonly writer: ObjectWriter;
}

export interface WrittenContent extends BlobPlace {
  readonly kind: ContentKind;
  readonly content: Uint8Array;
  /** Of the manifest. */
  readonly path: string;
}

/** Writes content, uncompressed, with the manifest at a path. */
export async function writeContent({ kind, content, path, ...place }: WrittenContent): Promise<void> {
  const record = blobRecord({ kind, compression: 'none' }, content);
  await writeBlob(record, content, place);
  await writeObject(place.writer, { path, bytes: formatManifest([record]) }, { signal: place.signal });
}

/** What a manifest says of a blob. */
export function blobRecord(
  { kind, compression }: Pick<BlobRecord, 'kind' | 'compression'>,
  stored: Uint8Array,
): BlobRecord {
  const sha256 = createHash('sha256').update(stored).digest('hex');
  return { kind, size: stored.length, compression, sha256 };
}

/** Writes a blob, unless it is there. */
export async function writeBlob(record: BlobRecord, stored: Uint8Array, place: BlobPlace): Promise<void> {
  const { store, writer, signal } = place;
  if (await new Blobs(store).has(record, { signal })) return;
  await writeObject(writer, { path: blobPath(record.sha256), bytes: stored }, { signal });
}

export interface IndexBlob extends WithSignal {
  readonly store: ObjectStore;
  readonly writer: ObjectWriter;
  readonly index: PackedIndex;
}

/** Writes the blob of an index piece by piece, unless it is there. */
export async function writeIndexBlob({ store, writer, index, signal }: IndexBlob): Promise<BlobRecord> {
  const { sha256, size } = index;
  const record: BlobRecord = { kind: 'index', size, compression: 'none', sha256 };
  if (await new Blobs(store).has(record, { signal })) return record;
  const pending = await writer.begin({ path: blobPath(sha256), signal });
  try {
    for (const chunk of index.chunks()) {
      signal?.throwIfAborted();
      await pending.write(chunk);
    }
    await new Blobs(store).keep(pending, record, { signal });
  } finally {
    await pending.discard();
  }
  return record;
}

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

export interface WrittenContent extends WithSignal {
  readonly store: ObjectStore;
  readonly writer: ObjectWriter;
  readonly kind: ContentKind;
  readonly content: Uint8Array;
}

/** Writes content, uncompressed, with the manifest at a path. */
export async function writeContent(request: WrittenContent & { readonly path: string }): Promise<void> {
  const record = await writeBlob({ ...request, compression: 'none' });
  await writeObject(
    request.writer,
    { path: request.path, bytes: formatManifest([record]) },
    { signal: request.signal },
  );
}

/** Writes a blob, unless it is there. */
export async function writeBlob({
  store,
  writer,
  kind,
  content,
  compression,
  signal,
}: WrittenContent & Pick<BlobRecord, 'compression'>): Promise<BlobRecord> {
  const sha256 = createHash('sha256').update(content).digest('hex');
  const record = { kind, size: content.length, compression, sha256 };
  if (await new Blobs(store).has(record, { signal })) return record;
  const pending = await writer.begin({ path: blobPath(sha256), signal });
  try {
    await pending.write(content);
    await pending.prepare();
    await pending.commit(blobPath(sha256));
  } finally {
    await pending.discard();
  }
  return record;
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

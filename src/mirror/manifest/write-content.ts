// Content under a name: its blob first, then the manifest that names it, each in one step.
import { createHash } from 'node:crypto';
import type { BlobRecord } from '../../buildcache/manifest/manifest.js';
import type { ContentKind } from '../../buildcache/manifest/media-types.js';
import { formatManifest } from '../../buildcache/manifest/write-manifest.js';
import type { WithSignal } from '../../core/with-signal.js';
import type { CommitCondition, ObjectStore, ObjectWriter } from '../../transport/object-store.js';
import { writeObject, writePieces } from '../../transport/write-object.js';
import type { PackedIndex } from '../build-cache.js';
import { blobPath } from './paths.js';
import { type NewBlob, writeNamedBlobs } from './write-named-blobs.js';

interface ManifestPlace extends WithSignal {
  readonly store: ObjectStore;
  readonly writer: ObjectWriter;
  /** Of the manifest. */
  readonly path: string;
}

export interface WrittenContent extends ManifestPlace {
  readonly kind: ContentKind;
  readonly content: Uint8Array;
}

/** Writes content, uncompressed, with the manifest at a path. */
export async function writeContent({ kind, content, path, ...place }: WrittenContent): Promise<void> {
  const blob = blobOf({ kind, compression: 'none', writer: place.writer }, content);
  const manifest = { path, bytes: formatManifest([blob.record]) };
  await writeNamedBlobs({ ...place, blobs: [blob], manifest });
}

export interface BlobKind extends Pick<BlobRecord, 'kind' | 'compression'> {
  readonly writer: ObjectWriter;
}

/** A blob that a manifest of ours names. */
export interface NamedBlob extends NewBlob {
  readonly record: BlobRecord;
}

/** A blob whose bytes, as they are stored, are in memory. */
export function blobOf({ kind, compression, writer }: BlobKind, bytes: Uint8Array): NamedBlob {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const write = async (options: WithSignal) =>
    void (await writeObject(writer, { path: blobPath(sha256), bytes }, options));
  return { record: { kind, size: bytes.length, compression, sha256 }, write };
}

export interface WrittenIndex extends ManifestPlace {
  readonly index: PackedIndex;
  /** Writes `layout.json` unless it is there. */
  readonly ensureLayout?: ((options: WithSignal) => Promise<void>) | undefined;
  /** For the manifest. */
  readonly condition?: CommitCondition | undefined;
}

/**
 * Writes an index, its blob piece by piece, and the manifest at a path.
 * @throws MirrorError `mirror-changed` when the condition does not hold
 */
export async function writeManifestIndex(written: WrittenIndex): Promise<void> {
  const { index, path, ...place } = written;
  const { sha256, size } = index;
  const record: BlobRecord = { kind: 'index', size, compression: 'none', sha256 };
  const write = async (options: WithSignal) =>
    void (await writePieces(place.writer, { path: blobPath(sha256), pieces: index.chunks() }, options));
  const manifest = { path, bytes: formatManifest([record]) };
  await writeNamedBlobs({ ...place, blobs: [{ record, write }], manifest });
}

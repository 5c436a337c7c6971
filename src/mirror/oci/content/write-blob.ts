// Blobs in a registry whose bytes are at hand.
import type { ImageContent } from '../../../buildcache/image/image-manifest.js';
import type { WithSignal } from '../../../core/with-signal.js';
import { digestOf } from '../../../transport/oci/digest.js';
import type { Repository } from '../../../transport/oci/repository.js';

export type BlobName = Pick<ImageContent, 'digest' | 'size'>;

/** Writes a blob; one that is there is not sent. Errors as `RepositoryBlobs.begin`. */
export async function writeBlob(
  repository: Repository,
  bytes: Uint8Array,
  { signal }: WithSignal,
): Promise<BlobName> {
  const name = { digest: digestOf(bytes), size: bytes.length };
  await send(repository, { name, pieces: [bytes], signal });
  return name;
}

export interface BlobPieces extends WithSignal {
  readonly name: BlobName;
  readonly pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
}

/** As `writeBlob`, piece by piece: it is looked for before pieces are sent. */
export async function writePieces(repository: Repository, blob: BlobPieces): Promise<void> {
  if (!(await hasBlob(repository, blob.name, blob))) await send(repository, blob);
}

async function send(repository: Repository, { name: { digest }, pieces, signal }: BlobPieces): Promise<void> {
  const blob = await repository.blobs.begin({ signal });
  try {
    for await (const piece of pieces) {
      signal?.throwIfAborted();
      await blob.write(piece);
    }
    await blob.commit(digest, { signal });
  } finally {
    await blob.discard();
  }
}

/** Whether a blob is there, with the size that it must have. */
export async function hasBlob(
  { blobs }: Repository,
  { digest, size }: BlobName,
  options: WithSignal,
): Promise<boolean> {
  const found = await blobs.stat(digest, options);
  return found !== undefined && (found.size === undefined || found.size === size);
}

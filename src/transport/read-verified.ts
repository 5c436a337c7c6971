// Reads or copies an object to its end, and refuses bytes that are not those that its digest says.
import { createHash } from 'node:crypto';
import type { WithSignal } from '../core/with-signal.js';
import type { ObjectWriter } from './object-store.js';
import { forEachChunk, type ReadableObject } from './read-object.js';
import { requireDigest } from './require-digest.js';

/** Tarballs are limited only by the disk. */
const NO_LIMIT = Number.MAX_SAFE_INTEGER;

export interface VerifiedReading extends WithSignal {
  readonly open: () => Promise<ReadableObject>;
  /** In hexadecimal; if undefined, any bytes are accepted. */
  readonly sha256: string | undefined;
  /** Told every chunk as it comes. */
  readonly onChunk?: ((chunk: Uint8Array) => void | Promise<void>) | undefined;
  /** Told how many bytes came so far, 0 once the object is open; and its size, if known. */
  readonly onBytes?: ((bytes: number, size: number | undefined) => void) | undefined;
}

/**
 * Reads an object to its end.
 * @returns its bytes
 * @throws IntegrityError `checksum-mismatch`; MirrorError
 */
export async function readVerified({
  open,
  sha256: expected,
  signal,
  onChunk,
  onBytes,
}: VerifiedReading): Promise<number> {
  const object = await open();
  const { location, size } = object;
  const digest = createHash('sha256');
  let bytes = 0;
  onBytes?.(bytes, size);
  await forEachChunk(object, { limit: NO_LIMIT, signal }, async (chunk) => {
    digest.update(chunk);
    bytes += chunk.length;
    await onChunk?.(chunk);
    onBytes?.(bytes, size);
  });
  requireDigest({ location, expected, actual: digest.digest('hex') });
  return bytes;
}

export interface ObjectCopy extends VerifiedReading {
  readonly writer: ObjectWriter;
  /** The name that the copy gets when it is complete and verified. */
  readonly path: string;
}

/**
 * Copies an object.
 * @returns its bytes
 * @throws IntegrityError `checksum-mismatch`; MirrorError, also those of `ObjectWriter`
 */
export async function copyVerified({ writer, path, onChunk, ...reading }: ObjectCopy): Promise<number> {
  const { signal } = reading;
  const target = await writer.begin({ path, signal });
  try {
    const bytes = await readVerified({
      ...reading,
      onChunk: async (chunk) => {
        await target.write(chunk);
        await onChunk?.(chunk);
      },
    });
    await target.prepare();
    signal?.throwIfAborted();
    await target.commit(path);
    return bytes;
  } finally {
    await target.discard();
  }
}

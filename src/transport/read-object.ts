// Reads objects of a store: whole into memory, or chunk by chunk, never more than a limit.
import { createHash } from 'node:crypto';
import { concatBytes } from '../core/bytes.js';
import { BuildcacheError, MetadataError, MirrorError } from '../core/errors.js';
import type { WithSignal } from '../core/with-signal.js';
import { readChunks } from '../stream/read-chunks.js';
import { decodedObject } from './content-encoding.js';
import type { OpenedObject } from './object-store.js';

export interface ReadOptions extends WithSignal {
  /** Largest size in bytes that is accepted. */
  readonly limit: number;
  /** As in `OpenOptions`: the caller checks it. Bytes that have it as they came are not decoded, whatever the server says of them. */
  readonly sha256?: string | undefined;
}

/** Anything that opens objects, such as a store. */
export interface ObjectOpener {
  open(path: string, options: Pick<ReadOptions, 'sha256' | 'signal'>): Promise<ReadableObject>;
}

/** The parts of an open object that reading needs. */
export type ReadableObject = Pick<OpenedObject, 'body' | 'size' | 'location' | 'encoding'>;

/** How often `readAll` starts over after a body broke off. */
const BODY_ATTEMPTS = 3;

/**
 * Reads a whole object into memory; starts over when the body breaks off.
 * @throws MetadataError `metadata-too-large` beyond the limit; whatever `store.open` throws.
 */
export async function readAll(store: ObjectOpener, path: string, options: ReadOptions): Promise<Uint8Array> {
  for (let attempt = 1; ; attempt++) {
    // The store itself retries until the body begins.
    const object = await store.open(path, { sha256: options.sha256, signal: options.signal });
    try {
      return await readBody(object, options);
    } catch (error) {
      if (attempt >= BODY_ATTEMPTS || !isRetryable(error)) throw error;
    }
  }
}

/**
 * Reads the body of an open object into memory, decoded if the server sent it encoded.
 * @throws MetadataError `metadata-too-large` beyond the limit, after which the body is cancelled; MirrorError `mirror-encoding`.
 */
export async function readBody(object: ReadableObject, options: ReadOptions): Promise<Uint8Array> {
  if (object.encoding === undefined) return readStored(object, options);
  if (options.sha256 === undefined) return readStored(await decodedObject(object), options);
  const stored = await readStored(object, options);
  if (createHash('sha256').update(stored).digest('hex') === options.sha256) return stored;
  const body = new Blob([new Uint8Array(stored)]).stream();
  return readStored(await decodedObject({ ...object, body }), options);
}

async function readStored(object: ReadableObject, options: ReadOptions): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  await forEachChunk(object, options, (chunk) => void chunks.push(chunk));
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : concatBytes(chunks);
}

export interface ChunkOptions extends ReadOptions {
  /** Whether a chunk is used up when `onChunk` has finished, so that its memory can be used again; false by default. */
  readonly reusesMemory?: boolean | undefined;
}

/**
 * Reads the body of an open object chunk by chunk, as it came, the next one after `onChunk` has finished.
 * @throws MetadataError `metadata-too-large` beyond the limit; whatever `onChunk` throws. The body is cancelled then.
 */
export async function forEachChunk(
  object: ReadableObject,
  { limit, signal, reusesMemory = false }: ChunkOptions,
  onChunk: (chunk: Uint8Array) => void | Promise<void>,
): Promise<void> {
  const { body, size } = object;
  if (size !== undefined && size > limit) {
    await body.cancel().catch(() => {});
    throw tooLarge(object, limit);
  }
  let length = 0;
  // Leaving the loop cancels the body.
  for await (const chunk of reusesMemory ? readChunks(body) : body) {
    signal?.throwIfAborted();
    length += chunk.length;
    if (length > limit) throw tooLarge(object, limit);
    await onChunk(chunk);
  }
  signal?.throwIfAborted();
}

function tooLarge({ location, size }: ReadableObject, limit: number): MetadataError {
  return new MetadataError(
    'metadata-too-large',
    `Cannot read "${location}": it is larger than ${limit} bytes`,
    { data: { location, limit, size } },
  );
}

export function isNotFound(error: unknown): error is MirrorError {
  return error instanceof MirrorError && error.code === 'mirror-not-found';
}

/** Whether a fresh start helps; what the store itself tried again and again does not need another. */
export function isRetryable(error: unknown): error is BuildcacheError {
  return error instanceof BuildcacheError && error.retryable && !('attempts' in error.data);
}

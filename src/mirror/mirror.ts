// A mirror: the place where the files of a build cache come from. File and HTTP mirrors implement this interface;
// S3 and OCI mirrors, and writing, are meant to come behind it without changes to its callers.

import { concatBytes } from '../core/bytes.js';
import { BuildcacheError, MetadataError, MirrorError } from '../core/errors.js';

/** One file of a mirror, its body not yet read. */
export interface MirrorObject {
  /** Read it to the end or cancel it; a chunk may share its memory with others, so copy before a transfer. */
  readonly body: ReadableStream<Uint8Array>;
  /** Bytes, where the mirror says so before the body. */
  readonly size: number | undefined;
  /** A strong entity tag, with its quotes; weak ones are not reported. */
  readonly etag: string | undefined;
  /** The URL or path the bytes came from, without credentials, for messages. */
  readonly location: string;
}

export interface GetOptions {
  readonly signal?: AbortSignal | undefined;
}

/** Read access to a mirror; paths are relative to its root, separated by `/`, and not URL-encoded. */
export interface Mirror {
  /** The configured name, else the location. */
  readonly name: string;
  /** The URL of the root without credentials: unique per mirror, fit for messages and as a key of caches. */
  readonly url: string;
  /** Whether metadata from here must be signed. */
  readonly signed: boolean;
  /** The full URL or path of an object without credentials, for messages. */
  location(path: string): string;
  /**
   * Opens an object.
   * @throws MirrorError `mirror-not-found` when the mirror has no such object, and the other `mirror-…` codes.
   */
  get(path: string, options?: GetOptions): Promise<MirrorObject>;
  /** Like `get`, but answers `not-modified` when the object still has this entity tag; only where the mirror has tags. */
  getIfChanged?(path: string, etag: string, options?: GetOptions): Promise<MirrorObject | 'not-modified'>;
  /** Tells whether an object is there, without reading it. */
  has(path: string, options?: GetOptions): Promise<boolean>;
  /** The size of an object in bytes, from a mirror that knows it without asking anybody. */
  sizeOf?(path: string): number | undefined;
  /** The names directly below a folder, sorted; only where the mirror can list. An absent folder has none. */
  list?(path: string, options?: GetOptions): AsyncIterable<string>;
  /** Ends open connections, so that the process can exit; the mirror cannot be used afterwards. */
  close?(): Promise<void>;
}

export interface ReadAllOptions extends GetOptions {
  /** Largest size in bytes that is accepted. */
  readonly limit: number;
}

/** How often `readAll` starts again after a body that broke off. */
const BODY_ATTEMPTS = 3;

/**
 * Reads a whole object into memory; starts again when the body breaks off.
 * @throws MetadataError `metadata-too-large` beyond the limit; whatever `mirror.get` throws.
 */
export async function readAll(mirror: Mirror, path: string, options: ReadAllOptions): Promise<Uint8Array> {
  for (let attempt = 1; ; attempt++) {
    // Retries until the body begins are the mirror's own business.
    const object = await mirror.get(path, { signal: options.signal });
    try {
      return await readBody(object, options);
    } catch (error) {
      if (attempt >= BODY_ATTEMPTS || !isRetryable(error)) throw error;
    }
  }
}

/**
 * Reads the body of an open object into memory.
 * @throws MetadataError `metadata-too-large` beyond the limit, after which the body is cancelled.
 */
export async function readBody(object: MirrorObject, options: ReadAllOptions): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  await forEachChunk(object, options, (chunk) => void chunks.push(chunk));
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : concatBytes(chunks);
}

/**
 * Reads the body of an open object chunk by chunk, the next one when `onChunk` is done with the last.
 * @throws MetadataError `metadata-too-large` beyond the limit; whatever `onChunk` throws. The body is cancelled then.
 */
export async function forEachChunk(
  object: MirrorObject,
  { limit, signal }: ReadAllOptions,
  onChunk: (chunk: Uint8Array) => void | Promise<void>,
): Promise<void> {
  const reader = object.body.getReader();
  let length = 0;
  try {
    if (object.size !== undefined && object.size > limit) throw tooLarge(object, limit);
    for (;;) {
      signal?.throwIfAborted();
      const { done, value } = await reader.read();
      if (done) return;
      length += value.length;
      if (length > limit) throw tooLarge(object, limit);
      await onChunk(value);
    }
  } catch (error) {
    await reader.cancel(error).catch(() => {});
    throw error;
  }
}

function tooLarge(object: MirrorObject, limit: number): MetadataError {
  return new MetadataError(
    'metadata-too-large',
    `Cannot read "${object.location}": it is larger than ${limit} bytes`,
    {
      data: { location: object.location, limit, size: object.size },
    },
  );
}

export function isNotFound(error: unknown): error is MirrorError {
  return error instanceof MirrorError && error.code === 'mirror-not-found';
}

export function isRetryable(error: unknown): boolean {
  return error instanceof BuildcacheError && error.retryable;
}

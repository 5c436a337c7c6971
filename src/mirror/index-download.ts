// Downloads a package index straight into its cache, in chunks; only where the cache cannot be written is it held in memory.

import { createHash } from 'node:crypto';

import { type ByteSource, sourceOfBytes } from '../core/byte-source.js';
import { concatBytes } from '../core/bytes.js';
import { MirrorError } from '../core/errors.js';
import { forEachChunk, isRetryable } from '../transport/read-object.js';
import { FileBytes } from './file-bytes.js';
import type { CacheFile, IndexCache } from './index-cache.js';
import type { Mirror, MirrorObject } from './mirror.js';

const LARGEST_INDEX = 2 ** 31 - 1;
/** How often a download starts again after a body that broke off. */
const BODY_ATTEMPTS = 3;

export interface IndexDownload {
  readonly mirror: Mirror;
  /** Opens the index; called again when its body breaks off. */
  readonly open: () => Promise<MirrorObject>;
  readonly cache: IndexCache;
  readonly signal: AbortSignal | undefined;
}

/** An index that was fetched. */
export interface FetchedIndex {
  readonly bytes: ByteSource;
  readonly sha256: string;
  readonly etag: string | undefined;
  /** Where it lies in the cache, not yet under its name; absent when it is in memory. */
  readonly file: CacheFile | undefined;
}

/**
 * Fetches an index. The caller commits or discards its file.
 * @throws MetadataError `metadata-too-large`; MirrorError `mirror-not-a-buildcache` for a web page, and what `open` and its body bring.
 */
export async function downloadIndex(download: IndexDownload): Promise<FetchedIndex> {
  let canCache = true;
  for (let attempt = 1; ; ) {
    const object = await download.open();
    const file: CacheFile | undefined = canCache
      ? await download.cache.create().catch(() => undefined)
      : undefined;
    canCache = file !== undefined;
    try {
      return await fetchBody(object, file, download);
    } catch (error) {
      await file?.discard();
      // A full disk must not keep anybody from using a mirror.
      if (error instanceof CacheWriteError) canCache = false;
      else if (attempt++ >= BODY_ATTEMPTS || !isRetryable(error)) throw error;
    }
  }
}

class CacheWriteError extends Error {}

async function fetchBody(
  object: MirrorObject,
  file: CacheFile | undefined,
  { mirror, signal }: IndexDownload,
): Promise<FetchedIndex> {
  const hash = createHash('sha256');
  const inMemory: Uint8Array[] = [];
  let isFirst = true;
  await forEachChunk(object, { limit: LARGEST_INDEX, signal }, async (chunk) => {
    if (isFirst) refusePage(chunk, mirror, object.location);
    isFirst = false;
    hash.update(chunk);
    if (file === undefined) inMemory.push(chunk);
    else await cacheWrite(() => file.write(chunk));
  });
  const sha256 = hash.digest('hex');
  const { etag } = object;
  if (file === undefined) return { bytes: sourceOfBytes(concatBytes(inMemory)), sha256, etag, file };
  return cacheWrite(async () => {
    await file.close();
    return { bytes: new FileBytes(file.path), sha256, etag, file };
  });
}

async function cacheWrite<Result>(action: () => Promise<Result>): Promise<Result> {
  try {
    return await action();
  } catch (cause) {
    throw new CacheWriteError('the cache cannot be written', { cause });
  }
}

/** Some servers answer every question with a page of their own. */
function refusePage(chunk: Uint8Array, mirror: Mirror, location: string): void {
  const start = Buffer.from(chunk.subarray(0, 1024)).toString('latin1').trimStart();
  if (!start.startsWith('<')) return;
  throw new MirrorError(
    'mirror-not-a-buildcache',
    `Cannot read "${location}": it is a web page, not the index of a build cache`,
    {
      hint: 'Check the URL of the mirror: it must be the folder that holds "build_cache"',
      data: { location, mirror: mirror.url },
    },
  );
}

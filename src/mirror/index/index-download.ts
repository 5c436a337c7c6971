// Downloads a package index straight into its cache, in chunks; only where the cache cannot be written is it held in memory.

import { createHash } from 'node:crypto';

import { type ByteSource, sourceOfBytes } from '../../core/byte-source.js';
import { concatBytes } from '../../core/bytes.js';
import { IntegrityError, MirrorError } from '../../core/errors.js';
import { forEachChunk, isRetryable } from '../../transport/read-object.js';
import type { OpenedIndex } from '../build-cache.js';
import { FileBytes } from './file-bytes.js';
import type { CacheFile, IndexCache } from './index-cache.js';

const LARGEST_INDEX = 2 ** 31 - 1;
/** How often a download starts again after a body that broke off. */
const BODY_ATTEMPTS = 3;

export interface IndexDownload {
  /** URL of the mirror, for messages. */
  readonly mirror: string;
  /** Opens the index; called again when its body breaks off. It may be gone then. */
  readonly open: () => Promise<OpenedIndex | undefined>;
  readonly cache: IndexCache;
  readonly signal: AbortSignal | undefined;
}

/** An index that was fetched. */
export interface FetchedIndex {
  readonly bytes: ByteSource;
  readonly sha256: string;
  readonly tag: string | undefined;
  /** Where it lies in the cache, not yet under its name; absent when it is in memory. */
  readonly file: CacheFile | undefined;
}

/**
 * Fetches an index; undefined when there is none. The caller commits or discards its file.
 * @throws MetadataError `metadata-too-large`; MirrorError `mirror-not-a-buildcache` for a web page, and what `open` and its body bring;
 * IntegrityError `checksum-mismatch` where the mirror says what the index must be.
 */
export async function downloadIndex(download: IndexDownload): Promise<FetchedIndex | undefined> {
  let canCache = true;
  for (let attempt = 1; ; ) {
    const object = await download.open();
    if (object === undefined) return undefined;
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
  object: OpenedIndex,
  file: CacheFile | undefined,
  { mirror, signal }: IndexDownload,
): Promise<FetchedIndex> {
  const hash = createHash('sha256');
  const inMemory: Uint8Array[] = [];
  let isFirst = true;
  await forEachChunk(object, { limit: LARGEST_INDEX, signal }, async (chunk) => {
    if (isFirst) refusePage(chunk, object.location, mirror);
    isFirst = false;
    hash.update(chunk);
    if (file === undefined) inMemory.push(chunk);
    else await cacheWrite(() => file.write(chunk));
  });
  const sha256 = hash.digest('hex');
  requireDigest(object, sha256);
  const { tag } = object;
  if (file === undefined) return { bytes: sourceOfBytes(concatBytes(inMemory)), sha256, tag, file };
  return cacheWrite(async () => {
    await file.close();
    return { bytes: new FileBytes(file.path), sha256, tag, file };
  });
}

async function cacheWrite<Result>(action: () => Promise<Result>): Promise<Result> {
  try {
    return await action();
  } catch (cause) {
    throw new CacheWriteError('the cache cannot be written', { cause });
  }
}

function requireDigest({ sha256: expected, location }: OpenedIndex, actual: string): void {
  if (expected === undefined || expected === actual) return;
  throw new IntegrityError(
    'checksum-mismatch',
    `Cannot use "${location}": its sha256 is ${actual}, the mirror says ${expected}`,
    {
      hint: 'The index is damaged, or is being replaced: try again, or write it again',
      data: { location, expected, actual },
    },
  );
}

/** Some servers answer every question with a page of their own. */
function refusePage(chunk: Uint8Array, location: string, mirror: string): void {
  const start = Buffer.from(chunk.subarray(0, 1024)).toString('latin1').trimStart();
  if (!start.startsWith('<')) return;
  throw new MirrorError(
    'mirror-not-a-buildcache',
    `Cannot read "${location}": it is a web page, not the index of a build cache`,
    {
      hint: 'Check the URL of the mirror: it must be the folder that holds "build_cache"',
      data: { location, mirror },
    },
  );
}

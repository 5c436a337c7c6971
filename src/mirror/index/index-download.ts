// Downloads a package index straight into its cache, in chunks; it is held in memory only if the cache is not writable.

import { createHash } from 'node:crypto';

import { type ByteSource, sourceOfBytes } from '../../core/byte-source.js';
import { concatBytes } from '../../core/bytes.js';
import { IntegrityError, MirrorError } from '../../core/errors.js';
import { decodedObject } from '../../transport/content-encoding.js';
import { forEachChunk, isRetryable } from '../../transport/read-object.js';
import type { OpenedIndex } from '../build-cache.js';
import { FileBytes } from './file-bytes.js';
import type { CacheFile, IndexCache } from './index-cache.js';

const LARGEST_INDEX = 2 ** 31 - 1;
/** How often a download starts over after the body broke off. */
const BODY_ATTEMPTS = 3;

export interface IndexDownload {
  /** URL of the mirror, for messages. */
  readonly mirror: string;
  /** Opens the index; called again when its body breaks off. The index may be gone by then. */
  readonly open: () => Promise<OpenedIndex | undefined>;
  readonly cache: IndexCache;
  readonly signal: AbortSignal | undefined;
}

/** A fetched index. */
export interface FetchedIndex {
  readonly bytes: ByteSource;
  readonly sha256: string;
  readonly tag: string | undefined;
  /** The file in the cache, not yet under its final name; absent if the index is in memory. */
  readonly file: CacheFile | undefined;
}

/**
 * Fetches an index; undefined when there is none. The caller commits or discards its file.
 * @throws MetadataError `metadata-too-large`; MirrorError `mirror-not-a-buildcache` for a web page, and the errors of `open` and its body;
 * IntegrityError `checksum-mismatch` if the mirror gives an expected digest.
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
      // A full disk must not prevent the use of a mirror.
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
  // What a manifest names is named as it is stored.
  const source = object.sha256 === undefined ? await decodedObject(object) : object;
  const reusesMemory = file !== undefined;
  await forEachChunk(source, { limit: LARGEST_INDEX, signal, reusesMemory }, async (chunk) => {
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
      hint: 'The index is damaged or being replaced: try again, or update the index',
      data: { location, expected, actual },
    },
  );
}

/** Some servers answer every request with a web page. */
function refusePage(chunk: Uint8Array, location: string, mirror: string): void {
  const start = Buffer.from(chunk.subarray(0, 1024)).toString('latin1').trimStart();
  if (!start.startsWith('<')) return;
  throw new MirrorError(
    'mirror-not-a-buildcache',
    `Cannot read "${location}": it is a web page, not the index of a build cache`,
    {
      hint: 'Check the URL of the mirror: it must be the folder that contains "build_cache"',
      data: { location, mirror },
    },
  );
}

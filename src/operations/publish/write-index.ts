// Brings an index, or a view, up to date beside others who do the same: what they added meanwhile stays in it.
import { OLDEST_NODE_FORMAT } from '../../buildcache/index/write-index.js';
import { BuildcacheError, MirrorError } from '../../core/errors.js';
import type { OperationOptions } from '../../core/progress.js';
import type { BuildCache, ListedPackage, PackedIndex } from '../../mirror/build-cache.js';
import type { IndexEntry, ReadIndex } from '../../mirror/cache-audit.js';
import { requirePublisher } from '../../mirror/require-publisher.js';
import type { DagHash } from '../../spec/spec.js';
import { giveWay } from '../give-way.js';
import { cannotList } from '../keys/publish-keys.js';
import { IndexCollection } from './index-collection.js';
import { listPackages, type UnreadableSpecfile } from './read-packages.js';

/** An index that was written. */
export interface WrittenIndex {
  readonly location: string;
  /** Packages that it offers. */
  readonly packages: number;
  /** Its records, with those of mere dependencies. */
  readonly records: number;
  /** In bytes. */
  readonly size: number;
  readonly sha256: string;
}

export interface IndexOutcome {
  readonly index: WrittenIndex;
  /** Packages that were left out. */
  readonly unreadable: readonly UnreadableSpecfile[];
}

export interface IndexWriting {
  readonly cache: BuildCache;
  /** Reads only what the index does not have yet; else everything is read again. */
  readonly isUpdate: boolean;
  /** Skip a cache without packages; by default its index becomes an empty one. */
  readonly skipsEmpty?: boolean | undefined;
  /** Number of specfiles to read concurrently. */
  readonly jobs: number;
}

/**
 * Writes the index of one layout. What is listed is looked at after the index, so that an index which nobody replaced meanwhile has
 * everything that anybody added before.
 * @returns undefined for an empty cache that is skipped
 * @throws MirrorError `mirror-changed` where others write again and again; what listing, reading and writing bring
 */
export async function writeIndex(
  { cache, isUpdate, skipsEmpty, jobs }: IndexWriting,
  options: OperationOptions,
): Promise<IndexOutcome | undefined> {
  const { signal } = options;
  const collecting = { jobs, options };
  const { indexFormat } = requirePublisher(cache);
  let collection = new IndexCollection(indexFormat);
  const startAgain = () => {
    collection.close();
    collection = new IndexCollection(indexFormat);
  };
  try {
    return await giveWay(async () => {
      const there = await findIndex(cache, options);
      const old = isUpdate ? await readUsable(there, options) : undefined;
      const packages = await listPackages({ cache }, signal);
      if (skipsEmpty && packages.length === 0) return undefined;
      if (old !== undefined && offersJust(old, packages)) return unchanged(cache, old);
      if (isUpdate) startAgain();
      const isKept = old !== undefined && keep(collection, old, packages);
      if (!isKept && !collection.isWithin(packages)) startAgain();
      await collection.read(packages, collecting);
      const packed = packCollection(collection);
      const isSure = await replaceIndex({ cache, there, packed }, options);
      if (!isSure) await requireComplete(cache, collection, options);
      return outcomeOf(cache, collection, packed);
    }, options);
  } finally {
    collection.close();
  }
}

/** An empty index must not replace a good one because the mirror is out of order. */
export function packCollection(collection: IndexCollection): PackedIndex {
  const packed = collection.pack();
  const [first] = collection.unreadable;
  if (packed.packages === 0 && first !== undefined) throw first.error;
  return packed;
}

export function outcomeOf(
  cache: BuildCache,
  collection: IndexCollection,
  { size, sha256 }: Pick<PackedIndex, 'size' | 'sha256'>,
): IndexOutcome {
  const { packageCount: packages, recordCount: records, unreadable } = collection;
  return { index: { location: locationOf(cache), packages, records, size, sha256 }, unreadable };
}

/** @throws MirrorError `mirror-protocol` for a cache that cannot be listed */
export async function findIndex(
  cache: BuildCache,
  { signal }: OperationOptions,
): Promise<IndexEntry | undefined> {
  if (cache.audit === undefined) throw cannotList(cache);
  return cache.audit.findIndex(cache.view, { signal });
}

/** An index that cannot be read is made anew. */
async function readUsable(
  there: IndexEntry | undefined,
  { signal }: OperationOptions,
): Promise<ReadIndex | undefined> {
  try {
    return await there?.read({ signal });
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof BuildcacheError && !error.retryable) return undefined;
    throw error;
  }
}

/** An index of a format that is not written any more is made anew. */
function offersJust({ packages: index }: ReadIndex, packages: readonly ListedPackage[]): boolean {
  const there = new Set(packages.map(({ hash }) => hash));
  if (index.nodeFormat < OLDEST_NODE_FORMAT) return false;
  let offered = 0;
  for (const hash of index.offeredHashes())
    if (there.has(hash)) offered++;
    else return false;
  return offered === there.size;
}

function unchanged(cache: BuildCache, { packages: index, size, sha256 }: ReadIndex): IndexOutcome {
  const packages = [...index.offeredHashes()].length;
  return {
    index: { location: locationOf(cache), packages, records: index.size, size, sha256 },
    unreadable: [],
  };
}

function locationOf({ indexes, url }: BuildCache): string {
  return indexes[0]?.location ?? url;
}

/** Takes over an index unless it has packages that are gone, or cannot be taken over as it is. */
function keep(
  collection: IndexCollection,
  { packages: index }: ReadIndex,
  packages: readonly ListedPackage[],
): boolean {
  const there = new Set(packages.map(({ hash }) => hash));
  for (const hash of index.offeredHashes()) if (!there.has(hash)) return false;
  try {
    collection.keep(index);
    return true;
  } catch (error) {
    if (error instanceof BuildcacheError) return false;
    throw error;
  }
}

export interface Replacing {
  readonly cache: BuildCache;
  /** The index as it was found, or read. */
  readonly there: Pick<IndexEntry, 'foundTag' | 'rewrite'> | undefined;
  readonly packed: PackedIndex;
}

/**
 * Replaces the index that was found.
 * @returns false where the place knows no conditions, so that somebody else's index may have been overwritten
 * @throws MirrorError `mirror-changed` when somebody else wrote it meanwhile
 */
export async function replaceIndex(
  { cache, there, packed }: Replacing,
  { signal }: OperationOptions,
): Promise<boolean> {
  const publisher = requirePublisher(cache);
  try {
    if (there?.rewrite !== undefined) await there.rewrite(packed, { tag: there.foundTag }, { signal });
    else await publisher.writeIndex(packed, { signal, mustBeNew: true });
    return there?.rewrite === undefined || there.foundTag !== undefined;
  } catch (error) {
    if (!(error instanceof BuildcacheError) || error.code !== 'mirror-unconditional') throw error;
    await publisher.writeIndex(packed, { signal });
    return false;
  }
}

/**
 * Reads back what was written without a condition. Whoever overwrites another's index in this way looks after that, and so sees the
 * packages that the other added.
 */
async function requireComplete(
  cache: BuildCache,
  collection: IndexCollection,
  options: OperationOptions,
): Promise<void> {
  const index = (await readUsable(await findIndex(cache, options), options))?.packages;
  const left = new Set(collection.unreadable.map(({ location }) => location));
  for (const { hash, location } of await listPackages({ cache }, options.signal)) {
    if (index?.offers(hash as DagHash) || left.has(location)) continue;
    throw new MirrorError(
      'mirror-changed',
      `Cannot rely on the index of "${cache.url}": it lacks "${hash}"`,
      {
        hint: 'Others write it at the same time: run the command again',
        data: { mirror: cache.url, hash },
      },
    );
  }
}

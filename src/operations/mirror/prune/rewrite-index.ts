// Takes packages out of an index or a view, and leaves everything else in it as it was.
import { IndexBuilder } from '../../../buildcache/index/write-index.js';
import { BuildcacheError } from '../../../core/errors.js';
import type { PackedIndex } from '../../../mirror/build-cache.js';
import type { IndexEntry, ReadIndex } from '../../../mirror/cache-audit.js';
import { FileSpool } from '../../../mirror/index/index-spool.js';
import { specFromRecords } from '../../../spec/json/spec-json.js';
import { giveWay } from '../../give-way.js';
import { packIndex } from '../../publish/index-collection.js';

/** How often another writer is given way. */
const ATTEMPTS = 5;

export interface IndexRewrite {
  readonly entry: IndexEntry;
  /** Of the packages to take out. */
  readonly hashes: ReadonlySet<string>;
  /** Only tell which of them it has. */
  readonly isOnlyTold: boolean;
  readonly signal: AbortSignal | undefined;
}

/**
 * Rewrites an index. Whoever writes it at the same time is not overwritten: it is read again.
 * @returns the hashes that it offered
 * @throws MirrorError `mirror-changed` where others write again and again, and what reading and writing bring
 */
export async function rewriteIndex(rewrite: IndexRewrite): Promise<readonly string[]> {
  const { entry, hashes, isOnlyTold, signal } = rewrite;
  const work = async () => {
    const read = await entry.read({ signal });
    const found = [...read.packages.offeredHashes()].filter((hash) => hashes.has(hash));
    if (found.length > 0 && !isOnlyTold) await writeWithout(rewrite, read);
    return found;
  };
  return giveWay(work, { signal, attempts: ATTEMPTS, isChanged });
}

/** Its blob is gone, too, when somebody wrote it and another prune removed the old one. */
function isChanged(error: unknown): boolean {
  return (
    error instanceof BuildcacheError && (error.code === 'mirror-changed' || error.code === 'blob-missing')
  );
}

interface Replacing {
  readonly tag: string | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Where the place knows no conditions, whoever writes at the same time looks after that, and completes the index. */
async function replace(entry: IndexEntry, index: PackedIndex, { tag, signal }: Replacing): Promise<void> {
  try {
    await entry.rewrite?.(index, { tag }, { signal });
  } catch (error) {
    if (!(error instanceof BuildcacheError) || error.code !== 'mirror-unconditional') throw error;
    await entry.rewrite?.(index, { tag: undefined }, { signal });
  }
}

async function writeWithout({ entry, hashes, signal }: IndexRewrite, read: ReadIndex): Promise<void> {
  const { packages } = read;
  const spool = new FileSpool();
  try {
    const builder = new IndexBuilder(spool);
    for (const hash of packages.offeredHashes()) {
      if (hashes.has(hash)) continue;
      builder.add(specFromRecords(hash, (each) => packages.get(each)?.node, entry.location));
    }
    await replace(entry, packIndex(builder), { tag: read.tag, signal });
  } finally {
    spool.close();
  }
}

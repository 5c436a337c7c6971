// Writes a view of a build cache: an index that names some of its packages (Spack 1.2 `update-index --name`).
import { UsageError } from '../../core/errors.js';
import type { OperationOptions } from '../../core/progress.js';
import type { BuildCache, ListedPackage, Mirror } from '../../mirror/build-cache.js';
import type { IndexEntry } from '../../mirror/cache-audit.js';
import { requirePublisher } from '../../mirror/require-publisher.js';
import { giveWay } from '../give-way.js';
import { IndexCollection } from './index-collection.js';
import { DEFAULT_JOBS } from './read-packages.js';
import { findIndex, type IndexOutcome, outcomeOf, packCollection, replaceIndex } from './write-index.js';

/** What becomes of a view that is there: it is left and refused, replaced, or keeps what it has. */
export type ViewMode = 'create' | 'replace' | 'append';

export interface WriteViewRequest {
  /** Opened with the view. */
  readonly mirror: Mirror;
  readonly packages: readonly ListedPackage[];
  readonly mode: ViewMode;
  /** Number of manifests to read concurrently; 16 by default. */
  readonly jobs?: number | undefined;
}

export type ViewReport = IndexOutcome;

/**
 * Writes a view. Whoever writes it at the same time is not overwritten: what they wrote is refused or read again, as the mode says.
 * @throws UsageError `view-exists`; MirrorError `mirror-changed` where others write again and again, and what reading and writing bring
 */
export function writeView(request: WriteViewRequest, options: OperationOptions = {}): Promise<ViewReport> {
  return giveWay(async () => writeOnce(request, await findView(request, options), options), options);
}

/**
 * The view that a mirror was opened with, if it is there.
 * @throws UsageError `view-exists` for one that is to be made; MirrorError `mirror-protocol` for a mirror that cannot be listed.
 */
export async function findView(
  { mirror, mode }: Pick<WriteViewRequest, 'mirror' | 'mode'>,
  options: OperationOptions = {},
): Promise<IndexEntry | undefined> {
  const { cache } = mirror;
  if (cache.view === undefined) throw new TypeError('The mirror was opened without a view');
  const there = await findIndex(cache, options);
  if (there !== undefined && mode === 'create') throw viewExists(cache, there);
  return there;
}

async function writeOnce(
  { mirror: { cache }, packages, mode, jobs = DEFAULT_JOBS }: WriteViewRequest,
  there: IndexEntry | undefined,
  options: OperationOptions,
): Promise<ViewReport> {
  const collection = new IndexCollection(requirePublisher(cache).indexFormat);
  try {
    const read = mode === 'append' ? await there?.read(options) : undefined;
    if (read !== undefined) collection.keep(read.packages);
    await collection.read(packages, { jobs, options });
    const packed = packCollection(collection);
    await replaceIndex(
      { cache, there: there && { ...there, foundTag: read?.tag ?? there.foundTag }, packed },
      options,
    );
    return outcomeOf(cache, collection, packed);
  } finally {
    collection.close();
  }
}

function viewExists({ url, view }: BuildCache, { location }: IndexEntry): UsageError {
  return new UsageError('view-exists', `Cannot make the view "${view}" in "${url}": it is there`, {
    hint: 'Replace it with --force, or add to it with --append',
    data: { mirror: url, view, location },
  });
}

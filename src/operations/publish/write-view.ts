// Writes a view of a build cache: an index that names some of its packages (Spack 1.2 `update-index --name`).
import { UsageError } from '../../core/errors.js';
import type { OperationOptions } from '../../core/progress.js';
import type { BuildCache, ListedPackage, Mirror, PackedIndex } from '../../mirror/build-cache.js';
import type { IndexEntry } from '../../mirror/cache-audit.js';
import { requirePublisher } from '../../mirror/require-publisher.js';
import { specFromRecords } from '../../spec/json/spec-json.js';
import type { Spec } from '../../spec/spec.js';
import { giveWay } from '../give-way.js';
import { cannotList } from '../keys/publish-keys.js';
import { type UnreadableSpecfile, type WrittenIndex, writeIndexOf } from './index-mirror.js';

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

export interface ViewReport {
  readonly index: WrittenIndex;
  /** Packages that were left out. */
  readonly unreadable: readonly UnreadableSpecfile[];
}

/**
 * Writes a view. Whoever writes it at the same time is not overwritten: what they wrote is refused or read again, as the mode says.
 * @throws UsageError `view-exists`; MirrorError `mirror-changed` where others write again and again, and what reading and writing bring
 */
export function writeView(request: WriteViewRequest, options: OperationOptions = {}): Promise<ViewReport> {
  return giveWay(async () => writeOnce(request, await findView(request, options), options));
}

/**
 * The view that a mirror was opened with, if it is there.
 * @throws UsageError `view-exists` for one that is to be made; MirrorError `mirror-protocol` for a mirror that cannot be listed.
 */
export async function findView(
  { mirror, mode }: Pick<WriteViewRequest, 'mirror' | 'mode'>,
  { signal }: OperationOptions = {},
): Promise<IndexEntry | undefined> {
  const { cache } = mirror;
  if (cache.view === undefined) throw new TypeError('The mirror was opened without a view');
  if (cache.audit?.findView === undefined) throw cannotList(cache);
  const there = await cache.audit.findView(cache.view, { signal });
  if (there !== undefined && mode === 'create') throw viewExists(cache, there);
  return there;
}

async function writeOnce(
  { mirror: { cache }, packages, mode, jobs }: WriteViewRequest,
  there: IndexEntry | undefined,
  options: OperationOptions,
): Promise<ViewReport> {
  const { signal } = options;
  const writing = { cache, packages, jobs, options };
  const publisher = requirePublisher(cache);
  if (mode === 'replace') return writeIndexOf(writing);
  if (there === undefined) {
    const write = (packed: PackedIndex) => publisher.writeIndex(packed, { signal, mustBeNew: true });
    return writeIndexOf({ ...writing, write });
  }
  const read = await there.read({ signal });
  const write = async (packed: PackedIndex) => there.rewrite?.(packed, read, { signal });
  return writeIndexOf({ ...writing, write, known: packagesOf(there, read) });
}

function* packagesOf(
  { location }: IndexEntry,
  { packages }: Awaited<ReturnType<IndexEntry['read']>>,
): Iterable<Spec> {
  for (const hash of packages.offeredHashes())
    yield specFromRecords(hash, (each) => packages.get(each)?.node, location);
}

function viewExists({ url, view }: BuildCache, { location }: IndexEntry): UsageError {
  return new UsageError('view-exists', `Cannot make the view "${view}" in "${url}": it is there`, {
    hint: 'Replace it with --force, or add to it with --append',
    data: { mirror: url, view, location },
  });
}

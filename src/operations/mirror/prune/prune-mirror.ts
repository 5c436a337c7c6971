// Removes what nobody needs from a mirror of layout 3, or a registry: packages that are not whole or not kept, and blobs that nothing names. Indexes are
// rewritten first, then manifests go, then blobs, so that no reader is led to what is gone.
import { UsageError } from '../../../core/errors.js';
import type { OperationOptions } from '../../../core/progress.js';
import type { BuildCache, Mirror } from '../../../mirror/build-cache.js';
import type {
  AuditEntry,
  CacheAudit,
  IndexEntry,
  PackageEntry,
  StoredContent,
} from '../../../mirror/cache-audit.js';
import { readOnly } from '../../../mirror/require-publisher.js';
import { inParallel } from '../../in-parallel.js';
import { auditsOf, contentsOf } from '../audits.js';
import { BlobRemoval } from './blob-removal.js';
import { type JudgedPackage, judgePackage } from './judge-package.js';
import type { PrunedThing } from './pruned-thing.js';
import { removeUnfinished } from './remove-unfinished.js';
import { rewriteIndex } from './rewrite-index.js';

export interface PruneRequest {
  readonly mirror: Mirror;
  /** Hashes of packages that stay; undefined: all that are whole. */
  readonly keep?: ReadonlySet<string> | undefined;
  /** Packages younger than this stay, too, in milliseconds. */
  readonly keepYoungerThan?: number | undefined;
  /** Blobs that nothing names, packages that are not whole, and unfinished uploads stay until they are so old, in milliseconds. */
  readonly age: number;
  /** Only tell what would be removed. */
  readonly dryRun: boolean;
  /** Leave indexes that name what is removed as they are. */
  readonly keepIndexes?: boolean | undefined;
  readonly jobs?: number | undefined;
  /** The clock, in milliseconds since 1970. */
  readonly now?: (() => number) | undefined;
}

export interface PrunedIndex {
  readonly location: string;
  /** Of the packages that it offered and that are removed. */
  readonly hashes: readonly string[];
  readonly outcome: 'rewritten' | 'left';
}

export interface PruneReport {
  readonly mirror: string;
  readonly dryRun: boolean;
  /** Manifests and blobs that were removed, or would be. */
  readonly removed: readonly PrunedThing[];
  readonly indexes: readonly PrunedIndex[];
  readonly bytes: number;
  /** Packages that stay. */
  readonly kept: number;
  readonly milliseconds: number;
}

const DEFAULT_JOBS = 16;

/**
 * Prunes a mirror.
 * @throws UsageError `usage` for a mirror without layout 3; MirrorError `mirror-protocol`, `mirror-read-only`, and what listing, reading
 * and writing bring: nothing is removed while something cannot be read.
 */
export async function pruneMirror(
  request: PruneRequest,
  { signal }: OperationOptions = {},
): Promise<PruneReport> {
  const begin = performance.now();
  const { mirror, dryRun } = request;
  const audit = prunableOf(mirror);
  if (audit.layouts === 'oci' && request.keepYoungerThan !== undefined) throw noTimes(mirror.cache);
  if (!dryRun && mirror.cache.publisher === undefined) throw readOnly(mirror.cache.url);
  const now = (request.now ?? Date.now)();
  // Blobs first: one that is named later is younger than what is listed here, or its manifest is seen.
  const contents = await contentsOf(audit, signal);
  const entries: AuditEntry[] = [];
  for await (const entry of audit.entries({ signal })) entries.push(entry);
  if (contents.size + entries.length === 0) await requireNothingOlder(mirror, signal);
  const hasTimes = audit.layouts !== 'oci';
  const doomed = await judge({ hasTimes, request, entries, contents, now, signal });
  const indexes = await pruneIndexes({ request, entries, doomed, signal });
  // A registry removes by itself what nothing names.
  const removable = audit.layouts === 'oci' ? new Map<string, StoredContent>() : contents;
  const removal = new BlobRemoval({
    audit,
    contents: removable,
    oldest: now - request.age,
    dryRun,
    now,
    signal,
  });
  await removal.protect(entries.filter((entry) => entry.kind !== 'package' || !doomed.has(entry)));
  const gone = await removal.removeEntries([...doomed.keys()]);
  const removed: PrunedThing[] = [];
  for (const [{ location, size: bytes = 0, hash }, { reason }] of [...doomed].filter(([entry]) =>
    gone.has(entry),
  ))
    removed.push({ reason, location, bytes, hash });
  removed.push(...(await removal.removeBlobs([...doomed.values()])));
  removed.push(...(await removeUnfinished({ audit, oldest: now - request.age, dryRun, signal })));
  return {
    mirror: mirror.cache.url,
    dryRun,
    removed,
    indexes,
    bytes: removed.reduce((sum, { bytes }) => sum + bytes, 0),
    kept: entries.filter((entry) => entry.kind === 'package' && !doomed.has(entry)).length,
    milliseconds: performance.now() - begin,
  };
}

function prunableOf({ cache }: Mirror): CacheAudit {
  const found = auditsOf(cache).find(({ audit }) => audit.layouts !== '0-2');
  if (found !== undefined) return found.audit;
  throw onlyOlder(cache);
}

/** Nothing to prune is well in an empty mirror; in one of an older layout it would be taken for done. */
async function requireNothingOlder({ cache }: Mirror, signal: AbortSignal | undefined): Promise<void> {
  const layers = (await cache.presentLayers?.({ signal })) ?? [cache];
  if (!layers.some(({ audit }) => audit !== undefined && audit.layouts !== '0-2')) throw onlyOlder(cache);
}

function noTimes({ url }: BuildCache): UsageError {
  return new UsageError(
    'usage',
    `Cannot prune "${url}" by age: registries do not tell how old packages are`,
    {
      hint: 'Name the packages that stay with --keep',
      data: { mirror: url },
    },
  );
}

function onlyOlder(cache: BuildCache): UsageError {
  return new UsageError('usage', `Cannot prune "${cache.url}": only layout 3 can be pruned`, {
    hint: 'Migrate it first: regraft mirror migrate',
    data: { mirror: cache.url },
  });
}

interface Judging {
  /** Whether the place tells when things were written. */
  readonly hasTimes: boolean;
  readonly request: PruneRequest;
  readonly entries: readonly AuditEntry[];
  readonly contents: ReadonlyMap<string, StoredContent>;
  readonly now: number;
  readonly signal: AbortSignal | undefined;
}

/** The packages that go, and why. */
async function judge({
  hasTimes,
  request,
  entries,
  contents,
  now,
  signal,
}: Judging): Promise<Map<PackageEntry, JudgedPackage>> {
  const doomed = new Map<PackageEntry, JudgedPackage>();
  const work = async (entry: AuditEntry): Promise<void> => {
    if (entry.kind !== 'package') return;
    const judged = await judgePackage(entry, { ...request, contents, hasTimes, now, signal });
    if (judged !== undefined) doomed.set(entry, judged);
  };
  await inParallel({ items: entries, jobs: request.jobs ?? DEFAULT_JOBS, signal, work });
  return new Map([...doomed].sort(([a], [b]) => (a.location < b.location ? -1 : 1)));
}

interface IndexPruning {
  readonly request: PruneRequest;
  readonly entries: readonly AuditEntry[];
  readonly doomed: ReadonlyMap<PackageEntry, JudgedPackage>;
  readonly signal: AbortSignal | undefined;
}

async function pruneIndexes({ request, entries, doomed, signal }: IndexPruning): Promise<PrunedIndex[]> {
  const hashes = new Set([...doomed.keys()].map(({ hash }) => hash));
  if (hashes.size === 0) return [];
  const isOnlyTold = request.dryRun || request.keepIndexes === true;
  const pruned: PrunedIndex[] = [];
  for (const entry of entries.filter((each): each is IndexEntry => each.kind === 'index')) {
    const found = await rewriteIndex({ entry, hashes, isOnlyTold, signal });
    if (found.length === 0) continue;
    const outcome = request.keepIndexes === true ? 'left' : 'rewritten';
    pruned.push({ location: entry.location, hashes: found, outcome });
  }
  return pruned;
}

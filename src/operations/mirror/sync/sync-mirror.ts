// Copies packages from one mirror to another, of any kind and layout each: what is missing there, or differs. What is there and complete is
// left alone, so an interrupted run is simply started again.
import type { OperationOptions } from '../../../core/progress.js';
import type { BuildCache, Mirror, PublishedLayout } from '../../../mirror/build-cache.js';
import { requireApart } from '../../../mirror/require-apart.js';
import { requirePublisher } from '../../../mirror/require-publisher.js';
import type { DagHash, Spec } from '../../../spec/spec.js';
import { inOrderOfNeed, installOrder } from '../../../spec/traverse.js';
import { inParallel } from '../../in-parallel.js';
import { indexMirror } from '../../publish/index-mirror.js';
import type { UnreadableSpecfile } from '../../publish/read-packages.js';
import type { WrittenIndex } from '../../publish/write-index.js';
import { selectSynced } from './select-synced.js';
import { type SyncedKeys, syncKeys } from './sync-keys.js';
import { syncPackage } from './sync-package.js';
import { type SyncedView, syncViews } from './sync-views.js';
import type { Signer, SyncedPackage, Synchronization, SyncRequest } from './synchronization.js';

export interface SyncReport {
  readonly source: string;
  readonly destination: string;
  /** That packages of another one were given. */
  readonly layout: PublishedLayout;
  readonly dryRun: boolean;
  /** By name. */
  readonly packages: readonly SyncedPackage[];
  /** What the source has, and could not be read. */
  readonly unreadable: readonly UnreadableSpecfile[];
  /** Bytes that were written for packages, or would be. */
  readonly moved: number;
  /** Bytes of the packages that were there. */
  readonly there: number;
  /** Missing in a dry run, and where no package is there, as all that follows. */
  readonly keys?: SyncedKeys;
  readonly indexes?: readonly WrittenIndex[];
  readonly views?: readonly SyncedView[];
  readonly milliseconds: number;
}

const DEFAULT_JOBS = 4;

/**
 * Copies packages, then keys, index and views. A package that fails is in the report with its error, and the rest goes on.
 * @throws MirrorError `mirror-read-only`, and what listing and writing bring; the errors of `selectSynced` and of getting a key.
 */
export async function syncMirror(request: SyncRequest, options: OperationOptions = {}): Promise<SyncReport> {
  const begin = performance.now();
  requireApart(request.source.cache, request.destination.cache);
  const { source, destination, dryRun = false, jobs = DEFAULT_JOBS } = request;
  const { signal } = options;
  const signing = onceSigned(request);
  const sync = await prepare({ ...request, signer: request.signer && signing.get }, options);
  const { specs, unreadable } = await selectSynced(sync);
  const reports: SyncedPackage[] = [];
  const work = async (spec: Spec): Promise<void> => {
    reports.push(await reportedSync(spec, sync));
    // Without the key no other package can be signed either.
    if (signing.failure !== undefined) throw signing.failure;
  };
  if (sync.publisher.makesImages)
    await inParallel({ items: inOrderOfNeed(specs), jobs, signal, work: afterNeeded(work) });
  else await inParallel({ items: specs, jobs, signal, work });
  const result = {
    source: source.cache.url,
    destination: destination.cache.url,
    layout: sync.publisher.layout,
    dryRun,
    packages: reports.sort(byName),
    unreadable,
    moved: sum(reports.map(({ moved }) => moved)),
    there: sum(reports.map(({ there }) => there)),
  };
  const more = dryRun ? {} : await finishSync({ reports, sync, signedBy: signing.used?.publicKey });
  return { ...result, ...more, milliseconds: performance.now() - begin };
}

/** An image names the tarballs of what it needs, which come before it in the list. What failed is missed by it, and told then. */
function afterNeeded(work: (spec: Spec) => Promise<void>): (spec: Spec) => Promise<void> {
  const begun = new Map<DagHash, Promise<void>>();
  return async (spec) => {
    const needed = installOrder(spec).map(({ hash }) => begun.get(hash));
    const done = Promise.allSettled(needed).then(() => work(spec));
    begun.set(spec.root.hash, done);
    await done;
  };
}

async function prepare(request: SyncRequest, options: OperationOptions): Promise<Synchronization> {
  const { source, destination } = request;
  const publisher = requirePublisher(destination.cache);
  const layers = await layersOf(source.cache, options);
  const target =
    destination.cache.layers?.find((layer) => layer.publisher === publisher) ?? destination.cache;
  const wanted = target.layouts;
  const ordered = [
    ...layers.filter(({ layouts }) => layouts === wanted),
    ...layers.filter(({ layouts }) => layouts !== wanted),
  ];
  const sources = ordered.map((cache): Mirror => ({ ...source, cache }));
  return { ...request, sources, target, publisher, options };
}

async function layersOf(cache: BuildCache, { signal }: OperationOptions): Promise<readonly BuildCache[]> {
  return (await cache.presentLayers?.({ signal })) ?? [cache];
}

/** The signer is asked for once, and only if something is to be signed. */
function onceSigned({ signer }: SyncRequest) {
  let asked: Promise<Signer> | undefined;
  const state: { used?: Signer; failure?: unknown; get(): Promise<Signer> } = {
    get: async () => {
      if (signer === undefined) throw new TypeError('There is no signer');
      asked ??= signer();
      try {
        state.used = await asked;
        return state.used;
      } catch (error) {
        state.failure = error;
        throw error;
      }
    },
  };
  return state;
}

async function reportedSync(spec: Spec, sync: Synchronization): Promise<SyncedPackage> {
  const begin = performance.now();
  const synced = await syncPackage(spec, sync);
  const { name, hash, outcome, moved: bytes, error } = synced;
  sync.options.onProgress?.({
    type: 'package-finished',
    package: name,
    hash,
    outcome: outcome === 'copied' ? 'pushed' : outcome === 'would-copy' ? 'skipped' : outcome,
    bytes,
    files: 0,
    milliseconds: performance.now() - begin,
    ...(error === undefined ? {} : { error }),
  });
  return synced;
}

interface Finishing {
  readonly reports: readonly SyncedPackage[];
  readonly sync: Synchronization;
  readonly signedBy: Signer['publicKey'] | undefined;
}

async function finishSync({ reports, sync, signedBy }: Finishing) {
  const { source, destination, target, options } = sync;
  const there = new Set<string>(
    reports.filter(({ outcome }) => outcome !== 'failed').map(({ hash }) => hash),
  );
  if (there.size === 0) return {};
  const keys = await syncKeys({ source, target: { ...destination, cache: target }, signedBy }, options);
  const { indexes } = await indexMirror(
    { mirror: { ...destination, cache: target }, isUpdate: true },
    options,
  );
  const views = await syncViews(there, sync);
  return { keys, indexes, views };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}

function byName(a: SyncedPackage, b: SyncedPackage): number {
  const [left, right] = [`${a.name}\0${a.hash}`, `${b.name}\0${b.hash}`];
  return left < right ? -1 : Number(left > right);
}

// Pushes installed packages to a build cache: dependencies first, several at a time, each package completely or not at all.
import { BuildcacheError } from '../../core/errors.js';
import type { OperationOptions } from '../../core/progress.js';
import type { Mirror, PublishedImage, Publisher, SignText } from '../../mirror/build-cache.js';
import { requirePublisher } from '../../mirror/require-publisher.js';
import type { SelectedEngine } from '../../relocation/engines/select.js';
import type { DagHash, Spec } from '../../spec/spec.js';
import { inOrderOfNeed, installOrder } from '../../spec/traverse.js';
import type { Store } from '../../store/store.js';
import { type BlockCompressor, createBlockCompressor } from '../../stream/gzip/block-compressor.js';
import { BlockPool } from '../../stream/gzip/block-pool.js';
import { NotYourTurn, schedule, type TaskOutcome, type Turn } from '../schedule.js';
import { inspectInstalled } from './inspect-installed.js';
import { publishImage, requireImages } from './publish-image.js';
import { type PushContext, type PushedPackage, pushPackage } from './push-package.js';
import { type PlannedPush, planPush } from './push-plan.js';

export interface PushRequest {
  readonly specs: readonly Spec[];
  readonly store: Store;
  readonly mirror: Mirror;
  readonly engine: SelectedEngine;
  /** Signs the metadata; if undefined, the packages are published unsigned. */
  readonly sign?: SignText | undefined;
  /** Push packages again that the mirror already has. */
  readonly force?: boolean | undefined;
  /** Push only the specs themselves, or only their dependencies. */
  readonly only?: 'package' | 'dependencies' | undefined;
  /** Also push installed build dependencies. */
  readonly withBuildDependencies?: boolean | undefined;
  /** In a registry: also publish an image of the specs, with everything that they need at run time, under this tag. */
  readonly imageTag?: string | undefined;
  /** Stop at the first failure. */
  readonly failFast?: boolean | undefined;
  /** Number of packages to process concurrently. */
  readonly jobs?: number | undefined;
  /** zlib compression level; 6 by default. */
  readonly level?: number | undefined;
  /** Number of cores that compress; all by default. */
  readonly parallelism?: number | undefined;
}

export type PushOutcome = 'pushed' | 'already-there' | 'failed' | 'skipped';

export interface PushReport {
  readonly mirror: string;
  readonly root: string;
  /** Dependencies first. */
  readonly packages: readonly PushedReport[];
  /** Missing where none was asked for, or a package of it failed. */
  readonly image?: PublishedImage;
  readonly milliseconds: number;
}

export interface PushedReport {
  readonly name: string;
  readonly version: string;
  readonly hash: DagHash;
  readonly prefix: string;
  readonly outcome: PushOutcome;
  readonly error?: BuildcacheError;
  readonly details?: PushedPackage;
}

const MOST_DEFAULT_JOBS = 8;
const PROGRESS_INTERVAL = 100;

/**
 * Pushes specs with their run-time dependencies. A failed package is reported with its error, and the others continue.
 * @throws UsageError `not-installed`; MirrorError `mirror-read-only` for a read-only mirror
 */
export async function push(request: PushRequest, options: OperationOptions = {}): Promise<PushReport> {
  const begin = performance.now();
  const { cache } = request.mirror;
  const publisher = requirePublisher(cache);
  if (request.imageTag !== undefined) requireImages(cache, request.imageTag);
  const plan = planPush({ ...request, archive: publisher.archive });
  const packages = publisher.makesImages
    ? afterNeeded(plan)
    : plan.map((planned) => ({ ...planned, dependencies: [] }));
  const compressor = createBlockCompressor({ level: request.level, parallelism: request.parallelism });
  const jobs = request.jobs ?? Math.min(MOST_DEFAULT_JOBS, Math.max(2, compressor.parallelism));
  try {
    const context = contextOf(request, { publisher, compressor, jobs, signal: options.signal });
    const outcomes = await pushSettled(packages, { ...request, jobs, context, options });
    options.signal?.throwIfAborted();
    const reports = packages.map((planned) => reportOf(planned, outcomes.get(planned.key)));
    const image = await imageOf(request, { reports, inspect: context.inspect, options });
    return {
      mirror: cache.url,
      root: request.store.root,
      packages: reports,
      ...(image && { image }),
      milliseconds: performance.now() - begin,
    };
  } finally {
    await compressor.close();
  }
}

interface PushTask extends PlannedPush {
  readonly dependencies: readonly DagHash[];
}

interface PushRun {
  readonly context: Omit<PushContext, 'isSettledLater'>;
  readonly jobs: number;
  readonly failFast?: boolean | undefined;
  readonly options: OperationOptions;
}

type Outcomes = Map<DagHash, TaskOutcome<PushedReport> | undefined>;

/** Packages that a prune took something from are pushed again, and looked for at once then. */
async function pushSettled(tasks: readonly PushTask[], run: PushRun): Promise<Outcomes> {
  const { jobs, failFast = false, context, options } = run;
  const outcomes: Outcomes = new Map();
  const pushAll = async (pushed: readonly PushTask[], isSettledLater: boolean) => {
    const done = await schedule<DagHash, PushTask, PushedReport>({
      tasks: pushed,
      jobs,
      failFast,
      signal: options.signal,
      run: (planned, turn) => runPush(planned, { context: { ...context, isSettledLater }, turn, options }),
    });
    for (const [i, { key }] of pushed.entries()) outcomes.set(key, done[i]);
  };
  await pushAll(tasks, true);
  const lost = new Set(await context.publisher.settle?.());
  if (lost.size > 0)
    await pushAll(
      tasks.filter(({ key }) => lost.has(key)),
      false,
    );
  return outcomes;
}

interface Resources {
  readonly publisher: Publisher;
  readonly compressor: BlockCompressor;
  readonly jobs: number;
  readonly signal: AbortSignal | undefined;
}

interface Pushed {
  readonly reports: readonly PushedReport[];
  readonly inspect: PushContext['inspect'];
  readonly options: OperationOptions;
}

/** Only if everything that belongs in it is there. */
async function imageOf(
  { specs, imageTag: tag, mirror: { cache } }: PushRequest,
  { reports, inspect, options: { signal } }: Pushed,
): Promise<PublishedImage | undefined> {
  const isWhole = reports.every(({ outcome }) => outcome === 'pushed' || outcome === 'already-there');
  return tag === undefined || !isWhole ? undefined : publishImage({ cache, tag, specs, inspect, signal });
}

/** Each package fills one block while others are compressed: this bounds the memory. */
function contextOf(
  request: PushRequest,
  { publisher, compressor, jobs, signal }: Resources,
): PushRun['context'] {
  const { store, engine, force, sign } = request;
  return {
    publisher,
    force: force ?? false,
    sign,
    // Without a Spack, the store's sbang is assumed.
    spackPrefix: store.spackPrefix ?? store.unpaddedRoot,
    engine: engine.engine,
    compressor,
    inspect: inspectInstalled(store),
    pool: new BlockPool(compressor.parallelism + jobs + 1),
    signal,
  };
}

/** An image names the tarballs of what it needs: these packages come first. */
function afterNeeded(plan: readonly PlannedPush[]) {
  const planned = new Map(plan.map((each) => [each.key, each]));
  return inOrderOfNeed(plan.map(({ spec }) => spec)).flatMap(({ root: { hash } }) => {
    const each = planned.get(hash);
    if (each === undefined) return [];
    const needed = installOrder(each.spec).map((node) => node.hash);
    return [{ ...each, dependencies: needed.filter((key) => key !== hash && planned.has(key)) }];
  });
}

interface Running {
  readonly context: PushContext;
  readonly turn: Turn;
  readonly options: OperationOptions;
}

async function runPush(planned: PlannedPush, { context, turn, options }: Running): Promise<PushedReport> {
  const begin = performance.now();
  const { name, hash } = planned.spec.root;
  const { onProgress } = options;
  onProgress?.({ type: 'package-started', package: name, hash, size: undefined });
  const finished = (outcome: PushOutcome, details?: PushedPackage, error?: unknown) =>
    onProgress?.({
      type: 'package-finished',
      package: name,
      hash,
      outcome,
      bytes: details?.bytes ?? 0,
      files: details?.files ?? 0,
      milliseconds: performance.now() - begin,
      ...(error === undefined ? {} : { error }),
    });
  try {
    const onProgress = progressTeller(planned, options);
    const details = await pushPackage(planned, { ...context, onProgress }, turn);
    const outcome = details === undefined ? 'already-there' : 'pushed';
    finished(outcome, details);
    return { ...identityOf(planned), outcome, ...(details === undefined ? {} : { details }) };
  } catch (error) {
    if (error instanceof BuildcacheError) finished('failed', undefined, error);
    else if (error instanceof NotYourTurn) finished('skipped');
    throw error;
  }
}

function progressTeller({ spec }: PlannedPush, { onProgress }: OperationOptions) {
  let last = performance.now();
  return (bytes: number, files: number): void => {
    if (onProgress === undefined || performance.now() - last < PROGRESS_INTERVAL) return;
    last = performance.now();
    const { name, hash } = spec.root;
    onProgress({ type: 'package-progress', package: name, hash, bytes, size: undefined, files });
  };
}

function identityOf({ spec, prefix }: PlannedPush) {
  const { name, version, hash } = spec.root;
  return { name, version, hash, prefix };
}

function reportOf(planned: PlannedPush, outcome: TaskOutcome<PushedReport> | undefined): PushedReport {
  if (outcome?.status === 'done') return outcome.result;
  if (outcome?.status !== 'failed') return { ...identityOf(planned), outcome: 'skipped' };
  if (!(outcome.error instanceof BuildcacheError)) throw outcome.error;
  return { ...identityOf(planned), outcome: 'failed', error: outcome.error };
}

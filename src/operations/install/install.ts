// Installs specs with what they need: dependencies first, several at a time, each package whole or not at all.
import { BuildcacheError, StoreError, UsageError } from '../../core/errors.js';
import type { OperationOptions } from '../../core/progress.js';
import type { Mirror } from '../../mirror/build-cache.js';
import type { PackageCatalog } from '../../mirror/index/package-catalog.js';
import type { SelectedEngine } from '../../relocation/engines/select.js';
import type { Keyring } from '../../signature/keys/keyring.js';
import { specFromRecords } from '../../spec/json/spec-json.js';
import type { DagHash, Spec, SpecNode } from '../../spec/spec.js';
import { installOrder } from '../../spec/traverse.js';
import { ensureAlias } from '../../store/root/alias-root.js';
import type { Store } from '../../store/store.js';
import { NotYourTurn, schedule, type TaskOutcome, type Turn } from '../schedule.js';
import { CorePool, type CoreThresholds } from '../workers/core-pool.js';
import { InflaterPool } from '../workers/inflater-pool.js';
import { type InstallContext, type InstalledPackage, installPackage } from './install-package.js';

export interface InstallRequest {
  /** The specs that were asked for. */
  readonly specs: readonly Spec[];
  readonly store: Store;
  /** In search order. */
  readonly mirrors: readonly Mirror[];
  /** What the indexes of the mirrors say. */
  readonly catalog: PackageCatalog;
  readonly keyring: Keyring;
  readonly engine: SelectedEngine;
  /** False: install without looking at signatures. */
  readonly checkSignature?: boolean;
  /** Install again what is installed. */
  readonly force?: boolean;
  /** Leave out the specs themselves, or everything but them. */
  readonly only?: 'package' | 'dependencies' | undefined;
  /** Mark nothing as asked for. */
  readonly implicit?: boolean;
  /** Stop at the first failure; nothing that comes after it in order appears. */
  readonly failFast?: boolean;
  /** How many packages are worked on at a time. */
  readonly jobs?: number;
  /** Most workers to start, where the work is worth it; by default one per processor, 0 for none. */
  readonly workers?: number | undefined;
  /** When workers are worth it. */
  readonly thresholds?: CoreThresholds | undefined;
  /** SHA-256 that the tarball of the one spec must have. */
  readonly sha256?: string | undefined;
  /** `streams`: by way of the public streams, for comparison. */
  readonly through?: 'core' | 'streams';
  /** A short symbolic link to the store's root, made if missing: it stands in C strings that have no room for the root. */
  readonly aliasRoot?: string | undefined;
  /** Install packages of other platforms too. */
  readonly anyPlatform?: boolean;
}

export type PackageOutcome = 'installed' | 'already-installed' | 'failed' | 'skipped';

export interface PackageReport {
  readonly name: string;
  readonly version: string;
  readonly hash: DagHash;
  readonly prefix: string;
  readonly explicit: boolean;
  readonly outcome: PackageOutcome;
  readonly error?: BuildcacheError;
  readonly details?: InstalledPackage;
}

export interface InstallReport {
  readonly root: string;
  readonly engine: { readonly name: string; readonly reason: string };
  /** In installation order. */
  readonly packages: readonly PackageReport[];
  readonly milliseconds: number;
}

/** More than processors: most of them wait for a mirror or the database at any time. */
const DEFAULT_JOBS = 8;

/**
 * Installs specs into a store.
 * A package that fails is in the report with its error; what depends on it is skipped, and the rest goes on.
 * @throws UsageError `usage`, `projection`, `not-relocatable-platform`; StoreError for a store that cannot be written,
 * `alias-root-unusable`
 */
export async function install(
  request: InstallRequest,
  options: OperationOptions = {},
): Promise<InstallReport> {
  const begin = performance.now();
  const { store, engine, specs } = request;
  store.beginWith(specs);
  const packages = planPackages(request);
  store.ensureSbang();
  if (request.aliasRoot !== undefined) ensureAlias({ root: store.root, alias: request.aliasRoot });
  const inflaters = new InflaterPool(engine.engine);
  const cores = new CorePool({
    engine: engine.engine,
    inflaters,
    workers: request.workers,
    thresholds: request.thresholds,
  });
  const sizes = sizesOf(request, packages);
  cores.expect([...sizes.values()]);
  const outcomes = await schedule<DagHash, PlannedPackage, PackageReport>({
    tasks: packages,
    jobs: request.jobs ?? DEFAULT_JOBS,
    failFast: request.failFast ?? false,
    signal: options.signal,
    run: (planned, turn) =>
      new PackageRun({ request, options, planned, size: sizes.get(planned.key), inflaters, cores }).run(turn),
  }).finally(() => cores.close());
  options.signal?.throwIfAborted();
  const reports = outcomes.map((outcome, index) => reportOf(packages[index], outcome));
  return {
    root: store.root,
    engine: { name: engine.engine.name, reason: engine.reason },
    packages: reports.flatMap((report) => report ?? []),
    milliseconds: performance.now() - begin,
  };
}

interface PlannedPackage {
  readonly key: DagHash;
  readonly spec: Spec;
  readonly prefix: string;
  readonly explicit: boolean;
  readonly dependencies: readonly DagHash[];
}

/** What has to be looked at, in installation order, each package once. */
function planPackages(request: InstallRequest): PlannedPackage[] {
  const { specs, store, only, sha256 } = request;
  if (sha256 !== undefined && specs.length !== 1) {
    throw new UsageError('usage', `Cannot check one sha256 for ${specs.length} specs`, {
      hint: 'Name exactly one spec with --sha256',
    });
  }
  const roots = new Set(specs.map((spec) => spec.root.hash));
  const planned = new Map<DagHash, PlannedPackage>();
  for (const spec of specs) {
    for (const node of installOrder(spec)) {
      if (node.external !== undefined || planned.has(node.hash)) continue;
      if (only === 'package' && !roots.has(node.hash)) continue;
      if (only === 'dependencies' && roots.has(node.hash)) continue;
      requirePlatform(node, request);
      const explicit = roots.has(node.hash) && !request.implicit;
      const prefix = store.ownPrefixOf(node, spec);
      const dependencies = neededBy(node).filter((hash) => planned.has(hash));
      planned.set(node.hash, {
        key: node.hash,
        spec: specFromRecords(node.hash, (hash) => spec.nodes.get(hash), node.name),
        prefix,
        explicit,
        dependencies,
      });
    }
  }
  return [...planned.values()];
}

function neededBy(node: SpecNode): DagHash[] {
  return node.dependencies
    .filter(({ types }) => types.includes('link') || types.includes('run'))
    .map(({ hash }) => hash);
}

const PLATFORMS: Readonly<Record<string, string>> = {
  linux: 'linux',
  cray: 'linux',
  darwin: 'darwin',
  windows: 'win32',
  freebsd: 'freebsd',
};

function requirePlatform(node: SpecNode, { anyPlatform }: InstallRequest): void {
  const { platform } = node.arch;
  if (anyPlatform || PLATFORMS[platform] === process.platform) return;
  throw new UsageError(
    'not-relocatable-platform',
    `Cannot install "${node.name}/${node.hash.slice(0, 7)}": it is for "${platform}", this is "${process.platform}"`,
    {
      hint: 'Choose a package for this platform, or say "--any-platform" to install it all the same',
      data: { package: node.name, hash: node.hash, platform },
    },
  );
}

/** Compressed bytes of what is not installed yet, as far as the mirrors know without being asked. */
function sizesOf({ store, catalog, mirrors, force }: InstallRequest, packages: readonly PlannedPackage[]) {
  const sizes = new Map<DagHash, number>();
  for (const { key, spec } of packages) {
    if (!force && store.isInstalled(key) !== undefined) continue;
    const [mirror] = catalog.find(key)?.mirrors ?? mirrors;
    const size = mirror?.cache.sizeHint?.(spec);
    if (size !== undefined) sizes.set(key, size);
  }
  return sizes;
}

interface PackageRunOptions {
  readonly request: InstallRequest;
  readonly options: OperationOptions;
  readonly planned: PlannedPackage;
  readonly size: number | undefined;
  readonly inflaters: InflaterPool;
  readonly cores: CorePool;
}

/** One package on its way. */
class PackageRun {
  readonly #request: InstallRequest;
  readonly #options: OperationOptions;
  readonly #planned: PlannedPackage;
  readonly #size: number | undefined;
  readonly #begin = performance.now();

  readonly #inflaters: InflaterPool;
  readonly #cores: CorePool;

  constructor({ request, options, planned, size, inflaters, cores }: PackageRunOptions) {
    this.#size = size;
    this.#request = request;
    this.#options = options;
    this.#planned = planned;
    this.#inflaters = inflaters;
    this.#cores = cores;
  }

  async run(turn: Turn): Promise<PackageReport> {
    try {
      const report = await this.#installOnce(turn).catch((error: unknown) => afterTurn(turn, error));
      this.#finished(report.outcome, report.details);
      return report;
    } catch (error) {
      if (error instanceof BuildcacheError) this.#finished('failed', undefined, error);
      if (error instanceof NotYourTurn) this.#finished('skipped', undefined);
      throw error;
    }
  }

  async #installOnce(turn: Turn): Promise<PackageReport> {
    const { store, force } = this.#request;
    const { signal } = this.#options;
    const { key } = this.#planned;
    if (!force && store.isInstalled(key) !== undefined) return this.#alreadyInstalled(turn);
    return store.withPrefixLock(
      key,
      async () => {
        // Somebody else may have installed it while the lock was theirs.
        if (!force && store.isInstalled(key) !== undefined) return this.#alreadyInstalled(turn);
        const details = await this.#install(turn);
        return this.#report('installed', details);
      },
      { signal },
    );
  }

  async #alreadyInstalled(turn: Turn): Promise<PackageReport> {
    const { store } = this.#request;
    const { key, explicit } = this.#planned;
    await turn.come();
    if (explicit && store.isInstalled(key) === 'here')
      await store.markExplicit(key, { signal: this.#options.signal });
    // It may be in an upstream store.
    const prefix = store.installedPrefix(key) ?? this.#planned.prefix;
    return { ...this.#report('already-installed'), prefix };
  }

  #install(turn: Turn): Promise<InstalledPackage> {
    const { spec, prefix, explicit, key } = this.#planned;
    const { catalog, sha256 } = this.#request;
    const named = catalog.find(key)?.mirrors ?? [];
    const isRoot = this.#request.specs.some(({ root }) => root.hash === key);
    return installPackage(
      { spec, prefix, explicit, named, size: this.#size, turn, sha256: isRoot ? sha256 : undefined },
      this.#context(),
    );
  }

  #context(): InstallContext {
    const {
      store,
      mirrors,
      keyring,
      checkSignature = true,
      force = false,
      through,
      aliasRoot,
    } = this.#request;
    const { engine } = this.#request.engine;
    return {
      store,
      mirrors,
      keyring,
      checkSignature,
      force,
      through,
      aliasRoot,
      engine,
      inflaters: this.#inflaters,
      cores: this.#cores,
      ...this.#options,
    };
  }

  #report(outcome: PackageOutcome, details?: InstalledPackage): PackageReport {
    return { ...identityOf(this.#planned), outcome, ...(details === undefined ? {} : { details }) };
  }

  #finished(outcome: PackageOutcome, details: InstalledPackage | undefined, error?: unknown): void {
    const { onProgress } = this.#options;
    const { name, hash } = this.#planned.spec.root;
    for (const message of details?.warnings ?? [])
      onProgress?.({ type: 'warning', code: 'install', message: `${name}: ${message}` });
    onProgress?.({
      type: 'package-finished',
      package: name,
      hash,
      outcome,
      bytes: details?.bytes ?? 0,
      files: details?.files ?? 0,
      milliseconds: performance.now() - this.#begin,
      ...(error === undefined ? {} : { error }),
    });
  }
}

/** When what a package depends on fails, it is skipped, whatever went wrong with it ahead of its turn. */
async function afterTurn(turn: Turn, error: unknown): Promise<never> {
  await turn.come();
  throw error;
}

function identityOf({ spec, prefix, explicit }: PlannedPackage) {
  const { name, version, hash } = spec.root;
  return { name, version, hash, prefix, explicit };
}

function reportOf(
  planned: PlannedPackage | undefined,
  outcome: TaskOutcome<PackageReport>,
): PackageReport | undefined {
  if (outcome.status === 'done' || planned === undefined)
    return outcome.status === 'done' ? outcome.result : undefined;
  if (outcome.status === 'failed') {
    if (!(outcome.error instanceof BuildcacheError)) throw outcome.error;
    return { ...identityOf(planned), outcome: 'failed', error: outcome.error };
  }
  return { ...identityOf(planned), outcome: 'skipped', error: skipped(planned, outcome.because) };
}

function skipped({ spec }: PlannedPackage, because: unknown): StoreError {
  const reason = because instanceof Error ? because.message : String(because);
  return new StoreError('dependency-failed', `Skipped "${spec.root.name}": ${reason}`, {
    cause: because,
    data: { hash: spec.root.hash },
  });
}

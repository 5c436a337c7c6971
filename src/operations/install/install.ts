// Installs specs with what they need: dependencies first, several at a time, each package whole or not at all.
import type { OperationOptions } from '../../core/progress.js';
import type { DagHash } from '../../spec/spec.js';
import { ensureAlias } from '../../store/root/alias-root.js';
import { schedule } from '../schedule.js';
import { CorePool } from '../workers/core-pool.js';
import { InflaterPool } from '../workers/inflater-pool.js';
import type { ExtractPackage } from './extract-package.js';
import { extractWithCore } from './extract-with-core.js';
import type { InstallRequest } from './install-request.js';
import { type PackageReport, reportOf } from './package-report.js';
import { PackageRun } from './package-run.js';
import { compressedSizes, type PlannedPackage, planPackages } from './planned-package.js';

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
export function install(request: InstallRequest, options: OperationOptions = {}): Promise<InstallReport> {
  return installWith({ request, options, extract: extractWithCore });
}

export interface InstallWithOptions {
  readonly request: InstallRequest;
  readonly options: OperationOptions;
  /** How a package gets from its tarball into its stage. */
  readonly extract: ExtractPackage;
}

/** `install` by a given way of extraction; every way leaves the same bytes. Errors as `install`. */
export async function installWith({ request, options, extract }: InstallWithOptions): Promise<InstallReport> {
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
  const sizes = compressedSizes(request, packages);
  cores.expect([...sizes.values()]);
  const outcomes = await schedule<DagHash, PlannedPackage, PackageReport>({
    tasks: packages,
    jobs: request.jobs ?? DEFAULT_JOBS,
    failFast: request.failFast ?? false,
    signal: options.signal,
    run: (planned, turn) =>
      new PackageRun({
        request,
        options,
        planned,
        size: sizes.get(planned.key),
        inflaters,
        cores,
        extract,
      }).run(turn),
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

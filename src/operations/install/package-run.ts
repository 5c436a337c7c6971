// One package of an installation on its way: already there, or installed under the lock of its prefix, and reported.
import { BuildcacheError } from '../../core/errors.js';
import type { OperationOptions } from '../../core/progress.js';
import type { DagHash } from '../../spec/spec.js';
import { NotYourTurn, type Turn } from '../schedule.js';
import type { CorePool } from '../workers/core-pool.js';
import type { InflaterPool } from '../workers/inflater-pool.js';
import type { ExtractPackage } from './extract-package.js';
import { type InstallContext, type InstalledPackage, installPackage } from './install-package.js';
import type { InstallRequest } from './install-request.js';
import { identityOf, type PackageOutcome, type PackageReport } from './package-report.js';
import type { PlannedPackage } from './planned-package.js';

interface PackageRunOptions {
  readonly request: InstallRequest;
  readonly options: OperationOptions;
  readonly planned: PlannedPackage;
  readonly size: number | undefined;
  readonly inflaters: InflaterPool;
  readonly cores: CorePool;
  readonly extract: ExtractPackage;
}

/** One package on its way. */
export class PackageRun {
  readonly #request: InstallRequest;
  readonly #options: OperationOptions;
  readonly #planned: PlannedPackage;
  readonly #size: number | undefined;
  readonly #begin = performance.now();
  readonly #inflaters: InflaterPool;
  readonly #cores: CorePool;
  readonly #extract: ExtractPackage;

  constructor({ request, options, planned, size, inflaters, cores, extract }: PackageRunOptions) {
    this.#size = size;
    this.#request = request;
    this.#options = options;
    this.#planned = planned;
    this.#inflaters = inflaters;
    this.#cores = cores;
    this.#extract = extract;
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
    const namedFor = (hash: DagHash) => catalog.find(hash)?.mirrors ?? [];
    const isRoot = this.#request.specs.some(({ root }) => root.hash === key);
    return installPackage(
      { spec, prefix, explicit, namedFor, size: this.#size, turn, sha256: isRoot ? sha256 : undefined },
      this.#context(),
    );
  }

  #context(): InstallContext {
    const { store, mirrors, keyring, checkSignature = true, force = false } = this.#request;
    const { aliasRoot, hedge } = this.#request;
    const { engine } = this.#request.engine;
    return {
      store,
      mirrors,
      keyring,
      checkSignature,
      force,
      aliasRoot,
      hedge,
      engine,
      inflaters: this.#inflaters,
      cores: this.#cores,
      extract: this.#extract,
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

// What became of each package of an installation.
import { BuildcacheError, StoreError } from '../../core/errors.js';
import type { DagHash } from '../../spec/spec.js';
import type { TaskOutcome } from '../schedule.js';
import type { InstalledPackage } from './install-package.js';
import type { PlannedPackage } from './planned-package.js';

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

/** The part of a report that is known before the package is looked at. */
export function identityOf({ spec, prefix, explicit }: PlannedPackage) {
  const { name, version, hash } = spec.root;
  return { name, version, hash, prefix, explicit };
}

/**
 * The report of a package after its turn; undefined for one that was never planned.
 * @throws what went wrong, unless it is a BuildcacheError
 */
export function reportOf(
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

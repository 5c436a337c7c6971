// Carries the packages of the layouts 0 to 2 over to layout 3, in place or to another mirror. Signatures are verified before and made
// anew; tarballs stay as they are, unless they are not gzip. What is there already and complete is left alone, so an interrupted run is simply started again.
import { UsageError } from '../../core/errors.js';
import type { OperationOptions } from '../../core/progress.js';
import type { BuildCache } from '../../mirror/build-cache.js';
import type { CacheAudit } from '../../mirror/cache-audit.js';
import { readOnly, requirePublisher } from '../../mirror/require-publisher.js';
import { inParallel } from '../in-parallel.js';
import { cannotList, type KeyIndexReport, publishKeys } from '../keys/publish-keys.js';
import { updateIndex } from '../publish/update-index.js';
import type { WrittenIndex } from '../publish/write-index.js';
import { auditsOf } from './audits.js';
import { leftTarballs } from './left-tarballs.js';
import { migratePackage } from './migrate-package.js';
import type { MigratedPackage, MigrateRequest, Migration } from './migration.js';
import { type OldPackage, oldPackages } from './old-packages.js';
import { type RemovedOld, removeOld } from './remove-old.js';
import { verifyMigrated, verifyNew } from './verify-migrated.js';

export interface MigrateReport {
  readonly source: string;
  readonly destination: string;
  /** By name. */
  readonly packages: readonly MigratedPackage[];
  /** Missing where nothing is there to be indexed. */
  readonly indexes?: readonly WrittenIndex[];
  readonly keys?: KeyIndexReport;
  /** What was removed, with `deleteOld`; missing where something failed. */
  readonly deleted?: RemovedOld;
  readonly milliseconds: number;
}

const DEFAULT_JOBS = 4;

/**
 * Migrates all packages. One that fails is in the report with its error, and the rest goes on.
 * @throws MirrorError `mirror-protocol` for a source that cannot be listed, `mirror-read-only`, and what listing and writing bring.
 */
export async function migrateMirror(
  request: MigrateRequest,
  options: OperationOptions = {},
): Promise<MigrateReport> {
  const begin = performance.now();
  const { source, destination, signer, deleteOld, jobs = DEFAULT_JOBS } = request;
  const { signal } = options;
  const { layer: from, audit } = layerOf(source.cache, '0-2');
  const { layer: to, audit: newAudit } = layerOf(destination.cache, '3');
  if (deleteOld && from.publisher === undefined) throw readOnly(from.url);
  const migration = { ...request, from, to, publisher: requirePublisher(to), options };
  const packages = new Map<OldPackage, MigratedPackage>();
  const work = async (old: OldPackage): Promise<void> => {
    packages.set(old, await migratePackage(old, migration));
  };
  const all = await oldPackages(audit, signal);
  await inParallel({ items: all, jobs, signal, work });
  const target = { ...destination, cache: to };
  const reports = [...packages.values()];
  const isSomethingThere = reports.some(({ outcome }) => outcome !== 'failed');
  const keys =
    signer && isSomethingThere && (await publishKeys({ mirror: target, keys: [signer.publicKey] }, options));
  const hashes = reports.filter(({ outcome }) => outcome !== 'failed').map(({ hash }) => hash);
  const indexes = isSomethingThere ? await updateIndex({ mirror: target, hashes }, options) : undefined;
  const deleted =
    deleteOld && reports.every(({ outcome }) => outcome !== 'failed')
      ? await verifyAndRemove({ all, migration, from: audit, to: newAudit })
      : undefined;
  return {
    source: from.url,
    destination: to.url,
    packages: reports.sort(byName),
    ...(indexes && { indexes }),
    ...(keys && { keys }),
    ...(deleted && { deleted }),
    milliseconds: performance.now() - begin,
  };
}

interface OldRemoval {
  readonly all: readonly OldPackage[];
  readonly migration: Migration;
  readonly from: CacheAudit;
  readonly to: CacheAudit;
}

/** Everything of the new first: the first package that is not as it must be ends it, and nothing is removed. */
async function verifyAndRemove({ all, migration, from, to }: OldRemoval): Promise<RemovedOld> {
  const { jobs = DEFAULT_JOBS, options } = migration;
  const { signal } = options;
  const work = (old: OldPackage) => verifyMigrated(old, migration);
  await inParallel({ items: all, jobs, signal, work });
  const left = await leftTarballs({ packages: all, from, to, signal });
  await inParallel({ items: left, jobs, signal, work: ({ spec }) => verifyNew(spec, migration) });
  return removeOld({ packages: all, left: left.map(({ content }) => content), audit: from, signal });
}

function layerOf(cache: BuildCache, layouts: CacheAudit['layouts']) {
  if (cache.layouts === 'oci') throw isRegistry(cache);
  const found = auditsOf(cache).find(({ audit }) => audit.layouts === layouts);
  if (found === undefined) throw cannotList(cache);
  return found;
}

function isRegistry({ url }: BuildCache): UsageError {
  return new UsageError('usage', `Cannot migrate "${url}": packages of all layouts lie side by side there`, {
    hint: 'Copy it to another mirror: regraft mirror sync',
    data: { mirror: url },
  });
}

function byName(a: MigratedPackage, b: MigratedPackage): number {
  const [left, right] = [`${a.name}\0${a.hash}`, `${b.name}\0${b.hash}`];
  return left < right ? -1 : Number(left > right);
}

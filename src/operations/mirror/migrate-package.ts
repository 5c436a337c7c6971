// Migrates one package: what a trusted key signed is signed anew; until the last step nothing of it is visible.
import { BuildcacheError, SignatureError } from '../../core/errors.js';
import type { Trust } from '../../mirror/build-cache.js';
import type { PackageEntry } from '../../mirror/cache-audit.js';
import type { Spec } from '../../spec/spec.js';
import { withTarball } from '../fetch/with-tarball.js';
import { NO_TRUST, trustKeyring } from '../keys/trust.js';
import { hasWhole, publishAnew } from './anew/publish-anew.js';
import type { MigratedPackage, Migration } from './migration.js';
import { type OldPackage, readOld } from './old-packages.js';

/** Carries a package over, unless it is there. What fails is in the result. */
export async function migratePackage(old: OldPackage, migration: Migration): Promise<MigratedPackage> {
  const begin = performance.now();
  const { onProgress, signal } = migration.options;
  const { hash } = old;
  let name = '';
  let version = '';
  const finish = (result: Omit<MigratedPackage, 'name' | 'version' | 'hash'>): MigratedPackage => {
    const { outcome, bytes, error } = result;
    onProgress?.({
      type: 'package-finished',
      package: name,
      hash,
      outcome: outcome === 'migrated' ? 'pushed' : outcome,
      bytes,
      files: 0,
      milliseconds: performance.now() - begin,
      ...(error === undefined ? {} : { error }),
    });
    return { name, version, hash, ...result };
  };
  const failures: BuildcacheError[] = [];
  for (const entry of old.entries) {
    try {
      const { known: spec } = await readOld(entry, signal);
      ({ name, version } = spec.root);
      onProgress?.({ type: 'package-started', package: name, hash, size: undefined });
      return finish(await migrateEntry(entry, spec, migration));
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof BuildcacheError)) throw error;
      failures.push(error);
    }
  }
  const [error] = failures;
  return finish({ outcome: 'failed', bytes: 0, ...(error && { error }) });
}

type EntryResult = Pick<MigratedPackage, 'outcome' | 'bytes' | 'signed' | 'recompressed'>;

/** First as something that somebody signed; only what nobody did may be carried over unsigned. */
async function migrateEntry(entry: PackageEntry, spec: Spec, migration: Migration): Promise<EntryResult> {
  try {
    const sign = migration.signer?.sign;
    return await carryOver({ entry, spec, migration, trust: trustKeyring(migration.keyring), sign });
  } catch (error) {
    const isUnsigned = error instanceof SignatureError && error.code === 'signature-missing';
    if (isUnsigned && migration.allowUnsigned)
      return carryOver({ entry, spec, migration, trust: NO_TRUST, sign: undefined });
    throw isUnsigned ? withHint(error) : error;
  }
}

interface CarryOver {
  readonly entry: PackageEntry;
  readonly spec: Spec;
  readonly migration: Migration;
  readonly trust: Trust;
  readonly sign: NonNullable<Migration['signer']>['sign'] | undefined;
}

async function carryOver({ entry, spec, migration, trust, sign }: CarryOver): Promise<EntryResult> {
  const { signal } = migration.options;
  const signed = sign !== undefined;
  const description = await migration.from.describe(spec, entry.isSigned ? 'signed' : 'unsigned', {
    trust,
    signal,
  });
  if ('absence' in description) throw description.absence;
  // In layout 0 what is signed is inside: it is opened even where the package seems to be there.
  return withTarball({
    ...migration,
    spec,
    description,
    trust,
    signal,
    use: async (opened) => {
      if (await hasWhole({ cache: migration.to, spec, isSigned: signed, signal }))
        return { outcome: 'already-there', bytes: 0, signed };
      const { bytes, recompressed } = await publishAnew({ ...migration, description: opened, sign, signal });
      return { outcome: 'migrated', bytes, recompressed, signed };
    },
  });
}

function withHint(error: SignatureError): BuildcacheError {
  return error.with({ hint: 'Carry it over unsigned with --unsigned, or push it again with a signature' });
}

// Verifies a package that was migrated, before the old one may go: its signature, its metadata, and every byte of its tarball.
import { SignatureError } from '../../core/errors.js';
import type { PackageDescription, Trust } from '../../mirror/build-cache.js';
import { Keyring } from '../../signature/keys/keyring.js';
import type { Spec } from '../../spec/spec.js';
import { readVerified } from '../../transport/read-verified.js';
import { NO_TRUST, trustKeyring } from '../keys/trust.js';
import type { Migration } from './migration.js';
import { type OldPackage, readOld } from './old-packages.js';

/** @throws whatever is wrong with it */
export async function verifyMigrated({ entries }: OldPackage, migration: Migration): Promise<void> {
  const [entry] = entries;
  if (entry === undefined) return;
  const { known } = await readOld(entry, migration.options.signal);
  await verifyNew(known, migration);
}

/** Errors as `verifyMigrated`. */
export async function verifyNew(spec: Spec, migration: Migration): Promise<void> {
  const { signal } = migration.options;
  const { tarball } = await describeNew(spec, migration);
  await readVerified({ open: () => tarball.open({ signal }), sha256: tarball.sha256, signal });
}

async function describeNew(spec: Spec, migration: Migration): Promise<PackageDescription> {
  const { to, options, allowUnsigned } = migration;
  const { signal } = options;
  const signed = await to.describe(spec, 'signed', { trust: await trustOf(migration), signal });
  if (!('absence' in signed)) return signed;
  const unsigned = await to.describe(spec, 'unsigned', { trust: NO_TRUST, signal });
  if ('absence' in unsigned) throw unsigned.absence;
  if (allowUnsigned) return unsigned;
  throw new SignatureError('signature-missing', `Cannot rely on "${unsigned.location}": it is not signed`, {
    hint: 'Somebody replaced it meanwhile: migrate again',
    data: { location: unsigned.location },
  });
}

/** The key that signed just now is believed as those are that the user trusts. */
async function trustOf({ keyring, signer }: Migration): Promise<Trust> {
  const trusted = trustKeyring(keyring);
  if (signer === undefined) return trusted;
  const { armored, fingerprint } = signer.publicKey;
  const own = trustKeyring(await Keyring.fromBytes(armored, fingerprint));
  return {
    ...trusted,
    open: async (bytes, location) => {
      try {
        return await own.open(bytes, location);
      } catch (error) {
        if (error instanceof SignatureError && error.code === 'signature-unknown-key')
          return trusted.open(bytes, location);
        throw error;
      }
    },
  };
}

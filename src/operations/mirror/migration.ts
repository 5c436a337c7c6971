// What is migrated, how, and what became of each package.
import type { BuildcacheError } from '../../core/errors.js';
import type { OperationOptions } from '../../core/progress.js';
import type { BuildCache, Mirror, Publisher, SignText } from '../../mirror/build-cache.js';
import type { Keyring } from '../../signature/keys/keyring.js';
import type { PublicKeyFile } from '../../signature/keys/public-key.js';
import type { Decoders } from '../../stream/inflate/inflater.js';

export interface MigrateRequest {
  readonly source: Mirror;
  /** Opened for layout 3; may be at the place of the source. */
  readonly destination: Mirror;
  /** Who is believed. */
  readonly keyring: Keyring;
  /** Signs what was verified; without it nothing is signed. */
  readonly signer?: { readonly sign: SignText; readonly publicKey: PublicKeyFile } | undefined;
  /** Carry over packages without a signature, unsigned. */
  readonly allowUnsigned: boolean;
  /** Remove the packages of the older layouts, when everything of the new is verified. */
  readonly deleteOld: boolean;
  /** Decodes packages of layout 0. */
  readonly engine: Decoders;
  readonly temporaryFolder: string;
  /** Packages at a time; 4 by default. */
  readonly jobs?: number | undefined;
}

export interface MigratedPackage {
  /** Empty where the metadata could not be read. */
  readonly name: string;
  readonly version: string;
  readonly hash: string;
  readonly outcome: 'migrated' | 'already-there' | 'failed';
  /** Compressed bytes of the tarball that was carried over. */
  readonly bytes: number;
  readonly signed?: boolean;
  /** Whether it was not gzip, which is all that layout 3 has. */
  readonly recompressed?: boolean;
  readonly error?: BuildcacheError;
}

/** What the migration of all packages shares. */
export interface Migration extends Omit<MigrateRequest, 'source' | 'destination'> {
  readonly from: BuildCache;
  readonly to: BuildCache;
  readonly publisher: Publisher;
  readonly options: OperationOptions;
}

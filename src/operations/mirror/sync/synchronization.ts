// What is copied from one mirror to another, how, and what became of each package.
import type { BuildcacheError } from '../../../core/errors.js';
import type { OperationOptions } from '../../../core/progress.js';
import type { BuildCache, Mirror, Publisher, SignText } from '../../../mirror/build-cache.js';
import type { PackageCatalog } from '../../../mirror/index/package-catalog.js';
import type { Keyring } from '../../../signature/keys/keyring.js';
import type { PublicKeyFile } from '../../../signature/keys/public-key.js';
import type { DagHash } from '../../../spec/spec.js';
import type { Decoders } from '../../../stream/inflate/inflater.js';

export interface Signer {
  readonly sign: SignText;
  readonly publicKey: PublicKeyFile;
}

export interface SyncRequest {
  readonly source: Mirror;
  /** What the source's index says. */
  readonly catalog: PackageCatalog;
  /** As typed: names, hashes, any specs, `x.spec.json`, `spack.lock`; without any, everything is copied. */
  readonly queries: readonly string[];
  /** Reads a named file. */
  readonly readFile: (path: string) => Promise<Uint8Array>;
  /** Also copy the build dependencies that the source has. */
  readonly withBuildDependencies?: boolean | undefined;
  /** Opened without a view. */
  readonly destination: Mirror;
  /** The view of the destination that everything copied is added to. */
  readonly destinationView?: string | undefined;
  /** Opens a view of the destination to write to; whoever gave this closes it. */
  readonly openView: (view: string) => Promise<Mirror>;
  /** Publish in the destination's layout even what could lie beside it as it is. */
  readonly isLayoutForced?: boolean | undefined;
  /** Who is believed. */
  readonly keyring: Keyring;
  /** If false, no signature is required, whatever the mirror's configuration; checksums still are. */
  readonly checkSignature: boolean;
  /** Signs what was verified and gets another layout; asked for once, when there is the first such package. */
  readonly signer?: (() => Promise<Signer>) | undefined;
  /** Publish unsigned what gets another layout and cannot be signed: it was not verified, or there is no signer. */
  readonly allowUnsigned: boolean;
  /** Only tell what would be copied. */
  readonly dryRun?: boolean | undefined;
  /** Decodes packages of layout 0. */
  readonly engine: Decoders;
  readonly temporaryFolder: string;
  /** Packages at a time; 4 by default. */
  readonly jobs?: number | undefined;
}

export type SyncOutcome = 'copied' | 'would-copy' | 'already-there' | 'failed';

export interface SyncedPackage {
  readonly name: string;
  readonly version: string;
  /** Of what was copied: the build spec, if the wanted one is spliced. */
  readonly hash: DagHash;
  readonly outcome: SyncOutcome;
  /** Bytes that were written, or would be. */
  readonly moved: number;
  /** Bytes that were there. */
  readonly there: number;
  /** Published anew in another layout, or in a place of another kind. */
  readonly anew?: {
    readonly isSigned: boolean;
    /** Whether the signature is the one that it had. */
    readonly keepsSignature: boolean;
    readonly recompressed: boolean;
  };
  readonly error?: BuildcacheError;
}

/** What all packages share. */
export interface Synchronization extends SyncRequest {
  /** The build caches at the source, those first whose layout the destination has. */
  readonly sources: readonly Mirror[];
  /** The build cache that is written to. */
  readonly target: BuildCache;
  readonly publisher: Publisher;
  readonly options: OperationOptions;
}

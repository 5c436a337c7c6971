// What the writers of all kinds of build caches have in common.
import type { PrivateKey } from 'openpgp';
import type { DagHash } from '../../src/spec/spec.js';
import type { PackedPackage } from './packed-package.js';

export interface CacheOptions {
  /** `classic` unless given. */
  readonly kind?: CacheKind;
  /** Signs the metadata. */
  readonly key?: PrivateKey;
  /** Of a classic cache, or one in a registry; 1 unless given. */
  readonly layoutVersion?: 1 | 2;
  /** False: there is no index. */
  readonly index?: boolean;
}

/** A package as it is in a cache. */
export interface BuiltPackage {
  readonly name: string;
  readonly version: string;
  readonly hash: DagHash;
  /** Paths below the root of the mirror. */
  readonly specfile: string;
  readonly tarball: string;
  /** SHA-256 of the tarball. */
  readonly digest: string;
  /** Below the root of a store, by the default projection. */
  readonly projected: string;
}

/** What a writer lays down, and where. */
export interface CacheWriting {
  readonly folder: string;
  /** Externals too, which have records in the index and no files. */
  readonly packages: readonly PackedPackage[];
  readonly options: CacheOptions;
}

/** Writes packages, and their index unless that is unwanted; gives back what has files. */
export type CacheWriter = (writing: CacheWriting) => Promise<readonly BuiltPackage[]>;

export type CacheKind = 'classic' | 'manifest' | 'oci';

// What an installation is asked to do.
import type { Mirror } from '../../mirror/build-cache.js';
import type { PackageCatalog } from '../../mirror/index/package-catalog.js';
import type { SelectedEngine } from '../../relocation/engines/select.js';
import type { Keyring } from '../../signature/keys/keyring.js';
import type { Spec } from '../../spec/spec.js';
import type { Store } from '../../store/store.js';
import type { HedgeOptions } from '../fetch/hedged-tarball.js';
import type { CoreThresholds } from '../workers/core-pool.js';

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
  /** A short symbolic link to the store's root, made if missing: it stands in C strings that have no room for the root. */
  readonly aliasRoot?: string | undefined;
  /** Install packages of other platforms too. */
  readonly anyPlatform?: boolean;
  /** When another mirror that has the same tarball takes over. */
  readonly hedge?: HedgeOptions | undefined;
}

// What each way of extraction is given for one package, and what it gives back.
import type { OnProgress } from '../../core/progress.js';
import type { RelocationEngine } from '../../relocation/engine.js';
import type { TarballSource } from '../fetch/tarball-source.js';
import type { CorePool } from '../workers/core-pool.js';
import type { InflaterPool } from '../workers/inflater-pool.js';
import type { CoreJob, CoreResult } from './package-core.js';
import type { Phases } from './phases.js';

export interface PackageExtraction {
  readonly source: TarballSource;
  readonly job: CoreJob;
  /** Compressed bytes, where they are known before. */
  readonly size: number | undefined;
  readonly engine: RelocationEngine;
  readonly inflaters: InflaterPool;
  readonly cores: CorePool;
  /** Goes from `extract` to `relocate`. */
  readonly phases: Phases;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: OnProgress | undefined;
}

export interface ExtractedPackage {
  readonly result: CoreResult;
  readonly compressedBytes: number;
}

/**
 * Extracts a package into its stage and relocates it.
 * @throws BuildcacheError of every family but SignatureError
 */
export type ExtractPackage = (extraction: PackageExtraction) => Promise<ExtractedPackage>;

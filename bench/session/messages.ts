// The messages between a measuring process and a warm process: plain data.
import type { EngineName } from '../../src/relocation/engines/select.js';

interface CacheTask {
  /** Path of the build cache. */
  readonly cache: string;
  readonly queries: readonly string[];
  readonly engine: EngineName;
  readonly root: string;
  /** Where the index is cached. */
  readonly workFolder: string;
}

export interface InstallTask extends CacheTask {
  readonly type: 'install';
  readonly workers: number;
  readonly through: 'core' | 'streams';
}

/** One package through the public streams, in one pass. */
export interface EntriesTask extends CacheTask {
  readonly type: 'entries';
}

/** A tarball unpacked by the engine, without relocation; with or without computing its digest. */
export interface ExtractTask {
  readonly type: 'extract';
  readonly tarball: string;
  readonly engine: EngineName;
  readonly folder: string;
  readonly takesDigest: boolean;
}

/** A tree relocated in place: every file is read. */
export interface RelocateTask {
  readonly type: 'relocate';
  /** Paths here have ASCII characters only. */
  readonly tree: string;
  readonly mapping: readonly (readonly [from: string, to: string])[];
  readonly engine: EngineName;
}

export type SessionTask = InstallTask | EntriesTask | ExtractTask | RelocateTask;

export type SessionAnswer =
  /** Milliseconds. */
  | { readonly type: 'done'; readonly wall: number; readonly cpu: number }
  | { readonly type: 'failed'; readonly message: string };

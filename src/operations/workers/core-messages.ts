// What a core's worker and its owner tell each other: one package at a time, chunks with credits, then one answer per question.
// A large package is split: the owner decompresses what a worker unpacks (piped-tarball.ts).
import type { MessagePort } from 'node:worker_threads';
import type { TransferredError } from '../../core/error-transfer.js';
import type { CoreJob, CoreResult } from '../install/package-core.js';

export type CoreRequest =
  /** Begins a package. With a port, its bytes come decompressed through that, and chunks only for their digest. */
  | { readonly type: 'begin'; readonly job: CoreJob; readonly port?: MessagePort }
  /** Compressed bytes, by their place in the input slots. Answer: `taken`. */
  | { readonly type: 'chunk'; readonly at: number; readonly length: number }
  /** Answer: `ended`. */
  | { readonly type: 'end' }
  /** Answer: `completed`. */
  | { readonly type: 'complete' }
  | { readonly type: 'abandon' };

export type CoreAnswer =
  | { readonly type: 'ready' }
  /** A chunk was worked on; how many members of the archive there are so far. */
  | { readonly type: 'taken'; readonly files: number }
  /** The same for bytes that came decompressed. */
  | { readonly type: 'unpacked'; readonly files: number }
  | {
      readonly type: 'ended';
      readonly failure: TransferredError | undefined;
      /** SHA-256 of all chunks, in hexadecimal. */
      readonly digest: string;
      /** The segment in which the archive ended. */
      readonly segment: number;
    }
  | { readonly type: 'completed'; readonly result: CoreResult }
  | { readonly type: 'failed'; readonly error: TransferredError };

/** What a worker is started with. */
export interface CoreWorkerData {
  readonly engine: 'js' | 'wasm' | 'native';
  readonly modules: ReadonlyMap<string, object> | undefined;
  /** Input slots that both sides see, `CREDITS` of `CHUNK_SIZE`. */
  readonly input: Uint8Array<SharedArrayBuffer>;
}

/** Chunks that may be on their way to a worker, and the most bytes that one has. */
export const CREDITS = 8;
export const CHUNK_SIZE = 256 * 1024;

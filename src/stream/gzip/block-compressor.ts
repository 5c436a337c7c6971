// Compresses independent blocks on several cores (RFC 1951): each result is a run of deflate blocks that ends at a byte, so that
// results in a row are one deflate stream. The bytes depend on the block, the level and zlib, never on who compresses.
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { deflateRaw } from 'node:zlib';
import { deflateOptions } from './deflate-options.js';
import type { DeflateReply, DeflateRequest } from './deflate-worker.js';

export interface CompressedBlock {
  readonly compressed: Uint8Array;
  /** The memory of the block: the caller's again, perhaps under another object. */
  readonly memory: ArrayBuffer;
}

export interface BlockToCompress {
  /** Belongs to the compressor until it gives it back. */
  readonly memory: ArrayBuffer;
  /** How much of it counts. */
  readonly length: number;
  /** Ends the deflate stream. */
  readonly isLast: boolean;
}

export interface BlockCompressor {
  /** How many blocks are compressed at the same time. */
  readonly parallelism: number;
  compress(block: BlockToCompress): Promise<CompressedBlock>;
  /** Ends workers, if there are any; nothing can be compressed afterwards. */
  close(): Promise<void>;
}

export interface BlockCompressorOptions {
  /** zlib's level, 1 to 9; 6 unless given. */
  readonly level?: number | undefined;
  /** How many cores; all unless given. */
  readonly parallelism?: number | undefined;
}

const DEFAULT_LEVEL = 6;

/** Node's thread pool has four threads, whatever the machine has. */
const THREAD_POOL_SIZE = 4;

/** Makes the compressor that suits the number of cores. */
export function createBlockCompressor(options: BlockCompressorOptions = {}): BlockCompressor {
  const parallelism = options.parallelism ?? availableParallelism();
  const level = options.level ?? DEFAULT_LEVEL;
  if (!Number.isInteger(level) || level < 1 || level > 9)
    throw new TypeError(`A level is from 1 to 9: ${level}`);
  return parallelism <= THREAD_POOL_SIZE
    ? new ThreadPoolCompressor(level, parallelism)
    : new WorkerCompressor(level, parallelism);
}

/** Uses the threads that Node has anyway. */
export class ThreadPoolCompressor implements BlockCompressor {
  readonly parallelism: number;
  readonly #level: number;

  constructor(level: number, parallelism: number) {
    this.#level = level;
    this.parallelism = parallelism;
  }

  compress({ memory, length, isLast }: BlockToCompress): Promise<CompressedBlock> {
    const options = deflateOptions({ level: this.#level, length, isLast });
    return new Promise((resolve, reject) => {
      deflateRaw(new Uint8Array(memory, 0, length), options, (error, compressed) => {
        if (error === null) resolve({ compressed, memory });
        else reject(error);
      });
    });
  }

  async close(): Promise<void> {}
}

interface Job {
  readonly block: BlockToCompress;
  readonly resolve: (result: CompressedBlock) => void;
  readonly reject: (reason: unknown) => void;
}

/** Uses worker threads of its own, which are started when there is work for them. */
export class WorkerCompressor implements BlockCompressor {
  readonly parallelism: number;
  readonly #level: number;
  readonly #idle: Worker[] = [];
  readonly #jobs = new Map<Worker, Job | undefined>();
  readonly #waiting: Job[] = [];
  #isClosed = false;

  constructor(level: number, parallelism: number) {
    this.#level = level;
    this.parallelism = parallelism;
  }

  compress(block: BlockToCompress): Promise<CompressedBlock> {
    if (this.#isClosed) return Promise.reject(new TypeError('The compressor is closed'));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ block, resolve, reject });
      this.#assign();
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#jobs.keys()].map((worker) => worker.terminate()));
  }

  #assign(): void {
    for (let job = this.#waiting[0]; job !== undefined; job = this.#waiting[0]) {
      const worker = this.#idle.pop() ?? this.#start();
      if (worker === undefined) return;
      this.#waiting.shift();
      this.#jobs.set(worker, job);
      const { memory, length, isLast } = job.block;
      const request: DeflateRequest = { memory, length, isLast, level: this.#level };
      worker.ref();
      worker.postMessage(request, [memory]);
    }
  }

  #start(): Worker | undefined {
    if (this.#jobs.size >= this.parallelism) return undefined;
    const worker = new Worker(new URL('./deflate-worker.js', import.meta.url));
    this.#jobs.set(worker, undefined);
    worker.on('message', (reply: DeflateReply) => this.#finish(worker, reply));
    worker.on('error', (error) => this.#lose(worker, error));
    worker.on('exit', () => this.#lose(worker, new Error('A compression worker ended')));
    return worker;
  }

  #finish(worker: Worker, { compressed, memory }: DeflateReply): void {
    const job = this.#jobs.get(worker);
    this.#jobs.set(worker, undefined);
    this.#idle.push(worker);
    // An idle worker must not keep the process alive.
    worker.unref();
    job?.resolve({ compressed, memory });
    this.#assign();
  }

  #lose(worker: Worker, error: unknown): void {
    const job = this.#jobs.get(worker);
    this.#jobs.delete(worker);
    const index = this.#idle.indexOf(worker);
    if (index >= 0) this.#idle.splice(index, 1);
    job?.reject(error);
    if (!this.#isClosed) this.#assign();
    else for (const waiting of this.#waiting.splice(0)) waiting.reject(error);
  }
}

// Where cores run: here while there is little to do, in warm workers when there is much. A worker takes a package at a time;
// of a large package that is alone this thread does the first half.
import { availableParallelism } from 'node:os';
import type { RelocationEngine } from '../../relocation/engine.js';
import { type CoreJob, PackageCore } from '../install/package-core.js';
import type { CoreHandle } from './core-handle.js';
import { CoreThread } from './core-thread.js';
import type { InflaterPool } from './inflater-pool.js';
import { PipedOutput } from './piped-decompressor.js';
import { RemoteCore, SplitCore } from './remote-core.js';

/** The compressed bytes of a package. */
export interface OpenTarball {
  readonly body: ReadableStream<Uint8Array>;
  /** How many they are, where that is known before. */
  readonly size: number | undefined;
}

export interface CoreLoan<Result> {
  readonly job: CoreJob;
  /** Compressed bytes, where that is known before the tarball is opened: the largest package that waits comes first. */
  readonly size?: number | undefined;
  readonly open: () => Promise<OpenTarball>;
  readonly use: (core: CoreHandle, tarball: OpenTarball) => Promise<Result>;
}

export interface CorePoolOptions {
  readonly engine: RelocationEngine;
  readonly inflaters: InflaterPool;
  /** Most workers; 0: everything runs here. By default one per processor. */
  readonly workers?: number | undefined;
  readonly thresholds?: CoreThresholds | undefined;
}

/** In compressed bytes. */
export interface CoreThresholds {
  /** Queued work below which no worker is started. */
  readonly start: number;
  /** Size from which on a package is worth two workers. */
  readonly split: number;
}

/** 25 MB are about 100 MB of files. */
const THRESHOLDS: CoreThresholds = { start: 25e6, split: 40e6 };

interface Waiting {
  readonly size: number;
  readonly resolve: (thread: CoreThread) => void;
}

export class CorePool {
  readonly #options: CorePoolOptions;
  readonly #size: number;
  readonly #thresholds: CoreThresholds;
  readonly #idle: CoreThread[] = [];
  readonly #waiting: Waiting[] = [];
  /** Made with the first package that is split; one at a time is. */
  #output: PipedOutput | undefined;
  #busy = 0;
  /** Compressed bytes of the packages that came so far, or are known to come. */
  #seen = 0;

  constructor(options: CorePoolOptions) {
    this.#options = options;
    this.#size = options.workers ?? availableParallelism();
    this.#thresholds = options.thresholds ?? THRESHOLDS;
  }

  /** Tells of packages to come, by their compressed bytes: workers that will be worth it begin to start. */
  expect(sizes: readonly number[]): void {
    this.#seen += sizes.reduce((sum, size) => sum + size, 0);
    if (!this.#isWorthwhile) return;
    const wanted = Math.min(this.#size, sizes.length);
    while (this.#idle.length < wanted) this.#idle.push(this.#start());
  }

  /** Opens a tarball and lends a core to `use`. Where packages go to workers, a tarball is opened once a worker is free for it. */
  async lend<Result>({ job, size, open, use }: CoreLoan<Result>): Promise<Result> {
    const early = this.#isWorthwhile ? undefined : await open();
    if (size === undefined) this.#seen += early?.size ?? 0;
    if (early !== undefined && !this.#isWorthwhile) return this.#lendHere(job, early, use);
    const thread = await this.#take(size ?? 0);
    try {
      const tarball = early ?? (await open());
      const isSplit = (tarball.size ?? 0) >= this.#thresholds.split && this.#isAlone;
      const core = isSplit ? this.#split(thread, job) : new RemoteCore(thread, job);
      return await use(core, tarball).finally(() => core.abandon());
    } finally {
      this.#giveBack(thread);
    }
  }

  /** Ends the workers. */
  async close(): Promise<void> {
    await Promise.all(this.#idle.splice(0).map((thread) => thread.end()));
  }

  get #isWorthwhile(): boolean {
    return this.#size > 0 && this.#seen >= this.#thresholds.start;
  }

  get #isAlone(): boolean {
    return this.#busy === 1 && this.#waiting.length === 0;
  }

  #split(thread: CoreThread, job: CoreJob): CoreHandle {
    this.#output ??= new PipedOutput((output) => this.#options.engine.createInflater(output));
    return new SplitCore(thread, job, this.#output);
  }

  #lendHere<Result>(job: CoreJob, tarball: OpenTarball, use: CoreLoan<Result>['use']): Promise<Result> {
    return this.#options.inflaters.lend(async (inflater) => {
      const core = new PackageCore(job, this.#options.engine, inflater);
      try {
        return await use(core, tarball);
      } finally {
        core.abandon();
      }
    });
  }

  async #take(size: number): Promise<CoreThread> {
    if (this.#busy >= this.#size) return new Promise((resolve) => this.#waiting.push({ size, resolve }));
    this.#busy++;
    return this.#idle.pop() ?? this.#start();
  }

  /** A worker that died is replaced. */
  #giveBack(thread: CoreThread): void {
    const next = this.#nextWaiting();
    if (next !== undefined) return next.resolve(thread.isDead ? this.#start() : thread);
    this.#busy--;
    if (!thread.isDead) this.#idle.push(thread);
  }

  /** The largest; of several the one that came first. */
  #nextWaiting(): Waiting | undefined {
    const largest = this.#waiting.reduce((most, { size }) => Math.max(most, size), 0);
    const index = this.#waiting.findIndex(({ size }) => size === largest);
    return index < 0 ? undefined : this.#waiting.splice(index, 1)[0];
  }

  #start(): CoreThread {
    return new CoreThread(this.#options.engine);
  }
}

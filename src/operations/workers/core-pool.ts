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

export interface CoreRequest {
  readonly job: CoreJob;
  /** Compressed bytes, where that is known before the tarball is opened: the largest package that waits comes first. */
  readonly size?: number | undefined;
  readonly open: () => Promise<OpenTarball>;
}

/** A core for one package, and the package's opened tarball. */
export interface TakenCore {
  readonly core: CoreHandle;
  readonly tarball: OpenTarball;
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
  /** How the place of each taken core is given back. */
  readonly #taken = new Map<CoreHandle, () => void>();
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

  /**
   * Opens a tarball and takes a core for it; `release` the core in any case. Where packages go to workers, a tarball is opened once a
   * worker is free for it. Errors as `open`.
   */
  async take({ job, size, open }: CoreRequest): Promise<TakenCore> {
    const early = this.#isWorthwhile ? undefined : await open();
    if (size === undefined) this.#seen += early?.size ?? 0;
    if (early !== undefined && !this.#isWorthwhile) return { core: this.#coreHere(job), tarball: early };
    const thread = await this.#takeThread(size ?? 0);
    try {
      const tarball = early ?? (await open());
      return { core: this.#coreIn(thread, job, tarball), tarball };
    } catch (error) {
      this.#releaseThread(thread);
      throw error;
    }
  }

  /** Takes a core back; what it has not completed is abandoned. */
  release(core: CoreHandle): void {
    const giveBack = this.#taken.get(core);
    this.#taken.delete(core);
    try {
      core.abandon();
    } finally {
      giveBack?.();
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

  #coreHere(job: CoreJob): CoreHandle {
    const { engine, inflaters } = this.#options;
    const inflater = inflaters.take();
    const core = new PackageCore(job, engine, inflater);
    this.#taken.set(core, () => inflaters.release(inflater));
    return core;
  }

  #coreIn(thread: CoreThread, job: CoreJob, tarball: OpenTarball): CoreHandle {
    const isSplit = (tarball.size ?? 0) >= this.#thresholds.split && this.#isAlone;
    const core = isSplit ? this.#split(thread, job) : new RemoteCore(thread, job);
    this.#taken.set(core, () => this.#releaseThread(thread));
    return core;
  }

  #split(thread: CoreThread, job: CoreJob): CoreHandle {
    this.#output ??= new PipedOutput((output) => this.#options.engine.createInflater(output));
    return new SplitCore(thread, job, this.#output);
  }

  async #takeThread(size: number): Promise<CoreThread> {
    if (this.#busy >= this.#size) return new Promise((resolve) => this.#waiting.push({ size, resolve }));
    this.#busy++;
    return this.#idle.pop() ?? this.#start();
  }

  /** A worker that died is replaced. */
  #releaseThread(thread: CoreThread): void {
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

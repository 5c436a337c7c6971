// Where cores run: here while there is little to do, in warm workers when there is much. A worker takes a package at a time.
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { errorFromData } from '../core/error-transfer.js';
import { RelocationError } from '../core/errors.js';
import type { RelocationEngine } from '../relocation/engine.js';
import { type CoreAnswer, type CoreRequest, type CoreWorkerData, CREDITS } from './core-messages.js';
import type { ExtractingCore } from './extract.js';
import type { InflaterPool } from './inflater-pool.js';
import { type CoreJob, type CoreResult, PackageCore } from './package-core.js';

/** A core, wherever it runs. */
export interface CoreHandle extends ExtractingCore {
  readonly files: number;
  complete(): Promise<CoreResult>;
  abandon(): void;
}

/** The compressed bytes of a package. */
export interface OpenTarball {
  readonly body: ReadableStream<Uint8Array>;
  /** How many they are, where that is known before. */
  readonly size: number | undefined;
}

export interface CoreLoan<Result> {
  readonly job: CoreJob;
  readonly open: () => Promise<OpenTarball>;
  readonly use: (core: CoreHandle, tarball: OpenTarball) => Promise<Result>;
}

export interface CorePoolOptions {
  readonly engine: RelocationEngine;
  readonly inflaters: InflaterPool;
  /** Most workers; 0: everything runs here. By default one per processor. */
  readonly workers?: number | undefined;
}

/** Compressed bytes of queued work below which no worker is started: about 100 MB of files. */
const WORTH_A_WORKER = 25e6;

export class CorePool {
  readonly #options: CorePoolOptions;
  readonly #size: number;
  readonly #idle: CoreThread[] = [];
  readonly #waiting: ((thread: CoreThread) => void)[] = [];
  #threads = 0;
  #seen = 0;

  constructor(options: CorePoolOptions) {
    this.#options = options;
    this.#size = options.workers ?? availableParallelism();
  }

  /**
   * Opens a tarball and lends a core to `use`. Where packages go to workers, a tarball is opened once a worker is free for it.
   */
  async lend<Result>({ job, open, use }: CoreLoan<Result>): Promise<Result> {
    const early = this.#isWorthwhile ? undefined : await open();
    this.#seen += early?.size ?? 0;
    if (early !== undefined && !this.#isWorthwhile) return this.#lendHere(job, early, use);
    const thread = await this.#take();
    const core = new RemoteCore(thread, job);
    try {
      return await use(core, early ?? (await open()));
    } finally {
      core.abandon();
      this.#giveBack(thread);
    }
  }

  get #isWorthwhile(): boolean {
    return this.#size > 0 && this.#seen >= WORTH_A_WORKER;
  }

  /** Ends the workers. */
  async close(): Promise<void> {
    await Promise.all(this.#idle.splice(0).map((thread) => thread.end()));
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

  #take(): Promise<CoreThread> | CoreThread {
    const idle = this.#idle.pop();
    if (idle !== undefined) return idle;
    if (this.#threads < this.#size) {
      this.#threads++;
      return new CoreThread(this.#options.engine.name);
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** A worker that died is replaced. */
  #giveBack(thread: CoreThread): void {
    const usable = thread.isDead ? new CoreThread(this.#options.engine.name) : thread;
    const next = this.#waiting.shift();
    if (next === undefined) this.#idle.push(usable);
    else next(usable);
  }
}

type AnswerType = CoreAnswer['type'];

/** One worker, and the questions to it that are open. */
class CoreThread {
  readonly #worker: Worker;
  readonly #questions: {
    readonly type: AnswerType;
    resolve(answer: CoreAnswer): void;
    reject(error: Error): void;
  }[] = [];
  #death: Error | undefined;
  #failure: Error | undefined;
  onTaken: (files: number) => void = () => {};

  constructor(engine: CoreWorkerData['engine']) {
    const workerData: CoreWorkerData = { engine };
    this.#worker = new Worker(new URL('./core-worker.js', import.meta.url), { workerData });
    this.#worker.unref();
    this.#worker.on('message', (answer: CoreAnswer) => this.#receive(answer));
    this.#worker.on('error', (error) => this.#die(error));
    this.#worker.on('exit', () => this.#die(new Error('it stopped')));
  }

  get isDead(): boolean {
    return this.#death !== undefined;
  }

  tell(request: CoreRequest, transfer: readonly ArrayBuffer[] = []): void {
    if (this.#death !== undefined) throw this.#death;
    this.#worker.postMessage(request, transfer);
  }

  /** Asks, and waits for the answer of this type. */
  async ask(request: CoreRequest, type: AnswerType): Promise<CoreAnswer> {
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure;
    const answer = new Promise<CoreAnswer>((resolve, reject) =>
      this.#questions.push({ type, resolve, reject }),
    );
    this.tell(request);
    this.#worker.ref();
    return answer.finally(() => this.#worker.unref());
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  #receive(answer: CoreAnswer): void {
    if (answer.type === 'taken') this.onTaken(answer.files);
    else if (answer.type === 'failed') this.#fail(errorFromData(answer.error));
    else if (answer.type !== 'ready') this.#questions.shift()?.resolve(answer);
  }

  /** A failure that no question waits for is the answer to the next one. */
  #fail(error: Error): void {
    const question = this.#questions.shift();
    if (question === undefined) this.#failure = error;
    else question.reject(error);
  }

  #die(cause: Error): void {
    this.#death ??= new RelocationError(
      'engine-failed',
      `Cannot go on with the package: its worker failed: ${cause.message}`,
      {
        hint: 'Run the same command again; with --jobs 1 if memory is short',
        cause,
      },
    );
    for (const question of this.#questions.splice(0)) question.reject(this.#death);
    this.onTaken(0);
  }
}

/** A core that runs in a worker. */
class RemoteCore implements CoreHandle {
  readonly #thread: CoreThread;
  #outstanding = 0;
  #resume: () => void = () => {};
  files = 0;

  constructor(thread: CoreThread, job: CoreJob) {
    this.#thread = thread;
    thread.onTaken = (files) => {
      this.files = files;
      this.#outstanding--;
      this.#resume();
    };
    thread.tell({ type: 'begin', job });
  }

  push(chunk: Uint8Array): void | Promise<void> {
    const bytes = ownBytes(chunk);
    this.#thread.tell({ type: 'chunk', bytes }, [bytes.buffer]);
    this.#outstanding++;
    if (this.#outstanding >= CREDITS) return this.#waitForRoom();
  }

  async end(): Promise<unknown> {
    const answer = await this.#thread.ask({ type: 'end' }, 'ended');
    return answer.type === 'ended' && answer.failure !== undefined
      ? errorFromData(answer.failure)
      : undefined;
  }

  async complete(): Promise<CoreResult> {
    const answer = await this.#thread.ask({ type: 'complete' }, 'completed');
    if (answer.type === 'completed') return answer.result;
    throw new TypeError(`Unexpected answer "${answer.type}"`);
  }

  abandon(): void {
    if (!this.#thread.isDead) this.#thread.tell({ type: 'abandon' });
    this.#thread.onTaken = () => {};
  }

  async #waitForRoom(): Promise<void> {
    while (this.#outstanding >= CREDITS && !this.#thread.isDead) {
      await new Promise<void>((resolve) => {
        this.#resume = resolve;
      });
    }
  }
}

/** Bytes whose buffer can be transferred: it must not be shared with anything else. */
function ownBytes(chunk: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer } = chunk;
  const isWhole = chunk.byteLength === buffer.byteLength && !Buffer.isBuffer(chunk);
  return isWhole && buffer instanceof ArrayBuffer ? new Uint8Array(buffer) : new Uint8Array(chunk);
}

// One worker of cores, seen from its owner: requests go out, answers come back in order, and its death answers everything.
import { type MessagePort, Worker } from 'node:worker_threads';
import { errorFromData } from '../../core/error-transfer.js';
import { RelocationError } from '../../core/errors.js';
import type { RelocationEngine } from '../../relocation/engine.js';
import {
  CHUNK_SIZE,
  type CoreAnswer,
  type CoreRequest,
  type CoreWorkerData,
  CREDITS,
} from './core-messages.js';

/** In MiB. What a core allocates is short-lived: more room would only be filled before it is collected. */
const YOUNG_GENERATION = 4;

interface Question {
  resolve(answer: CoreAnswer): void;
  reject(error: Error): void;
}

export class CoreThread {
  /** Memory for chunks on their way; the worker sees it too. */
  readonly input = new Uint8Array(new SharedArrayBuffer(CREDITS * CHUNK_SIZE));
  readonly #worker: Worker;
  readonly #questions: Question[] = [];
  #death: Error | undefined;
  #failure: Error | undefined;
  /** Called when a chunk was worked on. */
  onTaken: (files: number) => void = () => {};
  /** Called when some of the bytes that come decompressed were worked on. */
  onUnpacked: (files: number) => void = () => {};

  constructor({ name: engine, modules }: Pick<RelocationEngine, 'name' | 'modules'>) {
    const workerData: CoreWorkerData = { engine, modules, input: this.input };
    this.#worker = new Worker(new URL('./core-worker.js', import.meta.url), {
      workerData,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION },
    });
    this.#worker.on('message', (answer: CoreAnswer) => this.#receive(answer));
    this.#worker.on('error', (error) => this.#die(error));
    this.#worker.on('exit', () => this.#die(new Error('it stopped')));
  }

  get isDead(): boolean {
    return this.#death !== undefined;
  }

  tell(request: CoreRequest, transfer: readonly (ArrayBuffer | MessagePort)[] = []): void {
    if (this.#death !== undefined) throw this.#death;
    this.#worker.postMessage(request, transfer);
  }

  /** Asks, and waits for the next answer. */
  async ask(request: CoreRequest): Promise<CoreAnswer> {
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure;
    this.tell(request);
    return new Promise<CoreAnswer>((resolve, reject) => this.#questions.push({ resolve, reject }));
  }

  /** Ends the worker, whatever it is doing. */
  async end(): Promise<void> {
    this.#die(new Error('it was ended'));
    await this.#worker.terminate();
  }

  #receive(answer: CoreAnswer): void {
    if (answer.type === 'taken') this.onTaken(answer.files);
    else if (answer.type === 'unpacked') this.onUnpacked(answer.files);
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
      { hint: 'Run the same command again; with --jobs 1 if memory is short', cause },
    );
    for (const question of this.#questions.splice(0)) question.reject(this.#death);
    this.onTaken(0);
    this.onUnpacked(0);
  }
}

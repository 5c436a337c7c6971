// Cores that run in workers: a package in one, or a large one of which a worker does the second half.
import { MessageChannel } from 'node:worker_threads';
import { errorFromData } from '../../core/error-transfer.js';
import type { UnpackedInput } from '../install/extract.js';
import type { CoreJob, CoreResult } from '../install/package-core.js';
import type { CoreHandle } from './core-handle.js';
import { CHUNK_SIZE, type CoreAnswer, CREDITS } from './core-messages.js';
import type { CoreThread } from './core-thread.js';
import { PipedDecompressor, type PipedOutput } from './piped-decompressor.js';

/** Chunks on their way to a worker, as many as there are credits. */
class ChunkFeed {
  readonly #thread: CoreThread;
  readonly #onFiles: (files: number) => void;
  #slot = 0;
  #outstanding = 0;
  #resume: () => void = () => {};

  constructor(thread: CoreThread, onFiles: (files: number) => void) {
    this.#thread = thread;
    this.#onFiles = onFiles;
    thread.onTaken = (files) => {
      this.#onFiles(files);
      this.#outstanding--;
      this.#resume();
    };
  }

  /** True when the worker still has chunks to work on. */
  get isBusy(): boolean {
    return this.#outstanding > 0;
  }

  push(chunk: Uint8Array): void | Promise<void> {
    if (chunk.length > CHUNK_SIZE) return this.#pushPieces(chunk);
    const at = this.#slot * CHUNK_SIZE;
    this.#slot = (this.#slot + 1) % CREDITS;
    this.#thread.input.set(chunk, at);
    this.#thread.tell({ type: 'chunk', at, length: chunk.length });
    this.#outstanding++;
    if (this.#outstanding >= CREDITS) return this.#waitForRoom();
  }

  async #pushPieces(chunk: Uint8Array): Promise<void> {
    for (let offset = 0; offset < chunk.length; offset += CHUNK_SIZE)
      await this.push(chunk.subarray(offset, offset + CHUNK_SIZE));
  }

  async #waitForRoom(): Promise<void> {
    while (this.#outstanding >= CREDITS && !this.#thread.isDead) {
      await new Promise<void>((resolve) => {
        this.#resume = resolve;
      });
    }
  }
}

/** A package in one worker. */
export class RemoteCore implements CoreHandle {
  readonly #thread: CoreThread;
  readonly #feed: ChunkFeed;
  readonly takesDigest = true;
  files = 0;

  constructor(thread: CoreThread, job: CoreJob) {
    this.#thread = thread;
    this.#feed = new ChunkFeed(thread, (files) => {
      this.files = files;
    });
    thread.tell({ type: 'begin', job });
  }

  push(chunk: Uint8Array): void | Promise<void> {
    return this.#feed.push(chunk);
  }

  async end(): Promise<UnpackedInput> {
    return unpackedInput(await this.#thread.ask({ type: 'end' }));
  }

  complete(): Promise<CoreResult> {
    return completeIn(this.#thread);
  }

  abandon(): void {
    release(this.#thread, { isBusy: this.#feed.isBusy });
  }
}

/**
 * A large package: this thread decompresses, a worker unpacks, relocates and finishes. The worker also takes the digest: with it,
 * both have about as much to do (1.53 s against 1.65 for 634 MB).
 */
export class SplitCore implements CoreHandle {
  readonly #thread: CoreThread;
  readonly #decompressor: PipedDecompressor;
  readonly #feed: ChunkFeed;
  readonly takesDigest = true;
  #resume: () => void = () => {};
  #isEnded = false;
  files = 0;

  constructor(thread: CoreThread, job: CoreJob, output: PipedOutput) {
    const { port1, port2 } = new MessageChannel();
    this.#thread = thread;
    this.#decompressor = new PipedDecompressor(port2, output);
    this.#feed = new ChunkFeed(thread, () => {});
    thread.onUnpacked = (files) => {
      this.files = files;
      this.#resume();
    };
    thread.tell({ type: 'begin', job, port: port1 }, [port1]);
  }

  push(chunk: Uint8Array): void | Promise<void> {
    const fed = this.#feed.push(chunk);
    this.#decompressor.push(chunk);
    if (fed !== undefined || !this.#decompressor.hasRoom) return this.#waitForRoom(fed);
  }

  /** What is wrong with a segment behind the one in which the archive ended does not count. */
  async end(): Promise<UnpackedInput> {
    const failure = this.#decompressor.end();
    const answer = await this.#thread.ask({ type: 'end' });
    this.#isEnded = true;
    const counts = answer.type === 'ended' && this.#decompressor.segment <= answer.segment;
    const unpacked = unpackedInput(answer);
    return { ...unpacked, failure: (counts ? failure : undefined) ?? unpacked.failure };
  }

  complete(): Promise<CoreResult> {
    return completeIn(this.#thread);
  }

  abandon(): void {
    this.#decompressor.close();
    release(this.#thread, { isBusy: !this.#isEnded });
  }

  async #waitForRoom(fed: void | Promise<void>): Promise<void> {
    await fed;
    while (!this.#decompressor.hasRoom && !this.#thread.isDead) {
      await new Promise<void>((resolve) => {
        this.#resume = resolve;
      });
    }
  }
}

function unpackedInput(answer: CoreAnswer): UnpackedInput {
  if (answer.type !== 'ended') throw new TypeError(`Unexpected answer "${answer.type}"`);
  const { failure, digest } = answer;
  return { failure: failure === undefined ? undefined : errorFromData(failure), digest };
}

async function completeIn(thread: CoreThread): Promise<CoreResult> {
  const answer = await thread.ask({ type: 'complete' });
  if (answer.type === 'completed') return answer.result;
  throw new TypeError(`Unexpected answer "${answer.type}"`);
}

/** A worker that is in the middle of something is not used again. */
function release(thread: CoreThread, { isBusy }: { readonly isBusy: boolean }): void {
  thread.onTaken = () => {};
  thread.onUnpacked = () => {};
  if (thread.isDead) return;
  if (isBusy) void thread.end();
  else thread.tell({ type: 'abandon' });
}

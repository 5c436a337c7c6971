// Cores that run in workers: a package in one, or a large one split over two threads.
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { errorFromData } from '../core/error-transfer.js';
import { CHUNK_SIZE, type CoreAnswer, CREDITS } from './core-messages.js';
import type { CoreHandle } from './core-pool.js';
import type { CoreThread } from './core-thread.js';
import type { CoreJob, CoreResult, PackageCore } from './package-core.js';
import { PipedUnpacker, type UnpackedHalf } from './piped-tarball.js';

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

  async end(): Promise<unknown> {
    return failureOf(await this.#thread.ask({ type: 'end' }));
  }

  complete(): Promise<CoreResult> {
    return completeIn(this.#thread);
  }

  abandon(): void {
    release(this.#thread, this.#feed.isBusy);
  }
}

/** What unpacks, relocates and finishes a package whose bytes come decompressed through a port. */
interface UnpackingHalf {
  readonly files: number;
  end(): Promise<UnpackedHalf>;
  complete(): Promise<CoreResult>;
  /** `isEnded`: nothing is under way any more. */
  abandon(isEnded: boolean): void;
}

class RemoteHalf implements UnpackingHalf {
  readonly #thread: CoreThread;
  files = 0;

  constructor(thread: CoreThread, job: CoreJob, port: MessagePort) {
    this.#thread = thread;
    thread.onTaken = (files) => {
      this.files = files;
    };
    thread.tell({ type: 'begin', job, port }, [port]);
  }

  async end(): Promise<UnpackedHalf> {
    const answer = await this.#thread.ask({ type: 'end' });
    return { failure: failureOf(answer), member: answer.type === 'ended' ? answer.member : 0 };
  }

  complete(): Promise<CoreResult> {
    return completeIn(this.#thread);
  }

  abandon(isEnded: boolean): void {
    release(this.#thread, !isEnded);
  }
}

class LocalHalf implements UnpackingHalf {
  readonly #core: PackageCore;
  readonly #unpacker: PipedUnpacker;

  constructor(core: PackageCore, port: MessagePort) {
    this.#core = core;
    this.#unpacker = new PipedUnpacker(core, port, () => {});
  }

  get files(): number {
    return this.#core.files;
  }

  end(): Promise<UnpackedHalf> {
    return this.#unpacker.end();
  }

  complete(): Promise<CoreResult> {
    return this.#core.complete();
  }

  abandon(): void {
    this.#unpacker.close();
  }
}

/** A large package: a worker decompresses, another one or this thread unpacks, relocates and finishes. */
export class SplitCore implements CoreHandle {
  readonly #decompressing: CoreThread;
  readonly #unpacking: UnpackingHalf;
  readonly #feed: ChunkFeed;
  #isEnded = false;

  private constructor(decompressing: CoreThread, makeHalf: (port: MessagePort) => UnpackingHalf) {
    const { port1, port2 } = new MessageChannel();
    this.#decompressing = decompressing;
    this.#unpacking = makeHalf(port1);
    this.#feed = new ChunkFeed(decompressing, () => {});
    decompressing.tell({ type: 'decompress', port: port2 }, [port2]);
  }

  static overTwo(decompressing: CoreThread, unpacking: CoreThread, job: CoreJob): SplitCore {
    return new SplitCore(decompressing, (port) => new RemoteHalf(unpacking, job, port));
  }

  static withOwner(decompressing: CoreThread, core: PackageCore): SplitCore {
    return new SplitCore(decompressing, (port) => new LocalHalf(core, port));
  }

  get files(): number {
    return this.#unpacking.files;
  }

  push(chunk: Uint8Array): void | Promise<void> {
    return this.#feed.push(chunk);
  }

  /** What is wrong with a gzip member behind the one in which the archive ended does not count. */
  async end(): Promise<unknown> {
    const source = await this.#decompressing.ask({ type: 'end' });
    const sink = await this.#unpacking.end();
    this.#isEnded = true;
    const counts = source.type === 'ended' && source.member <= sink.member;
    return (counts ? failureOf(source) : undefined) ?? sink.failure;
  }

  complete(): Promise<CoreResult> {
    return this.#unpacking.complete();
  }

  abandon(): void {
    release(this.#decompressing, !this.#isEnded);
    this.#unpacking.abandon(this.#isEnded);
  }
}

function failureOf(answer: CoreAnswer): unknown {
  return answer.type === 'ended' && answer.failure !== undefined ? errorFromData(answer.failure) : undefined;
}

async function completeIn(thread: CoreThread): Promise<CoreResult> {
  const answer = await thread.ask({ type: 'complete' });
  if (answer.type === 'completed') return answer.result;
  throw new TypeError(`Unexpected answer "${answer.type}"`);
}

/** A worker that is in the middle of something is not used again. */
function release(thread: CoreThread, isBusy: boolean): void {
  thread.onTaken = () => {};
  if (thread.isDead) return;
  if (isBusy) void thread.end();
  else thread.tell({ type: 'abandon' });
}

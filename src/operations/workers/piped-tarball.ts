// What leads from the half of a split package that decompresses to the one that unpacks: bytes lie in shared memory, messages say where,
// and a counter says how many of them were taken. The unpacking half also takes the checksum, so that both have about as much to do.
import type { MessagePort } from 'node:worker_threads';
import { crc32 } from 'node:zlib';
import { checkTrailer } from '../../stream/gzip/gunzip.js';
import type { MemoryPlace } from '../../stream/inflate/inflater.js';
import type { SegmentTrailer } from '../../stream/push-decoder.js';
import type { PackageCore } from '../install/package-core.js';

/** From the decompressing half to the unpacking one; `segment` is how many segments are complete before. */
export type PipedMessage =
  /** Comes first. */
  | {
      readonly type: 'memory';
      /** A memory of WASM, whose buffer is another object after it has grown, or as good as one. */
      readonly memory: { readonly buffer: SharedArrayBuffer };
      /** Where a kernel of this side may live in that memory. */
      readonly place: MemoryPlace | undefined;
      readonly taken: Int32Array;
    }
  | { readonly type: 'end' }
  | PipedStep;

/** What is worked on in order. */
type PipedStep =
  /** Bytes; once they are taken, `taken` is counted up. */
  | { readonly type: 'slot'; readonly at: number; readonly length: number; readonly segment: number }
  /** What the segment that ends here must have, from a decoder that did not check it. */
  | { readonly type: 'trailer'; readonly trailer: SegmentTrailer; readonly segment: number };

/** How the unpacking half ended. */
export interface UnpackedHalf {
  readonly failure: unknown;
  /** The segment in which the archive ended; what is wrong with later ones does not count. */
  readonly segment: number;
}

/** The unpacking half. */
export class PipedUnpacker {
  readonly #core: PackageCore;
  readonly #port: MessagePort;
  readonly #onTaken: (files: number) => void;
  readonly #isDone: Promise<void>;
  readonly #steps: PipedStep[] = [];
  #isComplete: () => void = () => {};
  #isAtWork = false;
  #hasAll = false;
  #memory: { readonly buffer: ArrayBufferLike } = new Uint8Array(0);
  #taken: Int32Array = new Int32Array(1);
  #endedIn = Number.POSITIVE_INFINITY;
  #crc = 0;
  #length = 0;

  constructor(core: PackageCore, port: MessagePort, onTaken: (files: number) => void) {
    this.#core = core;
    this.#port = port;
    this.#onTaken = onTaken;
    this.#isDone = new Promise((resolve) => {
      this.#isComplete = resolve;
    });
    port.on('message', (message: PipedMessage) => this.#receive(message));
  }

  /** Resolves when all bytes came. */
  async end(): Promise<UnpackedHalf> {
    await this.#isDone;
    return { ...this.#core.end(), segment: this.#endedIn };
  }

  close(): void {
    this.#port.close();
    this.#core.abandon();
  }

  #receive(message: PipedMessage): void {
    if (message.type === 'memory') {
      this.#memory = message.memory;
      this.#taken = message.taken;
      if (message.place !== undefined) this.#core.scanIn(message.place);
    } else if (message.type === 'end') this.#hasAll = true;
    else this.#steps.push(message);
    if (!this.#isAtWork) this.#work();
  }

  /** One step in a turn of the event loop: the thread that unpacks may also be the one that feeds the other half. */
  #work(): void {
    const step = this.#steps.shift();
    if (step?.type === 'slot') this.#take(step);
    else if (step?.type === 'trailer') this.#check(step);
    else if (this.#hasAll) this.#isComplete();
    this.#isAtWork = step !== undefined;
    if (this.#isAtWork) setImmediate(() => this.#work());
  }

  #take({ at, length, segment }: Extract<PipedStep, { type: 'slot' }>): void {
    const bytes = new Uint8Array(this.#memory.buffer, at, length);
    if (segment <= this.#endedIn) {
      this.#crc = crc32(bytes, this.#crc);
      this.#length = (this.#length + length) % 2 ** 32;
    }
    this.#core.unpack(bytes);
    Atomics.add(this.#taken, 0, 1);
    Atomics.notify(this.#taken, 0);
    if (this.#core.hasEnded) this.#endedIn = Math.min(this.#endedIn, segment);
    this.#onTaken(this.#core.files);
  }

  #check({ trailer, segment }: Extract<PipedStep, { type: 'trailer' }>): void {
    if (segment <= this.#endedIn) {
      const actual = { crc: this.#crc, length: this.#length };
      this.#core.attempt(() => checkTrailer(trailer, actual));
    }
    this.#crc = 0;
    this.#length = 0;
  }
}

// What leads from the half of a split package that decompresses to the one that unpacks: bytes lie in a ring of shared memory, messages
// say which slot has how many, and a counter in the memory says how many slots may be used again.
import type { MessagePort } from 'node:worker_threads';
import type { PackageCore } from './package-core.js';

/** Fits what a decoder gives at a time. */
export const SLOT_SIZE = 512 * 1024;
/** What the other half may be behind: enough that neither waits for the other's next turn, little enough for the cache. */
export const SLOTS = 8;

export interface PipedRing {
  /** `SLOTS` slots. */
  readonly bytes: Uint8Array<SharedArrayBuffer>;
  /** One number: slots that were taken, ever. Who takes one notifies; who waits for one can block on it. */
  readonly taken: Int32Array<SharedArrayBuffer>;
}

/** From the decompressing half to the unpacking one. */
export type PipedMessage =
  /** Comes first. */
  | { readonly type: 'ring'; readonly ring: PipedRing }
  /** The next slot is full. `member`: complete gzip members before its bytes. */
  | SlotMessage
  | { readonly type: 'end' };

export interface SlotMessage {
  readonly type: 'slot';
  readonly length: number;
  readonly member: number;
}

/** How the unpacking half ended. */
export interface UnpackedHalf {
  readonly failure: unknown;
  /** The gzip member in which the archive ended; what is wrong with later ones does not count. */
  readonly member: number;
}

/** The unpacking half. */
export class PipedUnpacker {
  readonly #core: PackageCore;
  readonly #port: MessagePort;
  readonly #onTaken: (files: number) => void;
  readonly #isDone: Promise<void>;
  readonly #full: SlotMessage[] = [];
  #isComplete: () => void = () => {};
  #isAtWork = false;
  #hasAll = false;
  #ring: PipedRing | undefined;
  #slot = 0;
  #endedIn = Number.POSITIVE_INFINITY;

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
    return { failure: this.#core.end(), member: this.#endedIn };
  }

  close(): void {
    this.#port.close();
    this.#core.abandon();
  }

  #receive(message: PipedMessage): void {
    if (message.type === 'ring') this.#ring = message.ring;
    else if (message.type === 'end') this.#hasAll = true;
    else this.#full.push(message);
    if (!this.#isAtWork) this.#work();
  }

  /** One slot in a turn of the event loop: the thread that unpacks may also be the one that feeds the other half. */
  #work(): void {
    const slot = this.#full.shift();
    if (slot !== undefined) this.#take(slot);
    else if (this.#hasAll) this.#isComplete();
    this.#isAtWork = slot !== undefined;
    if (this.#isAtWork) setImmediate(() => this.#work());
  }

  #take({ length, member }: SlotMessage): void {
    if (this.#ring === undefined) return;
    const { bytes, taken } = this.#ring;
    const at = this.#slot * SLOT_SIZE;
    this.#slot = (this.#slot + 1) % SLOTS;
    this.#core.unpack(bytes.subarray(at, at + length));
    Atomics.add(taken, 0, 1);
    Atomics.notify(taken, 0);
    if (this.#core.hasEnded) this.#endedIn = Math.min(this.#endedIn, member);
    this.#onTaken(this.#core.files);
  }
}

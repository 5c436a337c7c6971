// The first half of a split package: decompresses into the ring from which another thread unpacks. It blocks while the ring is full.
import type { MessagePort } from 'node:worker_threads';
import { Decompressor } from '../stream/decompress.js';
import type { Inflater } from '../stream/inflater.js';
import { type PipedMessage, type PipedRing, SLOT_SIZE, SLOTS } from './piped-tarball.js';

export class PipedDecompressor {
  readonly #port: MessagePort;
  readonly #decompressor: Decompressor;
  readonly #ring: PipedRing = {
    bytes: new Uint8Array(new SharedArrayBuffer(SLOTS * SLOT_SIZE)),
    taken: new Int32Array(new SharedArrayBuffer(4)),
  };
  /** Slots that were filled, ever. */
  #filled = 0;
  #failure: unknown;

  constructor(port: MessagePort, inflater: Inflater) {
    this.#port = port;
    this.#decompressor = new Decompressor({ inflater, onOutput: (bytes) => this.#send(bytes) });
    this.#post({ type: 'ring', ring: this.#ring });
  }

  /** Complete gzip members so far. */
  get member(): number {
    return this.#decompressor.memberCount;
  }

  /** Decodes a chunk. After a failure it only swallows. */
  push(chunk: Uint8Array): void {
    if (this.#failure === undefined) this.#attempt(() => this.#decompressor.push(chunk));
  }

  /** Ends the input; answers why it could not be decoded, if it could not. */
  end(): unknown {
    this.#attempt(() => this.#decompressor.finish());
    this.#post({ type: 'end' });
    return this.#failure;
  }

  close(): void {
    this.#port.close();
  }

  #attempt(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#failure ??= error;
    }
  }

  #send(output: Uint8Array): void {
    for (let offset = 0; offset < output.length; offset += SLOT_SIZE) {
      const part = output.subarray(offset, offset + SLOT_SIZE);
      this.#ring.bytes.set(part, this.#freeSlot() * SLOT_SIZE);
      this.#filled++;
      this.#post({ type: 'slot', length: part.length, member: this.member });
    }
  }

  #freeSlot(): number {
    const { taken } = this.#ring;
    for (let count = Atomics.load(taken, 0); ((this.#filled - count) | 0) >= SLOTS; ) {
      Atomics.wait(taken, 0, count);
      count = Atomics.load(taken, 0);
    }
    return this.#filled % SLOTS;
  }

  #post(message: PipedMessage): void {
    this.#port.postMessage(message);
  }
}

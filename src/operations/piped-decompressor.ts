// The first half of a split package: decompresses, and hands the bytes to another worker in buffers that come back.
import type { MessagePort } from 'node:worker_threads';
import { Decompressor } from '../stream/decompress.js';
import type { Inflater } from '../stream/inflater.js';
import type { PipedMessage } from './core-messages.js';

/** Fits what a decoder gives at a time. */
const BUFFER_SIZE = 512 * 1024;
/** Buffers on their way: what the other worker may be behind. */
const BUFFERS = 8;
/** Input decoded between two looks at how far the other worker is. */
const PIECE_SIZE = 32 * 1024;

export class PipedDecompressor {
  readonly #port: MessagePort;
  readonly #decompressor: Decompressor;
  readonly #free: ArrayBuffer[] = [];
  #away = 0;
  #failure: unknown;
  #resume: () => void = () => {};

  constructor(port: MessagePort, inflater: Inflater) {
    this.#port = port;
    this.#decompressor = new Decompressor({ inflater, onOutput: (bytes) => this.#send(bytes) });
    port.on('message', (buffer: ArrayBuffer) => {
      this.#free.push(buffer);
      this.#away--;
      this.#resume();
    });
  }

  /** Complete gzip members so far. */
  get member(): number {
    return this.#decompressor.memberCount;
  }

  /** Decodes a chunk; resolves when there is room for another. After a failure it only swallows. */
  async push(chunk: Uint8Array): Promise<void> {
    for (let offset = 0; offset < chunk.length && this.#failure === undefined; offset += PIECE_SIZE) {
      this.#attempt(() => this.#decompressor.push(chunk.subarray(offset, offset + PIECE_SIZE)));
      while (this.#away >= BUFFERS) {
        await new Promise<void>((resolve) => {
          this.#resume = resolve;
        });
      }
    }
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

  #send(bytes: Uint8Array): void {
    for (let offset = 0; offset < bytes.length; offset += BUFFER_SIZE) {
      const part = bytes.subarray(offset, offset + BUFFER_SIZE);
      const buffer = this.#free.pop() ?? new ArrayBuffer(BUFFER_SIZE);
      new Uint8Array(buffer).set(part);
      this.#away++;
      this.#post({ type: 'data', buffer, length: part.length, member: this.member }, [buffer]);
    }
  }

  #post(message: PipedMessage, transfer: readonly ArrayBuffer[] = []): void {
    this.#port.postMessage(message, transfer);
  }
}

// Data that is not compressed, in the list of codecs.
import type { Codec } from './codec-entry.js';
import type { DecoderOptions, PushDecoder } from './push-decoder.js';

/** Passes data on as it is. */
export class PlainDecoder implements PushDecoder {
  readonly #onOutput: (bytes: Uint8Array) => void;
  readonly segmentCount = 0;
  #isStopped = false;
  #ignoredBytes = 0;

  constructor({ onOutput }: Pick<DecoderOptions, 'onOutput'>) {
    this.#onOutput = onOutput;
  }

  get ignoredBytes(): number {
    return this.#ignoredBytes;
  }

  push(chunk: Uint8Array): void {
    if (this.#isStopped) this.#ignoredBytes += chunk.length;
    else if (chunk.length > 0) this.#onOutput(chunk);
  }

  stop(): void {
    this.#isStopped = true;
  }

  finish(): void {}
}

/** Data that is not compressed, or not by anything known. */
export const PLAIN = {
  name: 'none',
  detectionSize: 0,
  detects: () => true,
  usesInflater: false,
  makeDecoder: (options) => new PlainDecoder(options),
} as const satisfies Codec;

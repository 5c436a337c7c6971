// Collects bytes into chunks of one size: every stage runs faster on a few large chunks than on many small ones.
import { EMPTY_BYTES } from '../core/bytes.js';

/** Copies bytes into new chunks of exactly `size` bytes; `flush` emits the rest. */
export class ChunkBuffer {
  readonly #size: number;
  readonly #onChunk: (chunk: Uint8Array) => void;
  #chunk: Uint8Array = EMPTY_BYTES;
  #length = 0;

  constructor(size: number, onChunk: (chunk: Uint8Array) => void) {
    if (!Number.isSafeInteger(size) || size <= 0)
      throw new TypeError(`A chunk size must be positive: ${size}`);
    this.#size = size;
    this.#onChunk = onChunk;
  }

  add(bytes: Uint8Array): void {
    for (let offset = 0; offset < bytes.length; ) {
      if (this.#length === 0) this.#chunk = new Uint8Array(this.#size);
      const piece = bytes.subarray(offset, offset + this.#size - this.#length);
      this.#chunk.set(piece, this.#length);
      this.#length += piece.length;
      offset += piece.length;
      if (this.#length === this.#size) this.flush();
    }
  }

  /** Emits the remaining bytes, if any. */
  flush(): void {
    if (this.#length === 0) return;
    // A rest that uses little of its memory is copied, so that a reader can keep it cheaply.
    const isSmall = this.#length < this.#size / 2;
    const chunk = this.#chunk.subarray(0, this.#length);
    this.#chunk = EMPTY_BYTES;
    this.#length = 0;
    this.#onChunk(isSmall ? chunk.slice() : chunk);
  }
}

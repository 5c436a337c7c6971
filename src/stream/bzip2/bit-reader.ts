// Reads bits, the highest of a byte first, from pieces that may end anywhere (the order of the bzip2 format).
import { EMPTY_BYTES } from '../../core/bytes.js';

export class BitReader {
  #input: Uint8Array = EMPTY_BYTES;
  #position = 0;
  /** The lowest `#bits` bits are taken from the input and not used yet. */
  #hold = 0;
  #bits = 0;

  /** Offers input; what was offered before must be used up. */
  push(input: Uint8Array): void {
    this.#input = input;
    this.#position = 0;
  }

  /** Bytes not touched yet. */
  get unusedBytes(): number {
    return this.#input.length - this.#position;
  }

  /** Makes at least `count` (<= 24) bits available; false when more input is needed for that. */
  need(count: number): boolean {
    while (this.#bits < count) {
      if (this.#position === this.#input.length) return false;
      this.#hold = (this.#hold << 8) | (this.#input[this.#position++] as number);
      this.#bits += 8;
    }
    return true;
  }

  /** The next `count` bits, which must be available, without using them. */
  peek(count: number): number {
    return (this.#hold >>> (this.#bits - count)) & ((1 << count) - 1);
  }

  /** Uses bits that were peeked at. */
  drop(count: number): void {
    this.#bits -= count;
  }

  take(count: number): number {
    const value = this.peek(count);
    this.#bits -= count;
    return value;
  }

  /** Goes to the next whole byte. */
  align(): void {
    this.#bits -= this.#bits & 7;
  }
}

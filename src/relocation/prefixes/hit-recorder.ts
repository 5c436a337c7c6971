// Remembers, while a file's bytes stream by, where the common root of the old prefixes begins: only there relocation can have work.
import type { PrefixScanner, RelocationKernels } from '../engine.js';

/** More hits than these are not remembered: a file that is full of them is read again anyway. */
const MOST_HITS = 65_536;

/** Records the hits of one file at a time. */
export class HitRecorder {
  readonly root: Uint8Array;
  readonly #scanner: PrefixScanner;
  /** The last bytes before the next chunk, where a hit may begin. */
  readonly #seam: Uint8Array;
  #seamLength = 0;
  #offset = 0;
  #hits: number[] = [];

  /** @param root what every prefix begins with, as a guess: who uses the hits must check it */
  constructor(engine: RelocationKernels, root: Uint8Array) {
    this.root = root;
    this.#scanner = engine.createScanner([root]);
    this.#seam = new Uint8Array(2 * root.length);
  }

  /** Begins another file. */
  begin(): void {
    this.#seamLength = 0;
    this.#offset = 0;
    this.#hits = [];
  }

  /** Takes the next bytes of the file. */
  scan(bytes: Uint8Array): void {
    const overlap = this.root.length - 1;
    if (this.#seamLength > 0) this.#scanSeam(bytes.subarray(0, overlap));
    this.#record(bytes, this.#offset);
    this.#offset += bytes.length;
    this.#keepTail(bytes, overlap);
  }

  /** The offsets, ascending; undefined when there were too many. */
  end(): readonly number[] | undefined {
    return this.#hits.length > MOST_HITS ? undefined : this.#hits;
  }

  #scanSeam(first: Uint8Array): void {
    const length = this.#seamLength + first.length;
    this.#seam.set(first, this.#seamLength);
    this.#record(this.#seam.subarray(0, length), this.#offset - this.#seamLength);
  }

  #record(bytes: Uint8Array, at: number): void {
    const found = this.#scanner.scan(bytes);
    for (let i = 0; i < found.length && this.#hits.length <= MOST_HITS; i += 2)
      this.#hits.push(at + (found[i] ?? 0));
  }

  #keepTail(bytes: Uint8Array, overlap: number): void {
    if (bytes.length >= overlap) {
      this.#seam.set(bytes.subarray(bytes.length - overlap));
      this.#seamLength = overlap;
      return;
    }
    const kept = Math.min(this.#seamLength, overlap - bytes.length);
    this.#seam.copyWithin(0, this.#seamLength - kept, this.#seamLength);
    this.#seam.set(bytes, kept);
    this.#seamLength = kept + bytes.length;
  }
}

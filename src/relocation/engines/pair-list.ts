// A growing list of `[place, prefix]` pairs, as scans report them.

/** How many `[place, prefix]` pairs a kernel writes before it must be called again. */
export const PAIR_CAPACITY = 8192;

/** Collects numbers without boxing them. */
export class PairList {
  #values = new Uint32Array(128);
  #length = 0;

  /** Appends pairs; `shift` is added to their places. */
  add(pairs: ArrayLike<number>, shift: number): void {
    this.#reserve(this.#length + pairs.length);
    for (let i = 0; i + 1 < pairs.length; i += 2) {
      this.#values[this.#length++] = (pairs[i] ?? 0) + shift;
      this.#values[this.#length++] = pairs[i + 1] ?? 0;
    }
  }

  values(): Uint32Array {
    return this.#values.subarray(0, this.#length);
  }

  #reserve(length: number): void {
    if (length <= this.#values.length) return;
    const larger = new Uint32Array(Math.max(length, 2 * this.#values.length));
    larger.set(this.#values);
    this.#values = larger;
  }
}

/** Refuses bytes whose places do not fit into the answer of a scan: wrong use, since callers scan by windows. */
export function checkScanSize(bytes: Uint8Array): void {
  if (bytes.length > 0xffff_ffff) throw new TypeError('More than 4 GiB cannot be scanned at once');
}

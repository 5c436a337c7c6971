// What a kernel sees of some bytes: all of them where they lie in the instance's memory, else a copy of a piece. Copying costs as much
// as scanning, so where one long root begins all prefixes, `Buffer.indexOf` looks for it first, and only what follows it is copied.
import type { MatcherTable } from './matcher-table.js';
import { type WasmKernels, WORD_SIZE } from './wasm-kernels.js';

/** A piece of the bytes that kernels can see. */
export interface Window {
  /** Where it begins in the bytes. */
  readonly base: number;
  /** Where it is in the instance's memory. */
  readonly at: number;
  readonly length: number;
  /** Whether nothing follows it. */
  readonly isLast: boolean;
}

/** `Buffer.indexOf` is slow for short ones: 2.8 GB/s at 16 bytes, 4.2 at 32, 6.5 at 80, against 4.2 for copying and scanning. */
const SHORTEST_ROOT = 32;

/** What follows a root is copied by pieces of this size: most files have few. */
const PIECE_SIZE = 16 * 1024;

/** What must be found before a kernel has work; undefined where the kernel itself looks faster. */
export function rootToSkipTo({ roots }: MatcherTable): Uint8Array | undefined {
  const [root, ...others] = roots;
  return root !== undefined && root.length >= SHORTEST_ROOT && others.length === 0 ? root : undefined;
}

/** The first place from `from` on at which a kernel must look; -1 for none. */
export function firstPlace(bytes: Uint8Array, from: number, root: Uint8Array | undefined): number {
  if (root === undefined) return from;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).indexOf(root, from);
}

/** Opens the bytes of one call piece by piece. */
export class WindowOpener {
  readonly #kernels: WasmKernels;
  readonly #bytes: Uint8Array;
  readonly #isInside: boolean;
  readonly #root: Uint8Array | undefined;
  readonly #size: number;

  /** @param table for bytes in which only what follows a root counts; without it all are opened */
  constructor(kernels: WasmKernels, bytes: Uint8Array, table?: MatcherTable) {
    this.#kernels = kernels;
    this.#bytes = bytes;
    this.#isInside = kernels.holds(bytes);
    this.#root = table && !this.#isInside ? rootToSkipTo(table) : undefined;
    const { size } = kernels.window;
    this.#size =
      table === undefined || this.#root === undefined ? size : Math.max(PIECE_SIZE, 4 * table.longest);
  }

  /** The first piece from `from` on in which a kernel has work, if there is one. */
  open(from: number): Window | undefined {
    const base = firstPlace(this.#bytes, from, this.#root);
    const length = this.#bytes.length - base;
    if (base < 0 || length <= 0) return undefined;
    if (this.#isInside) return { base, at: this.#bytes.byteOffset + base, length, isLast: true };
    const size = Math.min(length, this.#size);
    return { base, at: this.#copy(base, size), length: size, isLast: size === length };
  }

  /** V8 copies into shared memory byte by byte unless both sides lie alike in their words: 1.6 GB/s against 4.8, the scan included. */
  #copy(base: number, size: number): number {
    const at = this.#kernels.window.at + ((this.#bytes.byteOffset + base) % WORD_SIZE);
    this.#kernels.bytes.set(this.#bytes.subarray(base, base + size), at);
    return at;
  }

  /** Takes a piece back after a kernel has changed it. */
  copyBack({ base, at, length }: Window): void {
    if (!this.#isInside) this.#bytes.set(this.#kernels.bytes.subarray(at, at + length), base);
  }
}

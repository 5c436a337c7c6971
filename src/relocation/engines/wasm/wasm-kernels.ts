// One instance of the WASM module: its memory, its tables, and calls that cannot fail but with a coded error.
// The module is compiled once per process (`moduleOf`); an instance serves one worker for its life and never gives memory back.
import { RelocationError } from '../../../core/errors.js';
import type { MemoryPlace } from '../../../stream/inflate/inflater.js';
import { PAIR_CAPACITY } from '../pair-list.js';
import type { MatcherTable } from './matcher-table.js';
import { WASM_BASE64 } from './wasm-binary.js';
import type { InflateExports } from './wasm-inflater.js';
import {
  callKernel,
  instantiate,
  type KernelCode,
  makeSharedMemory,
  moduleOf,
  type SharedMemory,
  type WasmGlobal,
} from './web-assembly.js';

/** What the module exports (assembly/index.ts). */
export interface KernelExports extends InflateExports {
  readonly memory: SharedMemory;
  readonly next: WasmGlobal;
  readonly failedPlace: WasmGlobal;
  readonly failedIndex: WasmGlobal;
  readonly failedSuffix: WasmGlobal;
  allocate(size: number): number;
  confine(begin: number, end: number): void;
  scan(
    table: number,
    bytes: number,
    length: number,
    from: number,
    limit: number,
    out: number,
    capacity: number,
  ): number;
  textBegin(): void;
  text(table: number, bytes: number, length: number, isLast: number, out: number, capacity: number): number;
  cstring(table: number, bytes: number, length: number, start: number, limit: number): number;
}

/** Bytes from elsewhere are copied in by pieces of this size: they are still in the cache when they are searched. */
const WINDOW_SIZE = 256 * 1024;

/** Bytes lie in the window as they lie in the words of their memory. */
export const WORD_SIZE = 8;

/** Those that scripts/build-kernels.mjs declares. */
const MEMORY_PAGES = { initial: 32, maximum: 4096 };

/** What another instance needs for a table and its hits, in the memory of this one. */
const GUEST_SIZE = 512 * 1024;

/** Room for the table of a few prefixes. */
const SMALL_TABLE = 64 * 1024;

/** Inflate, search and replacement. */
export const KERNELS: KernelCode = { name: 'kernels', base64: WASM_BASE64 };

/** An instance with its memory. */
export class WasmKernels {
  readonly exports: KernelExports;
  #bytes: Uint8Array = new Uint8Array(0);
  #table: MatcherTable | undefined;
  #tableAt = 0;
  #tableCapacity = 0;
  #windowAt = 0;
  #windowSize = 0;
  #pairsAt = 0;

  /**
   * @param place a part of another instance's memory that this one may use; without it, it has a memory of its own
   * @throws RelocationError `engine-unavailable`
   */
  constructor(place?: MemoryPlace) {
    const memory = place?.memory ?? makeSharedMemory(MEMORY_PAGES);
    this.exports = { ...(instantiate(moduleOf(KERNELS), { env: { memory } }) as KernelExports), memory };
    if (place !== undefined) this.exports.confine(place.begin, place.end);
    // A small table can then be made while somebody holds a view of the memory: the recorder of hits is, in the middle of a tarball.
    this.#tableCapacity = SMALL_TABLE;
    this.#tableAt = this.#allocate(SMALL_TABLE);
    this.reserve(undefined, 0);
  }

  /** The whole memory; made anew after it has grown, so never keep it. */
  get bytes(): Uint8Array {
    const { buffer } = this.exports.memory;
    if (this.#bytes.buffer !== buffer) this.#bytes = new Uint8Array(buffer);
    return this.#bytes;
  }

  /** Whether a view lies in this memory, so that kernels can work on it in place. */
  holds(view: Uint8Array): boolean {
    return view.buffer === this.exports.memory.buffer;
  }

  /**
   * Calls a kernel.
   * @throws RelocationError `engine-failed` when it traps
   */
  run<Result>(kernel: (exports: KernelExports) => Result): Result {
    return callKernel(() => kernel(this.exports));
  }

  /**
   * Reserves what calls with this table need, so that no call grows the memory: growth would cut every view of it off,
   * the caller's included.
   * @param longest the longest match that a window must be able to hold
   */
  reserve(table: MatcherTable | undefined, longest: number): void {
    const tableSize = table?.bytes.length ?? 0;
    if (tableSize > this.#tableCapacity) {
      this.#tableCapacity = 2 * tableSize;
      this.#tableAt = this.#allocate(this.#tableCapacity);
      this.#table = undefined;
    }
    const windowSize = Math.max(WINDOW_SIZE, 4 * longest);
    if (windowSize > this.#windowSize) {
      this.#windowAt = this.#allocate(windowSize + WORD_SIZE);
      this.#windowSize = windowSize;
    }
    if (this.#pairsAt === 0) this.#pairsAt = this.#allocate(8 * PAIR_CAPACITY);
  }

  /** Where a reserved table is. One is in memory at a time: tables are small, and a worker sees thousands of them. */
  table(table: MatcherTable): number {
    if (this.#table !== table) {
      this.bytes.set(table.bytes, this.#tableAt);
      this.#table = table;
    }
    return this.#tableAt;
  }

  /** Room for bytes from elsewhere: at least `WINDOW_SIZE`, and four times the longest match that was reserved for. */
  get window(): { readonly at: number; readonly size: number } {
    return { at: this.#windowAt, size: this.#windowSize };
  }

  /** Room for `PAIR_CAPACITY` pairs. */
  get pairsAt(): number {
    return this.#pairsAt;
  }

  /** The pairs that a kernel wrote; the view is valid until the next call. */
  pairs(count: number): Uint32Array {
    return new Uint32Array(this.exports.memory.buffer, this.pairsAt, 2 * count);
  }

  /** Sets a part of the memory aside for an instance of another thread. */
  makePlace(): MemoryPlace {
    const begin = this.#allocate(GUEST_SIZE);
    return { memory: this.exports.memory, begin, end: begin + GUEST_SIZE };
  }

  #allocate(size: number): number {
    const at = this.run((exports) => exports.allocate(size)) >>> 0;
    if (at !== 0) return at;
    throw new RelocationError('engine-failed', `Cannot reserve ${size} bytes in the WASM engine`, {
      hint: 'Use the js engine: --engine js',
      data: { size },
    });
  }
}

// The WASM engine: the kernels of assembly/ behind the engine's interface. Bytes that lie in the instance's memory are worked on in
// place; others are copied in by windows, and back where something was changed.
import type { RelocationError } from '../../core/errors.js';
import type { MemoryPlace, SharedOutput } from '../../stream/inflate/inflater.js';
import { cStringError, seamFor } from '../binary-rules.js';
import type {
  CStringReplacer,
  ElfPatcher,
  MachoPatcher,
  PrefixMapping,
  PrefixScanner,
  RelocationEngine,
  SignOptions,
  TextReplacer,
} from '../engine.js';
import { withoutIdentities } from '../prefix-map.js';
import { checkTextSize, rewriteText } from '../text-rules.js';
import { type MatcherTable, makeMatcherTable } from './matcher-table.js';
import { checkScanSize, PairList } from './pair-list.js';
import { makeWasmElfPatcher, makeWasmMachoPatcher } from './wasm-binary-patcher.js';
import { WasmInflater } from './wasm-inflater.js';
import { KERNELS, PAIR_CAPACITY, WasmKernels } from './wasm-kernels.js';
import { PATCHERS, PatcherKernels } from './wasm-patcher-kernels.js';
import { moduleOf, type WasmModule } from './web-assembly.js';

/**
 * Works with SIMD, needs no compiler, and shares its memory with the inflater that it creates. A `create…` method may grow the
 * memory, which ends all views of it; scanning and replacing never do. Binaries are patched in another memory.
 */
export class WasmEngine implements RelocationEngine {
  readonly name = 'wasm';
  /** Compiled: a worker that adopts them need not compile anything. */
  readonly modules: ReadonlyMap<string, WasmModule> = new Map(
    [KERNELS, PATCHERS].map((code) => [code.name, moduleOf(code)]),
  );
  readonly kernels: WasmKernels;
  /** Started by the first binary that is patched. */
  readonly #patchers = new PatcherKernels();

  /** @throws RelocationError `engine-unavailable` */
  constructor(kernels: WasmKernels = new WasmKernels()) {
    this.kernels = kernels;
  }

  createInflater(output?: SharedOutput): WasmInflater {
    return new WasmInflater(this.kernels.exports, output, output && this.kernels.makePlace());
  }

  inMemory(place: MemoryPlace): WasmEngine {
    return new WasmEngine(new WasmKernels(place));
  }

  createScanner(prefixes: readonly Uint8Array[]): PrefixScanner {
    const table = makeMatcherTable(prefixes);
    this.kernels.reserve(table, table.longest);
    return { scan: (bytes) => scan(this.kernels, table, bytes) };
  }

  createTextReplacer(mapping: PrefixMapping): TextReplacer {
    const changes = withoutIdentities(mapping);
    const table = makeMatcherTable(changes.map(([from]) => from));
    this.kernels.reserve(table, table.longest);
    return {
      replace: (text) => {
        checkTextSize(text);
        const matches = findTextMatches(this.kernels, table, text);
        return matches.length === 0 ? undefined : rewriteText(text, matches, changes);
      },
    };
  }

  createCStringReplacer(mapping: PrefixMapping): CStringReplacer {
    return new WasmCStringReplacer(this.kernels, withoutIdentities(mapping));
  }

  createElfPatcher(mapping: PrefixMapping, options: { readonly rewriteInterpreter: boolean }): ElfPatcher {
    return makeWasmElfPatcher(this.#patchers, mapping, options);
  }

  createMachoPatcher(mapping: PrefixMapping, options: SignOptions): MachoPatcher {
    return makeWasmMachoPatcher(this.#patchers, mapping, options);
  }
}

/** A piece of the bytes that kernels can see. */
interface Window {
  /** Where it is in the instance's memory. */
  readonly at: number;
  readonly length: number;
  /** Whether nothing follows it. */
  readonly isLast: boolean;
}

/** The bytes from `from` on: all of them where they lie in the memory, else a copy of as many as the window takes. */
function openWindow(kernels: WasmKernels, bytes: Uint8Array, from: number): Window {
  const length = bytes.length - from;
  if (kernels.holds(bytes)) return { at: bytes.byteOffset + from, length, isLast: true };
  const { window } = kernels;
  const size = Math.min(length, window.size);
  kernels.bytes.set(bytes.subarray(from, from + size), window.at);
  return { at: window.at, length: size, isLast: size === length };
}

function scan(kernels: WasmKernels, table: MatcherTable, bytes: Uint8Array): Uint32Array {
  checkScanSize(bytes);
  const hits = new PairList();
  if (table.longest === 0) return hits.values();
  const tableAt = kernels.table(table);
  const out = kernels.pairsAt;
  for (let base = 0; base < bytes.length; ) {
    const window = openWindow(kernels, bytes, base);
    const limit = window.isLast ? window.length : window.length - table.longest + 1;
    let from = 0;
    while (from < limit) {
      const count = kernels.run((wasm) =>
        wasm.scan(tableAt, window.at, window.length, from, limit, out, PAIR_CAPACITY),
      );
      if (count > 0) hits.add(kernels.pairs(count), base);
      from = kernels.exports.next.value;
    }
    base += from;
  }
  return hits.values();
}

function findTextMatches(kernels: WasmKernels, table: MatcherTable, text: Uint8Array): Uint32Array {
  const matches = new PairList();
  if (table.longest === 0) return matches.values();
  const tableAt = kernels.table(table);
  const out = kernels.pairsAt;
  kernels.run((wasm) => wasm.textBegin());
  for (let base = 0; base < text.length; ) {
    const { at, length, isLast } = openWindow(kernels, text, base);
    const count = kernels.run((wasm) => wasm.text(tableAt, at, length, Number(isLast), out, PAIR_CAPACITY));
    if (count > 0) matches.add(kernels.pairs(count), base);
    base += kernels.exports.next.value;
  }
  return matches.values();
}

/** Replaces C strings in place, through a window where the bytes are not in the instance's memory. */
class WasmCStringReplacer implements CStringReplacer {
  readonly seam: number;
  readonly #kernels: WasmKernels;
  readonly #mapping: PrefixMapping;
  readonly #table: MatcherTable;

  constructor(kernels: WasmKernels, mapping: PrefixMapping) {
    this.#kernels = kernels;
    this.#mapping = mapping;
    this.#table = makeMatcherTable(
      mapping.map(([from]) => from),
      mapping.map(([, to]) => to),
    );
    this.seam = seamFor(this.#table.longest);
    kernels.reserve(this.#table, this.seam);
  }

  replace(
    bytes: Uint8Array,
    start: number,
    isLast: boolean,
  ): { readonly next: number; readonly replaced: number } {
    const limit = isLast ? bytes.length : bytes.length - this.seam;
    if (this.#table.longest === 0) return { next: Math.max(start, limit), replaced: 0 };
    let position = start;
    let replaced = 0;
    while (position < limit) {
      const window = openWindow(this.#kernels, bytes, position);
      // In a window that is not the last, a match must begin early enough to end in it.
      const windowLimit = window.isLast ? limit - position : window.length - this.seam;
      const count = this.#replaceIn(window, Math.min(limit - position, windowLimit), position);
      if (count > 0) this.#copyBack(bytes, window, position);
      replaced += count;
      position += this.#kernels.exports.next.value;
    }
    return { next: Math.max(position, limit), replaced };
  }

  #replaceIn(window: Window, limit: number, base: number): number {
    const tableAt = this.#kernels.table(this.#table);
    const count = this.#kernels.run((wasm) => wasm.cstring(tableAt, window.at, window.length, 0, limit));
    if (count >= 0) return count;
    throw this.#error(count === CANNOT_GROW ? 'cannot-grow' : 'cannot-shrink', window, base);
  }

  #copyBack(bytes: Uint8Array, window: Window, position: number): void {
    if (this.#kernels.holds(bytes)) return;
    bytes.set(this.#kernels.bytes.subarray(window.at, window.at + window.length), position);
  }

  #error(decision: 'cannot-grow' | 'cannot-shrink', window: Window, base: number): RelocationError {
    const { failedPlace, failedIndex, failedSuffix } = this.#kernels.exports;
    const [old, replacement] = this.#mapping[failedIndex.value] ?? [];
    if (old === undefined || replacement === undefined) throw new TypeError('The kernel has another mapping');
    const at = window.at + failedPlace.value;
    const string = this.#kernels.bytes.subarray(at, at + old.length + failedSuffix.value);
    return cStringError(decision, { offset: base + failedPlace.value, old, replacement, string });
  }
}

/** What `cstring` returns for a new prefix that is longer; -2 is the other error. */
const CANNOT_GROW = -1;

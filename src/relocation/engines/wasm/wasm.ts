// The WASM engine: the kernels of assembly/ behind the engine's interface. Bytes in the instance's memory are processed in
// place; others are copied in window by window, and back where something changed.
import type { RelocationError } from '../../../core/errors.js';
import type { MemoryPlace, SharedOutput } from '../../../stream/inflate/inflater.js';
import type {
  CStringReplacement,
  CStringReplacer,
  CStringWindow,
  ElfOptions,
  ElfPatcher,
  MachoPatcher,
  PrefixMapping,
  PrefixScanner,
  RelocationEngine,
  SignOptions,
  TextReplacer,
} from '../../engine.js';
import { withoutIdentities } from '../../prefixes/prefix-map.js';
import { cStringError, seamFor } from '../../strings/binary-rules.js';
import { checkTextSize, rewriteText } from '../../text/text-rules.js';
import { STRING_REFUSALS } from '../binary-problems.js';
import { checkScanSize, PAIR_CAPACITY, PairList } from '../pair-list.js';
import { type MatcherTable, makeMatcherTable } from './matcher-table.js';
import { makeWasmElfPatcher, makeWasmMachoPatcher } from './wasm-binary-patcher.js';
import { WasmInflater } from './wasm-inflater.js';
import { KERNELS, WasmKernels } from './wasm-kernels.js';
import { PATCHERS, PatcherKernels } from './wasm-patcher-kernels.js';
import { firstPlace, rootToSkipTo, type Window, WindowOpener } from './wasm-window.js';
import { moduleOf, type WasmModule } from './web-assembly.js';

/**
 * Uses SIMD, needs no compiler, and shares its memory with the inflater that it creates. A `create…` method may grow the
 * memory, which detaches all views of it; scanning and replacing never do. Binaries are patched in a separate memory.
 */
export class WasmEngine implements RelocationEngine {
  readonly name = 'wasm';
  /** Compiled modules: a worker that adopts them need not compile anything. */
  readonly modules: ReadonlyMap<string, WasmModule> = new Map(
    [KERNELS, PATCHERS].map((code) => [code.name, moduleOf(code)]),
  );
  readonly kernels: WasmKernels;
  /** Created when the first binary is patched. */
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

  createElfPatcher(mapping: PrefixMapping, options: ElfOptions): ElfPatcher {
    return makeWasmElfPatcher(this.#patchers, mapping, options);
  }

  createMachoPatcher(mapping: PrefixMapping, options: SignOptions): MachoPatcher {
    return makeWasmMachoPatcher(this.#patchers, mapping, options);
  }
}

function scan(kernels: WasmKernels, table: MatcherTable, bytes: Uint8Array): Uint32Array {
  checkScanSize(bytes);
  const hits = new PairList();
  if (table.longest === 0) return hits.values();
  const tableAt = kernels.table(table);
  const out = kernels.pairsAt;
  const opener = new WindowOpener(kernels, bytes, table);
  for (let window = opener.open(0); window !== undefined; ) {
    const { base, at, length, isLast } = window;
    const limit = isLast ? length : length - table.longest + 1;
    let from = 0;
    while (from < limit) {
      const count = kernels.run((wasm) => wasm.scan(tableAt, at, length, from, limit, out, PAIR_CAPACITY));
      if (count > 0) hits.add(kernels.pairs(count), base);
      from = kernels.exports.next.value;
    }
    window = opener.open(base + from);
  }
  return hits.values();
}

function findTextMatches(kernels: WasmKernels, table: MatcherTable, text: Uint8Array): Uint32Array {
  const matches = new PairList();
  const start = table.longest === 0 ? -1 : firstLine(kernels, table, text);
  if (start < 0) return matches.values();
  const tableAt = kernels.table(table);
  const out = kernels.pairsAt;
  kernels.run((wasm) => wasm.textBegin());
  const opener = new WindowOpener(kernels, text);
  for (let window = opener.open(start); window !== undefined; ) {
    const { base, at, length, isLast } = window;
    const count = kernels.run((wasm) => wasm.text(tableAt, at, length, Number(isLast), out, PAIR_CAPACITY));
    if (count > 0) matches.add(kernels.pairs(count), base);
    window = opener.open(base + kernels.exports.next.value);
  }
  return matches.values();
}

const NEWLINE = 0x0a;

/** The start of the first line with work for the kernel; -1 for none. The kernel may start after any newline. */
function firstLine(kernels: WasmKernels, table: MatcherTable, text: Uint8Array): number {
  const root = kernels.holds(text) ? undefined : rootToSkipTo(table);
  const place = firstPlace(text, 0, root);
  return place <= 0 ? place : text.lastIndexOf(NEWLINE, place - 1) + 1;
}

/** Replaces C strings in place, through a window if the bytes are not in the instance's memory. */
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

  replace(bytes: Uint8Array, { start, isLast }: CStringWindow): CStringReplacement {
    const limit = isLast ? bytes.length : bytes.length - this.seam;
    if (this.#table.longest === 0) return { next: Math.max(start, limit), replaced: 0 };
    const opener = new WindowOpener(this.#kernels, bytes, this.#table);
    let position = start;
    let replaced = 0;
    while (position < limit) {
      const window = opener.open(position);
      if (window === undefined || window.base >= limit) break;
      // In a window that is not the last, a match must begin early enough to end in it.
      const windowLimit = window.isLast ? window.length : window.length - this.seam;
      const count = this.#replaceIn(window, Math.min(limit - window.base, windowLimit));
      if (count > 0) opener.copyBack(window);
      replaced += count;
      position = window.base + this.#kernels.exports.next.value;
    }
    return { next: Math.max(position, limit), replaced };
  }

  #replaceIn(window: Window, limit: number): number {
    const tableAt = this.#kernels.table(this.#table);
    const count = this.#kernels.run((wasm) => wasm.cstring(tableAt, window.at, window.length, 0, limit));
    if (count >= 0) return count;
    throw this.#error(count === STRING_REFUSALS.CANNOT_GROW ? 'cannot-grow' : 'cannot-shrink', window);
  }

  #error(decision: 'cannot-grow' | 'cannot-shrink', { base, at: start }: Window): RelocationError {
    const { failedPlace, failedIndex, failedSuffix } = this.#kernels.exports;
    const [old, replacement] = this.#mapping[failedIndex.value] ?? [];
    if (old === undefined || replacement === undefined) throw new TypeError('The kernel has another mapping');
    const at = start + failedPlace.value;
    const string = this.#kernels.bytes.subarray(at, at + old.length + failedSuffix.value);
    return cStringError(decision, { offset: base + failedPlace.value, old, replacement, string });
  }
}

// The engine in Rust: kernels (native/) that work in place on the bytes that JavaScript owns, and what decides around them. Binaries are
// patched by the WASM kernels: those read little of a file, and a Rust twin saved 8 µs a file for 3,700 lines.
import type { RelocationError } from '../../core/errors.js';
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
} from '../engine.js';
import { checkPrefixes, withoutIdentities } from '../prefixes/prefix-map.js';
import { cStringError, seamFor } from '../strings/binary-rules.js';
import { checkTextSize, TEXT_RESULT_LIMIT, textTooLarge } from '../text/text-rules.js';
import { STRING_REFUSALS } from './binary-problems.js';
import { checkStatus, loadNativeAddon, type NativeAddon, nativeFailure } from './native-addon.js';
import { NativeInflater } from './native-inflater.js';
import { checkScanSize, PAIR_CAPACITY, PairList } from './pair-list.js';
import { WasmPatchers } from './wasm/wasm-patchers.js';
import type { WasmModule } from './wasm/web-assembly.js';

type NativePrefixTable = InstanceType<NativeAddon['PrefixTable']>;

/**
 * Loads the native engine.
 * @throws RelocationError `engine-unavailable`
 */
export function loadNative(env: Readonly<Record<string, string | undefined>> = process.env): NativeEngine {
  return new NativeEngine(loadNativeAddon({ env }));
}

/** Runs where the addon was built or installed. */
export class NativeEngine implements RelocationEngine {
  readonly name = 'native';
  readonly #addon: NativeAddon;
  readonly #patchers = new WasmPatchers();

  constructor(addon: NativeAddon) {
    this.#addon = addon;
  }

  /** Those of the patchers. */
  get modules(): ReadonlyMap<string, WasmModule> | undefined {
    return this.#patchers.modules;
  }

  createInflater(): NativeInflater {
    return new NativeInflater(this.#addon);
  }

  createScanner(prefixes: readonly Uint8Array[]): PrefixScanner {
    const table = this.#table(prefixes, []);
    const answer = { pairs: new Uint32Array(2 * PAIR_CAPACITY), report: new Float64Array(1) };
    return { scan: (bytes) => scan(table, bytes, answer) };
  }

  createTextReplacer(mapping: PrefixMapping): TextReplacer {
    const table = this.#mappingTable(withoutIdentities(mapping));
    const report = new Float64Array(1);
    return {
      replace: (text) => {
        checkTextSize(text);
        return checkStatus(table.measureText(text, report)) === 0
          ? undefined
          : rewriteText(table, text, report[0] ?? 0);
      },
    };
  }

  createCStringReplacer(mapping: PrefixMapping): CStringReplacer {
    const changes = withoutIdentities(mapping);
    return new NativeCStringReplacer(this.#mappingTable(changes), changes);
  }

  createElfPatcher(mapping: PrefixMapping, options: ElfOptions): ElfPatcher {
    return this.#patchers.createElfPatcher(mapping, options);
  }

  createMachoPatcher(mapping: PrefixMapping, options: SignOptions): MachoPatcher {
    return this.#patchers.createMachoPatcher(mapping, options);
  }

  #mappingTable(mapping: PrefixMapping): NativePrefixTable {
    return this.#table(
      mapping.map(([from]) => from),
      mapping.map(([, to]) => to),
    );
  }

  #table(prefixes: readonly Uint8Array[], replacements: readonly Uint8Array[]): NativePrefixTable {
    checkPrefixes(prefixes);
    return new this.#addon.PrefixTable([...prefixes], [...replacements]);
  }
}

interface ScanAnswer {
  readonly pairs: Uint32Array;
  readonly report: Float64Array;
}

function scan(table: NativePrefixTable, bytes: Uint8Array, { pairs, report }: ScanAnswer): Uint32Array {
  checkScanSize(bytes);
  const hits = new PairList();
  for (let from = 0; from < bytes.length; from = report[0] ?? bytes.length) {
    const count = checkStatus(table.scan(bytes, from, pairs, report));
    hits.add(pairs.subarray(0, 2 * count), 0);
  }
  return hits.values();
}

function rewriteText(table: NativePrefixTable, text: Uint8Array, length: number): Uint8Array {
  if (length > TEXT_RESULT_LIMIT) throw textTooLarge('rewritten text', length, TEXT_RESULT_LIMIT);
  const result = Buffer.allocUnsafeSlow(length);
  if (checkStatus(table.rewriteText(text, result)) === 0)
    throw nativeFailure('the rewritten text has another length');
  return result;
}

class NativeCStringReplacer implements CStringReplacer {
  readonly seam: number;
  readonly #table: NativePrefixTable;
  readonly #mapping: PrefixMapping;
  readonly #report = new Float64Array(3);

  constructor(table: NativePrefixTable, mapping: PrefixMapping) {
    this.#table = table;
    this.#mapping = mapping;
    this.seam = seamFor(mapping.reduce((longest, [from]) => Math.max(longest, from.length), 0));
  }

  replace(bytes: Uint8Array, { start, isLast }: CStringWindow): CStringReplacement {
    const limit = isLast ? bytes.length : bytes.length - this.seam;
    const status = checkStatus(this.#table.replaceCStrings(bytes, start, limit, this.#report));
    if (status !== 0)
      throw this.#error(status === STRING_REFUSALS.CANNOT_GROW ? 'cannot-grow' : 'cannot-shrink', bytes);
    const [replaced = 0, next = 0] = this.#report;
    return { next, replaced };
  }

  #error(decision: 'cannot-grow' | 'cannot-shrink', bytes: Uint8Array): RelocationError {
    const [offset = 0, index = 0, suffix = 0] = this.#report;
    const [old, replacement] = this.#mapping[index] ?? [];
    if (old === undefined || replacement === undefined) return nativeFailure('it names no prefix');
    const string = bytes.subarray(offset, offset + old.length + suffix);
    return cStringError(decision, { offset, old, replacement, string });
  }
}

// Changes the dynamic string table: finds the references to each string (gABI "String Table", "Dynamic Section", "Symbol Table"; LSB
// "Symbol Versioning"), and builds a new table in which changed strings are appended and old ones overwritten.
// Linkers let one string be the end of another, so every byte that is still referred to stays.
import { concatBytes } from '../../core/bytes.js';
import type { ElfProblem } from './elf-dynamic.js';
import * as format from './elf-format.js';
import { type ElfSectionHeader, type ElfTables, isSymbolTable } from './elf-tables.js';

/** A place in the file that holds the offset of a string. */
export interface StringReference {
  readonly at: number;
  /** A `word` of the dynamic section, or an `int` of a version record. */
  readonly width: 'word' | 'int';
  readonly what: 'rpath' | 'name';
  readonly offset: number;
  /** The version record's hash of the string, which must follow it. */
  readonly hashAt?: number;
}

/** Entries with names that may be paths. */
const NAME_TAGS: ReadonlySet<bigint> = new Set([
  format.DT_NEEDED,
  format.DT_SONAME,
  format.DT_CONFIG,
  format.DT_DEPAUDIT,
  format.DT_AUDIT,
  format.DT_AUXILIARY,
  format.DT_FILTER,
]);

/** A string table is copied in memory; no real one comes near this size. The limit also holds for everything that refers to it. */
const LARGEST_TABLE = 128n << 20n;
/** The most names that may change. No linker writes this many. */
const MOST_NAMES = 131_072;
const VERNEED = { size: 16, vn_cnt: 2, vn_file: 4, vn_aux: 8, vn_next: 12 } as const;
const VERNAUX = { size: 16, vna_name: 8, vna_next: 12 } as const;
const VERDEF = { size: 20, vd_flags: 2, vd_cnt: 6, vd_hash: 8, vd_aux: 12, vd_next: 16 } as const;
const VERDAUX = { size: 8, vda_name: 0, vda_next: 4 } as const;
const VER_FLG_BASE = 1;

/** The references that may change, and the offsets of all other strings in use. */
export interface StringUses {
  readonly paths: readonly StringReference[];
  readonly others: ReadonlySet<number>;
}

/** Finds every use of the string table, or says why some may be unknown. */
export function findStringUses(tables: ElfTables, strings: ElfSectionHeader): StringUses | ElfProblem {
  if (strings.size > LARGEST_TABLE) return { problem: 'its string table is too large' };
  const paths: StringReference[] = [];
  const others = new Set<number>();
  const linked = tables.sections.filter(
    ({ link, type }) => link === strings.index && type !== format.SHT_NOBITS,
  );
  if (!linked.some(({ type }) => type === format.SHT_DYNSYM))
    return { problem: 'no section header describes its dynamic symbols' };
  addDynamicUses(tables, paths);
  let total = 0n;
  for (const section of linked) {
    if (!tables.reader.contains(section.offset, section.size))
      return { problem: 'its sections are not complete' };
    total += section.size;
    if (total > LARGEST_TABLE) return { problem: 'its sections are too large' };
    if (isSymbolTable(section)) addSymbolUses(tables, section, others);
    else if (section.type === format.SHT_GNU_verneed) new VersionReader(tables, section).need(paths, others);
    else if (section.type === format.SHT_GNU_verdef)
      new VersionReader(tables, section).definitions(paths, others);
    if (paths.length > MOST_NAMES) return { problem: 'it has too many names' };
  }
  const isInside = (offset: number) => BigInt(offset) < strings.size;
  if (!paths.every(({ offset }) => isInside(offset)))
    return { problem: 'a string lies outside of its table' };
  return { paths, others };
}

function addDynamicUses({ reader, dynamic }: ElfTables, paths: StringReference[]): void {
  for (const { at, tag, value } of dynamic) {
    const isRpath = tag === format.DT_RPATH || tag === format.DT_RUNPATH;
    if (!isRpath && !NAME_TAGS.has(tag)) continue;
    const offset = Number(value);
    const place = at + reader.layout.dynamic.d_val;
    paths.push({ at: place, width: 'word', what: isRpath ? 'rpath' : 'name', offset });
  }
}

function addSymbolUses({ reader }: ElfTables, section: ElfSectionHeader, others: Set<number>): void {
  const { size, st_name } = reader.layout.symbol;
  const count = Math.floor(Number(section.size) / size);
  reader.forEachRecord({ offset: section.offset, count, recordSize: size }, (record) => {
    others.add(record.int(st_name));
    return true;
  });
}

/** Visits the records of a version section, which are linked by offsets; never more of them than it has room for. */
class VersionReader {
  readonly #start: number;
  readonly #view: DataView;
  readonly #little: boolean;
  #left: number;

  constructor({ reader }: ElfTables, section: ElfSectionHeader) {
    const bytes = new Uint8Array(reader.source.read(Number(section.offset), Number(section.size)));
    this.#start = Number(section.offset);
    this.#view = new DataView(bytes.buffer);
    this.#little = reader.littleEndian;
    this.#left = Math.floor(bytes.length / VERDAUX.size);
  }

  need(paths: StringReference[], others: Set<number>): void {
    for (let at: number | undefined = 0; this.#has(at, VERNEED.size); at = this.#next(at, VERNEED.vn_next)) {
      if (paths.length > MOST_NAMES) return;
      paths.push(this.#reference(at + VERNEED.vn_file));
      this.#addNames(
        { at: at + this.#int(at + VERNEED.vn_aux), count: this.#half(at + VERNEED.vn_cnt) },
        { size: VERNAUX.size, name: VERNAUX.vna_name, next: VERNAUX.vna_next },
        others,
      );
    }
  }

  /** The base definition has the library's own name. */
  definitions(paths: StringReference[], others: Set<number>): void {
    for (let at: number | undefined = 0; this.#has(at, VERDEF.size); at = this.#next(at, VERDEF.vd_next)) {
      if (paths.length > MOST_NAMES) return;
      const first = at + this.#int(at + VERDEF.vd_aux);
      const isBase = (this.#half(at + VERDEF.vd_flags) & VER_FLG_BASE) !== 0;
      if (isBase && this.#has(first, VERDAUX.size)) {
        const hashAt = this.#start + at + VERDEF.vd_hash;
        paths.push({ ...this.#reference(first + VERDAUX.vda_name), hashAt });
      } else {
        this.#addNames(
          { at: first, count: this.#half(at + VERDEF.vd_cnt) },
          { size: VERDAUX.size, name: VERDAUX.vda_name, next: VERDAUX.vda_next },
          others,
        );
      }
    }
  }

  #addNames(
    list: { readonly at: number; readonly count: number },
    record: { readonly size: number; readonly name: number; readonly next: number },
    others: Set<number>,
  ): void {
    let at: number | undefined = list.at;
    for (let left = list.count; left > 0 && this.#has(at, record.size); left--) {
      others.add(this.#int(at + record.name));
      at = this.#next(at, record.next);
    }
  }

  #reference(at: number): StringReference {
    return { at: this.#start + at, width: 'int', what: 'name', offset: this.#int(at) };
  }

  #has(at: number | undefined, size: number): at is number {
    return at !== undefined && at + size <= this.#view.byteLength && this.#left-- > 0;
  }

  #next(at: number, field: number): number | undefined {
    const step = this.#int(at + field);
    return step === 0 ? undefined : at + step;
  }

  #int(at: number): number {
    return this.#view.getUint32(at, this.#little);
  }

  #half(at: number): number {
    return this.#view.getUint16(at, this.#little);
  }
}

/** No loader accepts a longer name. The limit is ours: hostile entries must not multiply one long string. */
const LONGEST_NAME = 4096;

/** A changed table: its bytes, and where the references point now. */
export interface RebuiltStrings {
  readonly bytes: Uint8Array;
  readonly moved: readonly {
    readonly reference: StringReference;
    readonly offset: number;
    readonly value: Uint8Array;
  }[];
}

/**
 * The table with some strings replaced: new ones are appended, and old bytes that nothing refers to are erased. Or the reason why
 * that is impossible: hostile names, too many or longer than any loader accepts.
 * @param replace the new string for a reference, or undefined if it stays
 */
export function rebuildStrings(
  table: Uint8Array,
  uses: StringUses,
  replace: (reference: StringReference, value: Uint8Array) => Uint8Array | undefined,
): RebuiltStrings | ElfProblem {
  // An unterminated last string must not run into the first new one.
  const end = table.at(-1) === 0 ? NOTHING : NUL;
  const appended = new AppendedStrings(table.length + end.length);
  const kept = new Set(uses.others);
  const moved: RebuiltStrings['moved'][number][] = [];
  for (const reference of uses.paths) {
    const old = nameAt(table, reference.offset);
    if (old === undefined && reference.what === 'name') return { problem: 'a name in it is too long' };
    const value = replace(reference, old ?? NOTHING);
    if (value === undefined) kept.add(reference.offset);
    else moved.push({ reference, value, offset: appended.add(value) });
    if (BigInt(appended.end) > LARGEST_TABLE) return { problem: 'its string table would be too large' };
  }
  const bytes = new Uint8Array(table);
  eraseStrings(
    bytes,
    moved.map(({ reference }) => reference.offset),
    kept,
  );
  return { bytes: concatBytes([bytes, end, ...appended.parts]), moved };
}

const NUL = Uint8Array.of(0);
const NOTHING = new Uint8Array(0);

/** Strings appended to a table, each once. */
class AppendedStrings {
  readonly parts: Uint8Array[] = [];
  readonly #offsets = new Map<string, number>();
  end: number;

  constructor(end: number) {
    this.end = end;
  }

  add(value: Uint8Array): number {
    const key = Buffer.from(value).toString('latin1');
    const known = this.#offsets.get(key);
    if (known !== undefined) return known;
    const offset = this.end;
    this.parts.push(value, NUL);
    this.#offsets.set(key, offset);
    this.end += value.length + 1;
    return offset;
  }
}

/** The string at an offset; undefined when it is too long for a name. */
function nameAt(table: Uint8Array, offset: number): Uint8Array | undefined {
  const part = table.subarray(offset, offset + LONGEST_NAME + 1);
  const end = part.indexOf(0);
  if (end < 0 && part.length > LONGEST_NAME) return undefined;
  return part.subarray(0, end < 0 ? part.length : end);
}

/** Overwrites strings up to the first byte that is still referred to. */
function eraseStrings(table: Uint8Array, offsets: readonly number[], kept: ReadonlySet<number>): void {
  let done = -1;
  for (const offset of [...offsets].sort((a, b) => a - b)) {
    if (offset <= done) continue;
    const nul = table.indexOf(0, offset);
    const end = nul < 0 ? table.length : nul;
    let to = offset === 0 ? 0 : table.lastIndexOf(0, offset - 1) + 1;
    const start = to;
    while (to < end && !kept.has(to)) to++;
    table.fill(0, start, to);
    done = end;
  }
}

/** The hash of version records (gABI "Hash Table"). */
export function elfHash(name: Uint8Array): number {
  let hash = 0;
  for (const byte of name) {
    hash = ((hash << 4) + byte) >>> 0;
    const top = hash & 0xf0000000;
    hash = (hash ^ (top >>> 24) ^ top) >>> 0;
  }
  return hash;
}

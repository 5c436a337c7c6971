// Where the records of a package index lie: a table sorted by hash, found by binary search, that is kept beside a cached index.
// It needs some fifty bytes per package, in memory and in the file.

import { decodeUtf8, encodeUtf8, toLatin1 } from '../../core/bytes.js';
import type { DagHash } from '../../spec/spec.js';

const HASH_LENGTH = 32;
const MAGIC = 'regraft index places 1\n';
const NO_NAME = 0xffffffff;

/** Where one record lies. */
export interface RecordPlace {
  /** Offset of the node in the index; 0 where the record has none. */
  readonly offset: number;
  readonly length: number;
  readonly inBuildcache: boolean;
  /** The name of the package, where the index gives it first in the node. */
  readonly name: string | undefined;
}

interface Columns {
  readonly offsets: Float64Array<ArrayBuffer>;
  readonly lengths: Uint32Array<ArrayBuffer>;
  /** Places in the list of names. */
  readonly names: Uint32Array<ArrayBuffer>;
  readonly hashes: Uint8Array<ArrayBuffer>;
  readonly flags: Uint8Array<ArrayBuffer>;
}

/** The index that a table belongs to. */
export interface PlacesOrigin {
  readonly sha256: string;
  readonly size: number;
  /** When the file of the index was written, in milliseconds. */
  readonly mtime: number;
}

/** The sorted table; rows are numbered from 0. */
export class IndexPlaces {
  /** How many records there are. */
  readonly size: number;
  /** Version of the index. */
  readonly version: number;
  readonly #columns: Columns;
  readonly #names: readonly string[];

  /** Use `PlacesBuilder` or `decodePlaces`. */
  constructor(parts: { size: number; version: number; columns: Columns; names: readonly string[] }) {
    this.size = parts.size;
    this.version = parts.version;
    this.#columns = parts.columns;
    this.#names = parts.names;
  }

  /** The row of a hash, or -1. */
  find(hash: DagHash): number {
    const row = this.#lowerBound(hash);
    return row < this.size && this.hashAt(row) === hash ? row : -1;
  }

  /** The rows of the hashes that begin so. */
  *rowsWithPrefix(prefix: string): Iterable<number> {
    for (let row = this.#lowerBound(prefix); row < this.size; row++) {
      if (!this.hashAt(row).startsWith(prefix)) return;
      yield row;
    }
  }

  /** The rows of packages of a name, and of those whose name only their node tells. */
  *rowsNamed(name: string): Iterable<number> {
    const wanted = this.#names.indexOf(name);
    const { names } = this.#columns;
    for (let row = 0; row < this.size; row++) {
      if (names[row] === wanted || names[row] === NO_NAME) yield row;
    }
  }

  hashAt(row: number): DagHash {
    const start = row * HASH_LENGTH;
    return toLatin1(this.#columns.hashes.subarray(start, start + HASH_LENGTH)) as DagHash;
  }

  isInBuildcache(row: number): boolean {
    return this.#columns.flags[row] === 1;
  }

  placeAt(row: number): RecordPlace {
    const { offsets, lengths, names } = this.#columns;
    return {
      offset: offsets[row] ?? 0,
      length: lengths[row] ?? 0,
      inBuildcache: this.isInBuildcache(row),
      name: this.#names[names[row] ?? NO_NAME],
    };
  }

  /** The bytes of the file that keeps the table; they are for this machine. */
  encode(origin: PlacesOrigin): Uint8Array[] {
    const { size, version } = this;
    const header = JSON.stringify({ ...origin, version, count: size, names: this.#names });
    const start = encodeUtf8(`${MAGIC}${header}\n`);
    // The columns are aligned, so that they can be used where they lie.
    const padding = new Uint8Array((8 - (start.length % 8)) % 8);
    const { offsets, lengths, names, hashes, flags } = this.#columns;
    const columns = [offsets, lengths, names, hashes, flags].map((column) => bytesOf(column));
    return [encodeUtf8(BYTE_ORDER), start, padding, ...columns];
  }

  /** The first row whose hash is not before this text. */
  #lowerBound(text: string): number {
    let low = 0;
    let high = this.size;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.hashAt(middle) < text) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Eight bytes that say in which order this machine stores numbers. */
const BYTE_ORDER = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1 ? 'little..' : 'big.....';

function bytesOf(column: ArrayBufferView): Uint8Array {
  return new Uint8Array(column.buffer, column.byteOffset, column.byteLength);
}

/**
 * Reads what `IndexPlaces.encode` wrote; undefined for anything else, and for another origin.
 * @param bytes aligned as a new array is.
 */
export function decodePlaces(bytes: Uint8Array<ArrayBuffer>, origin: PlacesOrigin): IndexPlaces | undefined {
  const order = BYTE_ORDER.length;
  if (toLatin1(bytes.subarray(0, order + MAGIC.length)) !== BYTE_ORDER + MAGIC) return undefined;
  const end = bytes.indexOf(0x0a, order + MAGIC.length);
  const header = end < 0 ? undefined : readHeader(bytes.subarray(order + MAGIC.length, end));
  if (header === undefined || !isSameOrigin(header, origin)) return undefined;
  const { count, version, names } = header;
  const first = order + Math.ceil((end + 1 - order) / 8) * 8;
  if (bytes.length !== first + count * (8 + 4 + 4 + HASH_LENGTH + 1)) return undefined;
  const { buffer, byteOffset } = bytes;
  let at = byteOffset + first;
  const next = (length: number) => {
    at += length;
    return at - length;
  };
  const columns = {
    offsets: new Float64Array(buffer, next(8 * count), count),
    lengths: new Uint32Array(buffer, next(4 * count), count),
    names: new Uint32Array(buffer, next(4 * count), count),
    hashes: new Uint8Array(buffer, next(HASH_LENGTH * count), HASH_LENGTH * count),
    flags: new Uint8Array(buffer, next(count), count),
  };
  return new IndexPlaces({ size: count, version, columns, names });
}

interface Header extends PlacesOrigin {
  readonly version: number;
  readonly count: number;
  readonly names: readonly string[];
}

function readHeader(line: Uint8Array): Header | undefined {
  try {
    const header = JSON.parse(decodeUtf8(line)) as Partial<Header> | null;
    const { count, version, names } = header ?? {};
    const isWhole = Number.isSafeInteger(count) && Number.isSafeInteger(version) && (count ?? -1) >= 0;
    return isWhole && Array.isArray(names) ? (header as Header) : undefined;
  } catch {
    return undefined;
  }
}

function isSameOrigin(a: PlacesOrigin, b: PlacesOrigin): boolean {
  return a.sha256 === b.sha256 && a.size === b.size && a.mtime === b.mtime;
}

/** Collects places in the order of the index. */
export class PlacesBuilder {
  #size = 0;
  #columns: Columns = makeColumns(1024);
  readonly #names = new Map<string, number>();

  add(hash: DagHash, { offset, length, inBuildcache, name }: RecordPlace): void {
    if (this.#size === this.#columns.flags.length) this.#grow();
    const { offsets, lengths, names, hashes, flags } = this.#columns;
    const row = this.#size++;
    offsets[row] = offset;
    lengths[row] = length;
    names[row] = name === undefined ? NO_NAME : this.#nameNumber(name);
    flags[row] = Number(inBuildcache);
    for (let i = 0; i < HASH_LENGTH; i++) hashes[row * HASH_LENGTH + i] = hash.charCodeAt(i);
  }

  /** The sorted table; of several records with one hash the last counts, as with any JSON object. */
  build(version: number): IndexPlaces {
    const rows = this.#sortedRows();
    const columns = makeColumns(rows.length);
    for (let to = 0; to < rows.length; to++) this.#copyRow(rows[to] ?? 0, columns, to);
    return new IndexPlaces({ size: rows.length, version, columns, names: [...this.#names.keys()] });
  }

  #nameNumber(name: string): number {
    const known = this.#names.get(name);
    if (known !== undefined) return known;
    this.#names.set(name, this.#names.size);
    return this.#names.size - 1;
  }

  #grow(): void {
    const columns = makeColumns(this.#size * 2);
    const old = this.#columns;
    columns.offsets.set(old.offsets);
    columns.lengths.set(old.lengths);
    columns.names.set(old.names);
    columns.hashes.set(old.hashes);
    columns.flags.set(old.flags);
    this.#columns = columns;
  }

  #copyRow(from: number, columns: Columns, to: number): void {
    const { offsets, lengths, names, hashes, flags } = this.#columns;
    columns.offsets[to] = offsets[from] ?? 0;
    columns.lengths[to] = lengths[from] ?? 0;
    columns.names[to] = names[from] ?? NO_NAME;
    columns.flags[to] = flags[from] ?? 0;
    const start = from * HASH_LENGTH;
    columns.hashes.set(hashes.subarray(start, start + HASH_LENGTH), to * HASH_LENGTH);
  }

  /** Sorts by the first characters together with the row number, as whole numbers; then what is equal so far. */
  #sortedRows(): Uint32Array {
    const keys = new Float64Array(this.#size);
    for (let row = 0; row < keys.length; row++) keys[row] = this.#leadingBits(row) * ROW_RANGE + row;
    keys.sort();
    const rows = new Uint32Array(keys.length);
    let kept = 0;
    for (let from = 0; from < keys.length; ) {
      const end = this.#endOfRun(keys, from);
      if (end - from === 1) rows[kept++] = (keys[from] ?? 0) % ROW_RANGE;
      else for (const row of this.#sortRun(keys.subarray(from, end))) rows[kept++] = row;
      from = end;
    }
    return rows.subarray(0, kept);
  }

  /** Rows that begin with the same characters, without those that a later one replaces. */
  #sortRun(keys: Float64Array): number[] {
    const run = Array.from(keys, (key) => key % ROW_RANGE);
    const compare = (a: number, b: number) => Buffer.compare(this.#hashOf(a), this.#hashOf(b));
    run.sort((a, b) => compare(a, b) || a - b);
    return run.filter((row, i) => i + 1 === run.length || compare(row, run[i + 1] ?? row) !== 0);
  }

  /** Where the keys end that have the same characters as the one at `from`. */
  #endOfRun(keys: Float64Array, from: number): number {
    const bits = Math.floor((keys[from] ?? 0) / ROW_RANGE);
    let end = from + 1;
    while (end < keys.length && Math.floor((keys[end] ?? 0) / ROW_RANGE) === bits) end++;
    return end;
  }

  /** Digits 2–7 come before letters, as their characters do. */
  #leadingBits(row: number): number {
    const { hashes } = this.#columns;
    let bits = 0;
    for (let i = 0; i < SORTED_CHARACTERS; i++) {
      const character = hashes[row * HASH_LENGTH + i] ?? 0;
      bits = bits * 32 + (character < 0x61 ? character - 0x32 : character - 0x61 + 6);
    }
    return bits;
  }

  #hashOf(row: number): Uint8Array {
    return this.#columns.hashes.subarray(row * HASH_LENGTH, (row + 1) * HASH_LENGTH);
  }
}

const SORTED_CHARACTERS = 5;
/** Five characters of 5 bits and 28 bits for the row fit into the 53 bits of a number. */
const ROW_RANGE = 2 ** 28;

function makeColumns(size: number): Columns {
  return {
    offsets: new Float64Array(size),
    lengths: new Uint32Array(size),
    names: new Uint32Array(size),
    hashes: new Uint8Array(size * HASH_LENGTH),
    flags: new Uint8Array(size),
  };
}

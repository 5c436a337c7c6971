// ELF files made to exhaust whoever makes them grow: more symbol tables, names and bytes of names than any linker writes. Each is a 64 bit
// little-endian library that has grown before, so that its string table is the last of it.
import { readElfTables } from '../../src/binfmt/elf/elf-tables.js';
import { sourceOfBytes } from '../../src/core/byte-source.js';

const SECTION_SIZE = 64;
const SHT_GNU_verneed = 0x6ffffffe;

interface NewSection {
  readonly type: number;
  readonly offset: number;
  readonly size: number;
}

function tablesOf(bytes: Buffer) {
  const tables = readElfTables(sourceOfBytes(bytes));
  if ('problem' in tables || tables.strings === undefined) throw new TypeError('The file has no strings');
  return { ...tables, strings: tables.strings };
}

/** The file with more sections that are linked to its dynamic string table; their headers go to the end. */
function withSections(bytes: Buffer, sections: readonly NewSection[]): Buffer {
  const { sectionHeaders, strings } = tablesOf(bytes);
  const start = Number(sectionHeaders.offset);
  const old = bytes.subarray(start, start + sectionHeaders.count * SECTION_SIZE);
  const added = sections.map(({ type, offset, size }) => {
    const header = Buffer.alloc(SECTION_SIZE);
    header.writeUInt32LE(type, 4);
    header.writeBigUInt64LE(BigInt(offset), 24);
    header.writeBigUInt64LE(BigInt(size), 32);
    header.writeUInt32LE(strings.index, 40);
    return header;
  });
  const result = Buffer.concat([bytes, old, ...added]);
  result.writeBigUInt64LE(BigInt(bytes.length), 40);
  result.writeUInt16LE(sectionHeaders.count + sections.length, 60);
  return result;
}

export function withSymbolTables(bytes: Buffer, count: number): Buffer {
  return withSections(bytes, Array(count).fill({ type: 11, offset: 64, size: 8184 }));
}

/** Sections that cover what the file goes on with, which is zeros to `size`, several times. */
export function withLargeSections(bytes: Buffer, size: number): Buffer {
  return withSections(bytes, Array(3).fill({ type: 1, offset: 1 << 20, size: size - (1 << 20) }));
}

/** The file with needed versions of libraries whose names begin at these places of the string table. */
export function withNeededVersions(bytes: Buffer, names: readonly number[]): Buffer {
  const records = Buffer.alloc(16 * names.length);
  for (const [i, name] of names.entries()) {
    records.writeUInt32LE(name, 16 * i + 4);
    records.writeUInt32LE(i + 1 < names.length ? 16 : 0, 16 * i + 12);
  }
  const section = { type: SHT_GNU_verneed, offset: bytes.length, size: records.length };
  return withSections(Buffer.concat([bytes, records]), [section]);
}

/** The file with a table of symbols that all are in its dynamic string table, at the address of its begin. */
export function withSymbolsInStrings(
  bytes: Buffer,
  count: number,
): { readonly bytes: Buffer; readonly valueAt: (index: number) => number } {
  const { strings } = tablesOf(bytes);
  const symbols = Buffer.alloc(24 * count);
  for (let at = 0; at < symbols.length; at += 24) {
    symbols.writeUInt16LE(strings.index, at + 6);
    symbols.writeBigUInt64LE(strings.addr, at + 8);
  }
  const section = { type: 2, offset: bytes.length, size: symbols.length };
  return {
    bytes: withSections(Buffer.concat([bytes, symbols]), [section]),
    valueAt: (index) => bytes.length + 24 * index + 8,
  };
}

/** The file with one more string in its table. */
export function withString(bytes: Buffer, text: string): { readonly bytes: Buffer; readonly at: number } {
  const { strings, segments, dynamic, sectionHeaders, programHeaders } = tablesOf(bytes);
  if (Number(strings.offset + strings.size) !== bytes.length) throw new TypeError('The strings are not last');
  const result = Buffer.concat([bytes, Buffer.from(`${text}\0`, 'latin1')]);
  const addition = BigInt(text.length + 1);
  const add = (at: number) => result.writeBigUInt64LE(result.readBigUInt64LE(at) + addition, at);
  add(Number(sectionHeaders.offset) + strings.index * SECTION_SIZE + 32);
  for (const { at, tag } of dynamic) if (tag === 10n) add(at + 8);
  const last = segments.findLastIndex(({ type }) => type === 1);
  const header = Number(programHeaders.offset) + last * 56;
  add(header + 32);
  add(header + 40);
  return { bytes: result, at: Number(strings.size) };
}

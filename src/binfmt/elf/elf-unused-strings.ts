// Strings of a dynamic string table that nothing refers to: what is left of an rpath that some tool has removed. No loader reads
// them, so an old path in them need not become a new one: it can go.
import type { ByteSource, Edit } from '../../core/byte-source.js';
import { findStringUses, type StringUses } from './elf-strings.js';
import { type ElfTables, readElfTables } from './elf-tables.js';

interface StringTable {
  readonly bytes: Uint8Array;
  readonly uses: StringUses;
  readonly dynamic: ElfTables['dynamic'];
}

/** The parts of unused strings to overwrite with NULs; `isOld` says of a string whether it must go. */
export function findUnusedStrings(
  { bytes, uses, dynamic }: StringTable,
  isOld: (string: Uint8Array) => boolean,
): readonly { readonly start: number; readonly end: number }[] {
  const used = new Set([...uses.others, ...uses.paths.map(({ offset }) => offset)]);
  // Of entries with an unknown meaning, a value that could be an offset counts as one.
  for (const { tag, value } of dynamic)
    if (!isKnownTag(tag) && value < BigInt(bytes.length)) used.add(Number(value));
  const parts: { start: number; end: number }[] = [];
  for (let start = 0; start < bytes.length; ) {
    const nul = bytes.indexOf(0, start);
    const end = nul < 0 ? bytes.length : nul;
    if (end > start && !used.has(start) && isOld(bytes.subarray(start, end))) {
      let to = start;
      while (to < end && !used.has(to)) to++;
      parts.push({ start, end: to });
    }
    start = end + 1;
  }
  return parts;
}

/** Entries of the gABI, and of the ranges in which GNU defines all that it uses. */
function isKnownTag(tag: bigint): boolean {
  return tag < DT_LOOS || (tag >= DT_VALRNGLO && tag <= DT_HIOS);
}

const DT_LOOS = 0x60000000n;
const DT_VALRNGLO = 0x6ffffd00n;
const DT_HIOS = 0x6fffffffn;

/** The edits that overwrite unused strings in a file; none where not every use of its strings is known. */
export function eraseUnusedStrings(
  source: ByteSource,
  isOld: (string: Uint8Array) => boolean,
): readonly Edit[] {
  const tables = readElfTables(source);
  if ('problem' in tables || tables.strings === undefined) return [];
  const { reader, strings, dynamic } = tables;
  if (!reader.contains(strings.offset, strings.size)) return [];
  const uses = findStringUses(tables, strings);
  if ('problem' in uses) return [];
  const bytes = new Uint8Array(source.read(Number(strings.offset), Number(strings.size)));
  return findUnusedStrings({ bytes, uses, dynamic }, isOld).map(({ start, end }) => ({
    offset: Number(strings.offset) + start,
    bytes: new Uint8Array(end - start),
  }));
}

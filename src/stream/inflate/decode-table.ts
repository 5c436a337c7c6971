// Builds the lookup tables of a canonical Huffman code (RFC 1951 §3.2.2): one main table, subtables for longer codes.
// Accepts exactly the codes zlib accepts.
import { ENTRY_INVALID, ENTRY_SUBTABLE } from './deflate-format.js';

const MAX_CODE_LENGTH = 15;

export interface DecodeTable {
  readonly entries: Int32Array;
  /** Index bits of the main table. */
  readonly mainBits: number;
  /** Entry of each symbol, without the length of its code. */
  readonly symbols: Int32Array;
  /** Whether no code at all, or one code of one bit, is accepted. */
  readonly mayBeIncomplete: boolean;
}

const counts = new Int32Array(MAX_CODE_LENGTH + 1);
const firstOfLength = new Int32Array(MAX_CODE_LENGTH + 2);
const sortedSymbols = new Uint16Array(320);

/** Fills `table` for the code with these lengths; false where the code is over-subscribed or incomplete. */
export function buildDecodeTable(table: DecodeTable, lengths: Uint8Array): boolean {
  countLengths(lengths);
  let free = 1;
  for (let length = 1; length <= MAX_CODE_LENGTH; length++) {
    free = free * 2 - (counts[length] as number);
    if (free < 0) return false;
  }
  sortSymbols(lengths);
  if (free > 0) return fillIncomplete(table);
  const code = fillMainTable(table);
  fillSubtables(table, code);
  return true;
}

function countLengths(lengths: Uint8Array): void {
  counts.fill(0);
  for (let i = 0; i < lengths.length; i++) {
    const length = lengths[i] as number;
    counts[length] = (counts[length] as number) + 1;
  }
  counts[0] = 0;
}

/** Symbols by length of their code, then by value: the order in which a canonical code counts up. */
function sortSymbols(lengths: Uint8Array): void {
  firstOfLength[1] = 0;
  for (let length = 1; length <= MAX_CODE_LENGTH; length++) {
    firstOfLength[length + 1] = (firstOfLength[length] as number) + (counts[length] as number);
  }
  for (let symbol = 0; symbol < lengths.length; symbol++) {
    const length = lengths[symbol] as number;
    if (length === 0) continue;
    const place = firstOfLength[length] as number;
    sortedSymbols[place] = symbol;
    firstOfLength[length] = place + 1;
  }
}

/** Decoders accept an incomplete code only when it has no code, or one code of one bit. */
function fillIncomplete({ entries, mainBits, symbols, mayBeIncomplete }: DecodeTable): boolean {
  for (let length = 2; length <= MAX_CODE_LENGTH; length++) if (counts[length] !== 0) return false;
  if (!mayBeIncomplete) return false;
  const invalid = withLength(ENTRY_INVALID, 1);
  const only = counts[1] === 1 ? withLength(symbols[sortedSymbols[0] as number] as number, 1) : invalid;
  for (let i = 0; i < 1 << mainBits; i += 2) {
    entries[i] = only;
    entries[i + 1] = invalid;
  }
  return true;
}

function withLength(entry: number, length: number): number {
  return entry + ((length << 8) | length);
}

/** The code after `code` among codes of `length` bits, both written with the first bit lowest, as a stream has them. */
function nextCode(code: number, length: number): number {
  const zeros = code ^ ((1 << length) - 1);
  if (zeros === 0) return code; // the last code of all
  const bit = 1 << (31 - Math.clz32(zeros));
  return (code & (bit - 1)) | bit;
}

/** Grows the table by doubling, so that a short code is copied to all its places. Returns the first code too long for it. */
function fillMainTable({ entries, mainBits, symbols }: DecodeTable): number {
  let code = 0;
  let next = 0;
  for (let length = 1; length <= mainBits; length++) {
    const half = 1 << (length - 1);
    entries.copyWithin(half, 0, half);
    for (let left = counts[length] as number; left > 0; left--) {
      entries[code] = withLength(symbols[sortedSymbols[next++] as number] as number, length);
      code = nextCode(code, length);
    }
  }
  return code;
}

function fillSubtables({ entries, mainBits, symbols }: DecodeTable, firstCode: number): void {
  let code = firstCode;
  let next = firstOfLength[mainBits] as number; // where sorting left it: after the last symbol of that length
  let end = 1 << mainBits;
  let begin = 0;
  let prefix = -1;
  for (let length = mainBits + 1; length <= MAX_CODE_LENGTH; length++) {
    for (; (counts[length] as number) > 0; counts[length] = (counts[length] as number) - 1) {
      if ((code & ((1 << mainBits) - 1)) !== prefix) {
        prefix = code & ((1 << mainBits) - 1);
        const bits = subtableBits(length, mainBits);
        begin = end;
        end += 1 << bits;
        entries[prefix] = ENTRY_SUBTABLE | (begin << 16) | (bits << 8) | mainBits;
      }
      const entry = withLength(symbols[sortedSymbols[next++] as number] as number, length - mainBits);
      for (let i = begin + (code >> mainBits); i < end; i += 1 << (length - mainBits)) entries[i] = entry;
      code = nextCode(code, length);
    }
  }
}

/** Index bits of a subtable whose first code has `length` bits: as many as its longest code needs. */
function subtableBits(length: number, mainBits: number): number {
  let bits = length - mainBits;
  let filled = counts[length] as number;
  while (filled < 1 << bits) {
    bits++;
    filled = filled * 2 + (counts[mainBits + bits] as number);
  }
  return bits;
}

// The numbers of the DEFLATE format (RFC 1951 §3.2.5 to §3.2.7) and how a decoded symbol is packed into one decode table entry.

/** A match never reaches further back than this. */
export const HISTORY_SIZE = 32768;
/** The longest match. */
const MAX_MATCH = 258;
/** Order in which the lengths of the code length code are sent. */
export const PRECODE_ORDER: readonly number[] = [
  16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
];
export const MAX_LITLEN_SYMBOLS = 286;
export const MAX_DISTANCE_SYMBOLS = 30;
export const END_OF_BLOCK = 256;

// An entry, an int32:
//   31      it is a literal (so a sign test finds literals), the byte in 16–23
//   16–30   first length or distance of the symbol; or where a subtable begins
//   15      neither literal nor match: 14 says subtable, 13 end of block, none of them says invalid
//   8–11    bits of the code alone (for a subtable: the bits that index it)
//   0–4     bits to take in all, code and extra bits (for a subtable: the bits of the main table)
const ENTRY_LITERAL = 1 << 31;
export const ENTRY_SPECIAL = 1 << 15;
export const ENTRY_SUBTABLE = ENTRY_SPECIAL | (1 << 14);
export const ENTRY_END = ENTRY_SPECIAL | (1 << 13);
export const ENTRY_INVALID = ENTRY_SPECIAL;

/** Symbols with a base value and extra bits: `perStep` symbols share a number of extra bits. */
function rangedSymbols(first: number, count: number, perStep: number): number[] {
  const entries: number[] = [];
  let base = first;
  for (let i = 0; i < count; i++) {
    const extra = Math.max(0, Math.floor(i / perStep) - 1);
    entries.push((base << 16) | extra);
    base += 1 << extra;
  }
  return entries;
}

function litlenSymbols(): Int32Array {
  const literals = Array.from({ length: 256 }, (_, byte) => ENTRY_LITERAL | (byte << 16));
  const lengths = rangedSymbols(3, 28, 4);
  // Code 285 is 258 without extra bits, although 284 can say 258 as well; 286 and 287 exist only in the fixed code.
  return Int32Array.from([...literals, ENTRY_END, ...lengths, MAX_MATCH << 16, ENTRY_INVALID, ENTRY_INVALID]);
}

/** What each symbol of a code means: entries without the length of the code, which the table builder adds. */
export const LITLEN_SYMBOLS: Int32Array = litlenSymbols();
export const DISTANCE_SYMBOLS: Int32Array = Int32Array.from([
  ...rangedSymbols(1, MAX_DISTANCE_SYMBOLS, 2),
  ENTRY_INVALID,
  ENTRY_INVALID,
]);
/** Symbols 16, 17 and 18 repeat a length; their extra bits say how often beyond the least. */
export const PRECODE_SYMBOLS: Int32Array = Int32Array.from(
  Array.from({ length: 19 }, (_, symbol) => (symbol << 16) | ([2, 3, 7][symbol - 16] ?? 0)),
);

/** Code lengths of the fixed literal/length code. */
export function fixedLitlenLengths(): Uint8Array {
  return new Uint8Array(288).fill(8, 0, 144).fill(9, 144, 256).fill(7, 256, 280).fill(8, 280, 288);
}

/** Code lengths of the fixed distance code. */
export function fixedDistanceLengths(): Uint8Array {
  return new Uint8Array(32).fill(5);
}

// Writes the records of a pax extended header (POSIX.1-2001 pax "Extended Header"), as Python's tarfile does: FORMATS.md §3.
import { fromLatin1 } from '../core/bytes.js';
import { decodeSurrogateEscape, isAscii, isEscapedByte } from '../host/surrogate-escape.js';

export interface PaxRecord {
  readonly keyword: string;
  /** A byte string. */
  readonly value: string;
}

/** Says that values are raw bytes; it comes first where one of them is not UTF-8. */
const BINARY: PaxRecord = { keyword: 'hdrcharset', value: 'BINARY' };

/** The body of a pax header. */
export function encodePax(records: readonly PaxRecord[]): Uint8Array {
  const isBinary = records.some(({ value }) => !isUtf8(value));
  const all = isBinary ? [BINARY, ...records] : records;
  return fromLatin1(all.map(encodeRecord).join(''));
}

/** The length that a record begins with counts its own digits. */
function encodeRecord({ keyword, value }: PaxRecord): string {
  const rest = ` ${keyword}=${value}\n`;
  let length = rest.length;
  while (length !== rest.length + String(length).length) length = rest.length + String(length).length;
  return `${length}${rest}`;
}

function isUtf8(value: string): boolean {
  if (isAscii(value)) return true;
  for (const character of decodeSurrogateEscape(value))
    if (isEscapedByte(character.codePointAt(0) ?? 0)) return false;
  return true;
}

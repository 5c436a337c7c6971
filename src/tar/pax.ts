// Records of a pax extended header (POSIX.1-2001 pax "Extended Header"): "<length> <keyword>=<value>\n", values as raw bytes.
import { toLatin1 } from '../core/bytes.js';
import { ArchiveError } from '../core/errors.js';

export type PaxRecords = ReadonlyMap<string, string>;

/** Represents all keywords that make a member a sparse file (GNU). */
export const SPARSE = 'GNU.sparse';

/** The keywords in use; others are dropped, so that global headers cannot accumulate. */
const KEYWORDS: ReadonlySet<string> = new Set(['path', 'linkpath', 'size', SPARSE]);

const SPACE = 0x20;
const NEWLINE = 0x0a;
const MAX_LENGTH_DIGITS = 10;

/**
 * Reads the body of a pax header; unused keywords are dropped. A later record replaces an earlier one with the same keyword.
 * @throws ArchiveError `tar-pax`
 */
export function parsePax(body: Uint8Array, offset: number): PaxRecords {
  const records = new Map<string, string>();
  let position = 0;
  while (position < body.length && body[position] !== 0) {
    const { keyword, value, end } = parseRecord(body, position, offset);
    const known = keyword.startsWith(`${SPARSE}.`) ? SPARSE : keyword;
    if (KEYWORDS.has(known)) records.set(known, value);
    position = end;
  }
  return records;
}

function parseRecord(
  body: Uint8Array,
  start: number,
  offset: number,
): { keyword: string; value: string; end: number } {
  const space = body.indexOf(SPACE, start);
  if (space < 0 || space - start > MAX_LENGTH_DIGITS)
    throw paxError(offset + start, 'a record has no length');
  const digits = toLatin1(body.subarray(start, space));
  if (!/^[0-9]+$/.test(digits)) throw paxError(offset + start, 'a record has no length');
  const end = start + Number.parseInt(digits, 10);
  if (end > body.length || end <= space + 1 || body[end - 1] !== NEWLINE) {
    throw paxError(offset + start, 'the length of a record is wrong');
  }
  const text = toLatin1(body.subarray(space + 1, end - 1));
  const equals = text.indexOf('=');
  if (equals <= 0) throw paxError(offset + start, 'a record has no keyword');
  return { keyword: text.slice(0, equals), value: text.slice(equals + 1), end };
}

/** The value of `size=`, or undefined if there is none. */
export function paxSize(records: PaxRecords, offset: number): number | undefined {
  const text = records.get('size');
  if (text === undefined) return undefined;
  const size = Number(text);
  if (!/^[0-9]+$/.test(text) || !Number.isSafeInteger(size))
    throw paxError(offset, 'the record "size" is not a usable number');
  return size;
}

function paxError(offset: number, state: string): ArchiveError {
  return new ArchiveError('tar-pax', `Cannot read the pax header at offset ${offset}: ${state}`, {
    data: { offset },
  });
}

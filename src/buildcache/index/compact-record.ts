// A shortcut for the records of an index as Spack and regraft write them: without blanks, `spec` first, `ref_count` behind it. Their ends
// are found with searches of the platform (5 GB/s for a needle that begins with a bracket, 1 with a quote) in place of a walk over
// their bytes. Whatever looks different, and the last record, are left to the exact scanner.

import type { RecordPlace } from './index-places.js';

export interface CompactRecord extends RecordPlace {
  /** Offset behind the record. */
  readonly end: number;
}

const BEGIN = Buffer.from('{"spec":{"name":"');
/** The node begins behind `{"spec":`. */
const NODE_AT = 8;
const NEXT = Buffer.from('{"spec":');
/** Between two records stands `,"<hash>":`. */
const BETWEEN_LENGTH = 36;
const AFTER_NODE = Buffer.from('},"ref_count":');
const TRUE = Buffer.from(',"in_buildcache":true}');
const FALSE = Buffer.from(',"in_buildcache":false}');
const QUOTE = 0x22;
const LONGEST_NAME = 128;
const LONGEST_COUNT = 10;

/**
 * Reads a record that begins at `at`; undefined when it has another form, or no other record follows in these bytes.
 * @param base the offset of the first byte of `bytes`.
 */
export function readCompactRecord(bytes: Buffer, at: number, base: number): CompactRecord | undefined {
  if (!hasAt(bytes, at, BEGIN)) return undefined;
  const nextAt = bytes.indexOf(NEXT, at + BEGIN.length);
  const markerAt = bytes.indexOf(AFTER_NODE, at + BEGIN.length);
  if (nextAt < 0 || markerAt < 0) return undefined;
  const flagAt = endOfDigits(bytes, markerAt + AFTER_NODE.length);
  const inBuildcache = hasAt(bytes, flagAt, TRUE);
  if (!inBuildcache && !hasAt(bytes, flagAt, FALSE)) return undefined;
  const end = flagAt + (inBuildcache ? TRUE : FALSE).length;
  // Both searches must tell of the same record, or one of another form stands between.
  if (end + BETWEEN_LENGTH !== nextAt) return undefined;
  const name = readName(bytes, at + BEGIN.length);
  if (name === undefined) return undefined;
  const nodeAt = at + NODE_AT;
  return { offset: base + nodeAt, length: markerAt + 1 - nodeAt, inBuildcache, name, end: base + end };
}

function hasAt(bytes: Buffer, at: number, wanted: Buffer): boolean {
  for (let i = 0; i < wanted.length; i++) if (bytes[at + i] !== wanted[i]) return false;
  return true;
}

function endOfDigits(bytes: Buffer, start: number): number {
  let end = start;
  while (isDigit(bytes[end] ?? 0) && end - start < LONGEST_COUNT) end++;
  return end === start ? -1 : end;
}

function readName(bytes: Buffer, start: number): string | undefined {
  for (let end = start; end - start < LONGEST_NAME; end++) {
    const byte = bytes[end] ?? 0;
    if (byte === QUOTE) return end === start ? undefined : bytes.toString('latin1', start, end);
    if (!isNameByte(byte)) return undefined;
  }
  return undefined;
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

/** `[A-Za-z0-9_.-]`. */
function isNameByte(byte: number): boolean {
  const lower = byte | 0x20;
  const isLetter = lower >= 0x61 && lower <= 0x7a;
  return isLetter || isDigit(byte) || byte === 0x5f || byte === 0x2e || byte === 0x2d;
}

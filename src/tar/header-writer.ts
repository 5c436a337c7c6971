// Writes the 512-byte header block of a tar archive (POSIX.1-2001 "ustar"), byte for byte as Python's tarfile does: FORMATS.md §3.
import { fromLatin1 } from '../core/bytes.js';
import { decodeSurrogateEscape, isAscii } from '../host/surrogate-escape.js';
import { BLOCK_SIZE, FIELDS } from './header.js';

export interface HeaderFields {
  /** A byte string. What does not fit stands in a pax header before the block. */
  readonly name: string;
  readonly mode: number;
  readonly size: number;
  readonly typeflag: string;
  readonly linkname?: string;
}

type Field = keyof typeof FIELDS;

/** The header block; owner, group and time are 0 and nameless, so that an archive depends on its content only. */
export function encodeHeader({ name, mode, size, typeflag, linkname = '' }: HeaderFields): Uint8Array {
  const block = new Uint8Array(BLOCK_SIZE);
  writeText(block, 'name', name);
  writeNumber(block, 'mode', mode & 0o7777);
  writeNumber(block, 'uid', 0);
  writeNumber(block, 'gid', 0);
  writeNumber(block, 'size', size);
  writeNumber(block, 'mtime', 0);
  writeText(block, 'typeflag', typeflag);
  writeText(block, 'linkname', linkname);
  writeText(block, 'magic', 'ustar\0');
  writeText(block, 'version', '00');
  writeChecksum(block);
  return block;
}

/** The largest number that the octal digits of a field hold, plus one. */
export function limitOf(field: Field): number {
  return 8 ** (FIELDS[field][1] - 1);
}

export function sizeOf(field: Field): number {
  return FIELDS[field][1];
}

/** The first characters, each that is not ASCII as "?". */
function writeText(block: Uint8Array, field: Field, text: string): void {
  const [offset, size] = FIELDS[field];
  const ascii = isAscii(text) ? text : decodeSurrogateEscape(text).replace(/[^\0-\x7f]/gu, '?');
  block.set(fromLatin1(ascii.slice(0, size)), offset);
}

function writeNumber(block: Uint8Array, field: Field, value: number): void {
  const [offset, size] = FIELDS[field];
  block.set(fromLatin1(value.toString(8).padStart(size - 1, '0')), offset);
}

/** Summed with blanks in its own place; six digits, a NUL, and one of those blanks. */
function writeChecksum(block: Uint8Array): void {
  const [offset, size] = FIELDS.checksum;
  block.fill(0x20, offset, offset + size);
  let sum = 0;
  for (const byte of block) sum += byte;
  block.set(fromLatin1(`${sum.toString(8).padStart(size - 2, '0')}\0`), offset);
}

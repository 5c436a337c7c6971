// The 512-byte header block of a tar archive (POSIX.1-2001 "ustar", with the GNU and old v7 forms that Python's tarfile reads).
import { toLatin1 } from '../core/bytes.js';
import { ArchiveError } from '../core/errors.js';
import type { TarEntryType } from './entry.js';

export const BLOCK_SIZE = 512;

/** Name, offset and size of each field of the header block. */
export const FIELDS = {
  name: [0, 100],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
  checksum: [148, 8],
  typeflag: [156, 1],
  linkname: [157, 100],
  magic: [257, 6],
  version: [263, 2],
  prefix: [345, 155],
} as const;

type Field = keyof typeof FIELDS;

const ENTRY_TYPES: Readonly<Record<string, TarEntryType>> = {
  '0': 'file',
  '\0': 'file',
  '7': 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '3': 'character-device',
  '4': 'block-device',
  '5': 'directory',
  '6': 'fifo',
};

export interface TarHeader {
  readonly name: string;
  readonly mode: number;
  readonly size: number;
  readonly mtime: number;
  readonly typeflag: string;
  readonly linkname: string;
}

/** The meaning of a type flag; `unknown` for everything that this toolkit does not extract. */
export function entryTypeOf(typeflag: string): TarEntryType {
  return ENTRY_TYPES[typeflag] ?? 'unknown';
}

/**
 * Reads one header block.
 * @param block 512 bytes
 * @param offset the offset of the block in the archive, for messages
 * @throws ArchiveError `tar-header`
 */
export function parseHeader(block: Uint8Array, offset: number): TarHeader {
  const stored = numberField(block, 'checksum', offset);
  if (!checksumMatches(block, stored)) {
    throw headerError(offset, 'the checksum does not match');
  }
  const name = stringField(block, 'name');
  const prefix = stringField(block, 'magic') === 'ustar' ? stringField(block, 'prefix') : '';
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    mode: numberField(block, 'mode', offset) & 0o7777,
    size: numberField(block, 'size', offset),
    mtime: numberField(block, 'mtime', offset),
    typeflag: String.fromCharCode(block[FIELDS.typeflag[0]] ?? 0),
    linkname: stringField(block, 'linkname'),
  };
}

export function isZeroBlock(block: Uint8Array): boolean {
  if (block[0] !== 0) return false;
  for (const byte of block) if (byte !== 0) return false;
  return true;
}

export function headerError(offset: number, state: string): ArchiveError {
  return new ArchiveError('tar-header', `Cannot read the tar header at offset ${offset}: ${state}`, {
    data: { offset },
  });
}

function stringField(block: Uint8Array, field: Field): string {
  const [start, size] = FIELDS[field];
  let end = start;
  while (end < start + size && block[end] !== 0) end++;
  return end === start ? '' : toLatin1(block.subarray(start, end));
}

const ZERO = 0x30;

/** Octal digits with surrounding blanks, up to a NUL; or base 256 if the first byte says so (GNU). */
function numberField(block: Uint8Array, field: Field, offset: number): number {
  const [start, size] = FIELDS[field];
  const first = block[start] ?? 0;
  if (first === 0x80) return base256(block.subarray(start + 1, start + size), field, offset);
  if (first === 0xff && field === 'mtime') return 0; // before 1970
  let value = 0;
  for (let i = start; i < start + size; i++) {
    const digit = (block[i] ?? 0) - ZERO;
    if (digit < 0 || digit > 7) return block[i] === 0 ? value : numberWithBlanks(block, field, offset);
    value = value * 8 + digit;
  }
  return value;
}

function numberWithBlanks(block: Uint8Array, field: Field, offset: number): number {
  const text = stringField(block, field).trim();
  if (text === '') return 0;
  if (!/^[0-7]+$/.test(text)) throw headerError(offset, `the field "${field}" is not an octal number`);
  return Number.parseInt(text, 8);
}

function base256(bytes: Uint8Array, field: Field, offset: number): number {
  let value = 0;
  for (const byte of bytes) {
    value = value * 256 + byte;
    if (value > Number.MAX_SAFE_INTEGER) throw headerError(offset, `the field "${field}" is too large`);
  }
  return value;
}

/** Both sums in use: of unsigned bytes (the standard) and of signed bytes (some old writers); the field itself counts as blanks. */
function checksumMatches(block: Uint8Array, stored: number): boolean {
  const [start, size] = FIELDS.checksum;
  let unsigned = 0x20 * size;
  let negative = 0;
  for (let i = 0; i < start; i++) {
    const byte = block[i] ?? 0;
    unsigned += byte;
    negative += byte >> 7;
  }
  for (let i = start + size; i < BLOCK_SIZE; i++) {
    const byte = block[i] ?? 0;
    unsigned += byte;
    negative += byte >> 7;
  }
  return stored === unsigned || stored === unsigned - 256 * negative;
}

// What a tar archive consists of besides the bodies of its files: headers, padding, the end (POSIX pax; FORMATS.md §3).
import { concatBytes } from '../core/bytes.js';
import { isAscii } from '../host/surrogate-escape.js';
import { BLOCK_SIZE } from './header.js';
import { encodeHeader, limitOf, sizeOf } from './header-writer.js';
import { encodePax, type PaxRecord } from './pax-writer.js';

/** A member to write. Names are byte strings. */
export type PackedMember =
  | { readonly type: 'directory'; readonly path: string; readonly mode: number }
  | { readonly type: 'file'; readonly path: string; readonly mode: number; readonly size: number }
  | {
      readonly type: 'symlink' | 'hardlink';
      readonly path: string;
      readonly mode: number;
      readonly linkPath: string;
    };

const TYPEFLAGS = { file: '0', hardlink: '1', symlink: '2', directory: '5' } as const;
const PAX_HEADER = { name: '././@PaxHeader', mode: 0, typeflag: 'x' };
/** Archives are padded to this: the record size of every tar. */
export const RECORD_SIZE = 20 * BLOCK_SIZE;

/** Everything of a member that comes before its body: a pax header where one is needed, and the header block. */
export function packHeader(member: PackedMember): Uint8Array {
  const name = member.type === 'directory' ? `${member.path}/` : member.path;
  const size = member.type === 'file' ? member.size : 0;
  const linkname = 'linkPath' in member ? member.linkPath : '';
  const fitsSize = size < limitOf('size');
  const records: PaxRecord[] = [];
  if (!fits(name, sizeOf('name'))) records.push({ keyword: 'path', value: name });
  if (!fits(linkname, sizeOf('linkname'))) records.push({ keyword: 'linkpath', value: linkname });
  if (!fitsSize) records.push({ keyword: 'size', value: String(size) });
  const typeflag = TYPEFLAGS[member.type];
  const header = encodeHeader({ name, mode: member.mode, size: fitsSize ? size : 0, typeflag, linkname });
  return records.length === 0 ? header : concatBytes([packPax(records), header]);
}

function packPax(records: readonly PaxRecord[]): Uint8Array {
  const body = encodePax(records);
  const header = encodeHeader({ ...PAX_HEADER, size: body.length });
  return concatBytes([header, body, new Uint8Array(paddingAfter(body.length))]);
}

function fits(text: string, limit: number): boolean {
  return text.length <= limit && isAscii(text);
}

/** How many NULs follow a body. */
export function paddingAfter(size: number): number {
  const rest = size % BLOCK_SIZE;
  return rest === 0 ? 0 : BLOCK_SIZE - rest;
}

/** How many NULs end an archive whose members have `size` bytes: two blocks, then up to a whole record. */
export function endingAfter(size: number): number {
  const ended = size + 2 * BLOCK_SIZE;
  const rest = ended % RECORD_SIZE;
  return 2 * BLOCK_SIZE + (rest === 0 ? 0 : RECORD_SIZE - rest);
}

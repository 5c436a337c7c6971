// Builds tar archives byte by byte, right and wrong ones (POSIX pax, ustar, GNU and old v7 headers). Strings are latin1 bytes.

export const BLOCK = 512;

export interface HeaderSketch {
  readonly name?: string;
  /** Numbers become octal digits; texts and bytes go into the field as they are. */
  readonly mode?: number | string;
  readonly size?: number | string | Uint8Array;
  readonly mtime?: number | string | Uint8Array;
  readonly type?: string;
  readonly linkname?: string;
  /** Magic and version: 8 bytes. */
  readonly magic?: string;
  readonly prefix?: string;
  /** How the checksum is made; a text goes into the field as it is. */
  readonly checksum?: 'unsigned' | 'signed' | { readonly text: string };
}

export interface MemberSketch extends HeaderSketch {
  readonly body?: Uint8Array | string;
}

export const POSIX = 'ustar\x0000';
export const GNU = 'ustar  \0';
export const V7 = '\0'.repeat(8);

const CHECKSUM_FIELD = [148, 156] as const;

/** One header block. */
export function tarHeader(sketch: HeaderSketch): Buffer {
  const block = Buffer.alloc(BLOCK);
  const put = (value: string | Uint8Array, offset: number, size: number) =>
    Buffer.from(typeof value === 'string' ? Buffer.from(value, 'latin1') : value).copy(
      block,
      offset,
      0,
      size,
    );
  put(sketch.name ?? 'member', 0, 100);
  put(numberField(sketch.mode ?? 0o644, 8), 100, 8);
  put(numberField(0, 8), 108, 8);
  put(numberField(0, 8), 116, 8);
  put(numberField(sketch.size ?? 0, 12), 124, 12);
  put(numberField(sketch.mtime ?? 0, 12), 136, 12);
  put(sketch.type ?? '0', 156, 1);
  put(sketch.linkname ?? '', 157, 100);
  put(sketch.magic ?? POSIX, 257, 8);
  put(sketch.prefix ?? '', 345, 155);
  put(checksumField(block, sketch.checksum ?? 'unsigned'), CHECKSUM_FIELD[0], 8);
  return block;
}

function numberField(value: number | string | Uint8Array, width: number): string | Uint8Array {
  return typeof value === 'number' ? `${value.toString(8).padStart(width - 1, '0')}\0` : value;
}

function checksumField(block: Uint8Array, kind: NonNullable<HeaderSketch['checksum']>): string {
  if (typeof kind === 'object') return kind.text;
  let sum = 0;
  for (const [i, byte] of block.entries()) {
    const counted = i >= CHECKSUM_FIELD[0] && i < CHECKSUM_FIELD[1] ? 0x20 : byte;
    sum += kind === 'signed' && counted > 127 ? counted - 256 : counted;
  }
  return `${sum.toString(8).padStart(6, '0')}\0 `;
}

/** A number as GNU tar writes what octal digits cannot hold. */
export function base256(value: number, width = 12): Uint8Array {
  const field = new Uint8Array(width);
  field[0] = 0x80;
  for (let rest = value, i = width - 1; rest > 0; i--, rest = Math.floor(rest / 256)) field[i] = rest % 256;
  return field;
}

/** A member: its header and its body, padded to whole blocks. */
export function tarMember(sketch: MemberSketch): Buffer {
  const body =
    typeof sketch.body === 'string' ? Buffer.from(sketch.body, 'latin1') : (sketch.body ?? new Uint8Array(0));
  return Buffer.concat([tarHeader({ size: body.length, ...sketch }), padded(body)]);
}

export function padded(body: Uint8Array): Buffer {
  return Buffer.concat([body, Buffer.alloc((BLOCK - (body.length % BLOCK)) % BLOCK)]);
}

/** A pax header for the next member; `global`: for all that follow. */
export function paxMember(
  records: Readonly<Record<string, string>> | readonly (readonly [string, string])[],
  { global = false } = {},
): Buffer {
  const entries = Array.isArray(records) ? records : Object.entries(records);
  const body = entries.map(([keyword, value]) => paxRecord(keyword, value)).join('');
  return tarMember({ name: '././@PaxHeader', mode: 0, type: global ? 'g' : 'x', body });
}

/** `<length> <keyword>=<value>\n`, where the length counts its own digits. */
export function paxRecord(keyword: string, value: string): string {
  const rest = ` ${keyword}=${value}\n`;
  let length = rest.length;
  while (`${length}${rest}`.length !== length) length = `${length}${rest}`.length;
  return `${length}${rest}`;
}

/** A GNU long name (`L`) or long link name (`K`) for the next member. */
export function gnuLong(type: 'L' | 'K', name: string): Buffer {
  return tarMember({ name: '././@LongLink', magic: GNU, type, body: `${name}\0` });
}

/** The two zero blocks that end an archive. */
export const END = Buffer.alloc(2 * BLOCK);

/** A whole archive. */
export function tarArchive(...parts: readonly (Uint8Array | MemberSketch)[]): Buffer {
  return Buffer.concat([...parts.map((part) => (part instanceof Uint8Array ? part : tarMember(part))), END]);
}

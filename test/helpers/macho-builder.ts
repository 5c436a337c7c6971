// Mach-O files for tests, made of the fixtures: fat files, other code signatures than the linker's, and what of them can be damaged.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Field, numbers, type Specimen } from './elf-mutations.js';

const FIXTURES = join(process.cwd(), 'test', 'fixtures-binaries');

export const MACHO_LIBRARIES = ['libgreet-arm64.dylib', 'libgreet-x86_64.dylib'] as const;
export const MACHO_FILES = [...MACHO_LIBRARIES, 'hello-macho'] as const;

export function machoFixture(name: string): Buffer {
  return readFileSync(join(FIXTURES, name));
}

/** A file that has nothing but load commands with names, and room behind them. */
export function machoOfNames(
  names: readonly { readonly command: number; readonly name: string }[],
  room: number,
): Buffer {
  const commands = names.map(({ command, name }) => {
    const at = command === 0x8000001c ? 12 : 24;
    const bytes = Buffer.alloc(Math.ceil((at + name.length + 1) / 8) * 8);
    bytes.writeUInt32LE(command, 0);
    bytes.writeUInt32LE(bytes.length, 4);
    bytes.writeUInt32LE(at, 8);
    bytes.write(name, at, 'latin1');
    return bytes;
  });
  const body = Buffer.concat(commands);
  const header = Buffer.alloc(32);
  header.writeUInt32LE(0xfeedfacf, 0);
  header.writeUInt32LE(names.length, 16);
  header.writeUInt32LE(body.length, 20);
  return Buffer.concat([header, body, Buffer.alloc(room)]);
}

/** Files in one, each on a page of its own. */
export function fatMacho(parts: readonly Buffer[], isWide = false): Buffer {
  const page = 0x4000;
  const recordSize = isWide ? 32 : 20;
  const pieces: Buffer[] = [Buffer.alloc(page)];
  const header = pieces[0] as Buffer;
  header.writeUInt32BE(isWide ? 0xcafebabf : 0xcafebabe, 0);
  header.writeUInt32BE(parts.length, 4);
  let offset = page;
  for (const [i, part] of parts.entries()) {
    const at = 8 + recordSize * i;
    header.writeUInt32BE(part.readUInt32LE(4), at);
    header.writeUInt32BE(part.readUInt32LE(8), at + 4);
    if (isWide) {
      header.writeBigUInt64BE(BigInt(offset), at + 8);
      header.writeBigUInt64BE(BigInt(part.length), at + 16);
    } else {
      header.writeUInt32BE(offset, at + 8);
      header.writeUInt32BE(part.length, at + 12);
    }
    const padding = i + 1 < parts.length ? (page - (part.length % page)) % page : 0;
    pieces.push(part, Buffer.alloc(padding));
    offset += part.length + padding;
  }
  return Buffer.concat(pieces);
}

export interface DirectoryOptions {
  /** As in `CodeDirectory`: 1 SHA-1, 2 SHA-256, 3 SHA-256 cut to 20 bytes, 4 SHA-384. */
  readonly hashType: 1 | 2 | 3 | 4;
  readonly flags?: number;
  readonly version?: number;
  readonly pageShift?: number;
}

export interface SignatureOptions {
  readonly directories: readonly DirectoryOptions[];
  /** The size of what a real identity adds; none by default. */
  readonly identity?: number;
}

const HASH_SIZES = { 1: 20, 2: 32, 3: 20, 4: 48 } as const;
const LC_CODE_SIGNATURE = 0x1d;

/** The file with another signature, whose page hashes are all zero. */
export function withSignature(file: Buffer, { directories, identity = 0 }: SignatureOptions): Buffer {
  const command = findCommand(file, LC_CODE_SIGNATURE);
  const limit = file.readUInt32LE(command + 8);
  const blobs = directories.map((each, i): readonly [number, Buffer] => [
    i === 0 ? 0 : 0x1000 + i - 1,
    codeDirectory(each, limit),
  ]);
  if (identity > 0) blobs.push([0x10000, wrapper(identity)]);
  const signature = superBlob(blobs);
  const signed = Buffer.concat([file.subarray(0, limit), signature]);
  signed.writeUInt32LE(signature.length, command + 12);
  return signed;
}

function findCommand(file: Buffer, kind: number): number {
  let at = 32;
  for (let left = file.readUInt32LE(16); left > 0; left--) {
    if (file.readUInt32LE(at) === kind) return at;
    at += file.readUInt32LE(at + 4);
  }
  throw new TypeError(`The file has no load command ${kind}`);
}

function codeDirectory(options: DirectoryOptions, codeLimit: number): Buffer {
  const { hashType, flags = 2, version = 0x20400, pageShift = 12 } = options;
  const identifier = Buffer.from('org.regraft.greet\0');
  const pages = Math.ceil(codeLimit / 2 ** pageShift);
  const hashesAt = 88 + identifier.length;
  const blob = Buffer.alloc(hashesAt + pages * HASH_SIZES[hashType]);
  blob.set(identifier, 88);
  blob.writeUInt32BE(0xfade0c02, 0);
  blob.writeUInt32BE(blob.length, 4);
  blob.writeUInt32BE(version, 8);
  blob.writeUInt32BE(flags, 12);
  blob.writeUInt32BE(hashesAt, 16);
  blob.writeUInt32BE(88, 20);
  blob.writeUInt32BE(pages, 28);
  blob.writeUInt32BE(codeLimit, 32);
  blob.set([HASH_SIZES[hashType], hashType, 0, pageShift], 36);
  blob.writeUInt32BE(88, 48);
  return blob;
}

function wrapper(size: number): Buffer {
  const blob = Buffer.alloc(size, 0x5a);
  blob.writeUInt32BE(0xfade0b01, 0);
  blob.writeUInt32BE(size, 4);
  return blob;
}

function superBlob(blobs: readonly (readonly [slot: number, blob: Buffer])[]): Buffer {
  const index = Buffer.alloc(12 + 8 * blobs.length);
  let at = index.length;
  for (const [i, [slot, blob]] of blobs.entries()) {
    index.writeUInt32BE(slot, 12 + 8 * i);
    index.writeUInt32BE(at, 16 + 8 * i);
    at += blob.length;
  }
  index.writeUInt32BE(0xfade0cc0, 0);
  index.writeUInt32BE(at, 4);
  index.writeUInt32BE(blobs.length, 8);
  return Buffer.concat([index, ...blobs.map(([, blob]) => blob)]);
}

/** Prepares a file, single or fat, for damage; `base` is where its slices begin. */
export function machoSpecimen(name: string, bytes: Buffer, bases: readonly number[] = [0]): Specimen {
  const fields: Field[] = [];
  if (bases.some((base) => base > 0)) for (let at = 0; at < 80; at += 4) fields.push({ at, width: 4 });
  for (const base of bases) {
    const end = base + 32 + bytes.readUInt32LE(base + 20);
    for (let at = base; at < end; at += 4) fields.push({ at, width: 4 });
    const command = base + findCommand(bytes.subarray(base), LC_CODE_SIGNATURE);
    // Twice, since these fields are few.
    for (const place of [command, command]) fields.push(...numbers(place, [4, 4, 4, 4]));
    const signature = base + bytes.readUInt32LE(command + 8);
    for (let at = signature; at + 4 <= bytes.length && at < signature + 160; at += 4)
      fields.push({ at, width: 4 }, { at, width: 1 }, { at: at + 3, width: 1 });
  }
  return { name, bytes, isLittle: true, fields };
}

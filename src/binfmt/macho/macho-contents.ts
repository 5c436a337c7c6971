// Everything that `inspect` shows of a Mach-O file (`mach-o/loader.h`): all slices, also those of 32 bit and of the other byte order,
// with their load commands. Unlike `macho.ts` it decides nothing, and shows what is odd as far as it is there.
import type { ByteSource } from '../../core/byte-source.js';
import { copyBytes, toLatin1 } from '../../core/bytes.js';
import { type CodeSignature, fitsSignature, readCodeSignature } from './codesign.js';
import { readMacho } from './macho.js';
import { COMMANDS, CPU_TYPES, FILE_TYPES, STRING_COMMANDS } from './macho-constants.js';

export interface MachoCommandFacts {
  readonly command: string;
  /** In the file. */
  readonly offset: number;
  readonly size: number;
  /** The name or path that it holds: a byte string. */
  readonly text: string | undefined;
}

export interface MachoSignatureFacts {
  readonly isAdHoc: boolean;
  readonly directories: readonly {
    readonly identifier: string;
    readonly team: string | undefined;
    readonly flags: number;
    readonly hashType: string;
    readonly pages: number;
  }[];
  /** Whether the pages are what was signed. */
  readonly fits: boolean;
}

export interface MachoSliceFacts {
  readonly offset: number;
  readonly size: number;
  readonly class: 32 | 64;
  readonly byteOrder: 'little' | 'big';
  readonly cpu: string;
  readonly fileType: string;
  readonly flags: number;
  readonly commands: readonly MachoCommandFacts[];
  /** Undefined where there is none; a text where it cannot be read. */
  readonly signature: MachoSignatureFacts | string | undefined;
  /** What is wrong with the slice. */
  readonly problem: string | undefined;
}

export interface MachoContents {
  readonly isFat: boolean;
  readonly slices: readonly MachoSliceFacts[];
  readonly problem: string | undefined;
}

const FORMS: ReadonlyMap<number, Pick<MachoSliceFacts, 'class' | 'byteOrder'>> = new Map([
  [0xfeedface, { class: 32, byteOrder: 'big' }],
  [0xcefaedfe, { class: 32, byteOrder: 'little' }],
  [0xfeedfacf, { class: 64, byteOrder: 'big' }],
  [0xcffaedfe, { class: 64, byteOrder: 'little' }],
]);
const FAT_MAGICS: ReadonlyMap<number, { readonly recordSize: number }> = new Map([
  [0xcafebabe, { recordSize: 20 }],
  [0xcafebabf, { recordSize: 32 }],
]);
const MOST_SLICES = 64;
const MOST_COMMANDS = 65_536;
const LARGEST_COMMAND = 1 << 20;

interface Part {
  readonly offset: number;
  readonly size: number;
}

/** The facts of a Mach-O file; undefined when it does not begin like one. Never throws for bad bytes. */
export function readMachoContents(source: ByteSource): MachoContents | undefined {
  const head = viewOf(source, 0, 8);
  if (head.byteLength < 8) return undefined;
  const fat = FAT_MAGICS.get(head.getUint32(0));
  if (fat === undefined) {
    const slice = readSlice(source, { offset: 0, size: source.size });
    return slice && { isFat: false, slices: [slice], problem: undefined };
  }
  const count = Math.min(head.getUint32(4), MOST_SLICES);
  const table = viewOf(source, 8, count * fat.recordSize);
  const parts = partsOf(table, fat.recordSize);
  const slices = parts.flatMap((part) => readSlice(source, part) ?? []);
  const isWhole = slices.length === count;
  return { isFat: true, slices, problem: isWhole ? undefined : 'some architectures are not there' };
}

function viewOf(source: ByteSource, offset: number, size: number): DataView {
  const bytes = copyBytes(source.read(offset, size));
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function partsOf(table: DataView, recordSize: number): readonly Part[] {
  return Array.from({ length: Math.floor(table.byteLength / recordSize) }, (_, i) => {
    const at = i * recordSize;
    return recordSize === 20
      ? { offset: table.getUint32(at + 8), size: table.getUint32(at + 12) }
      : { offset: Number(table.getBigUint64(at + 8)), size: Number(table.getBigUint64(at + 16)) };
  });
}

function readSlice(source: ByteSource, { offset, size }: Part): MachoSliceFacts | undefined {
  if (!Number.isSafeInteger(offset) || offset >= source.size) return undefined;
  const header = viewOf(source, offset, 32);
  const form = header.byteLength < 28 ? undefined : FORMS.get(header.getUint32(0));
  if (form === undefined) return undefined;
  const isLittle = form.byteOrder === 'little';
  const word = (at: number) => header.getUint32(at, isLittle);
  const headerSize = form.class === 64 ? 32 : 28;
  const area = viewOf(source, offset + headerSize, Math.min(word(20), source.size));
  const commands = readCommands(area, { count: word(16), isLittle, base: offset + headerSize });
  return {
    offset,
    size,
    ...form,
    cpu: nameOf(CPU_TYPES, word(4)),
    fileType: nameOf(FILE_TYPES, word(12)),
    flags: word(24),
    commands,
    signature: signatureOf(source, offset),
    problem: commands.length === word(16) ? undefined : 'its load commands are not complete',
  };
}

interface CommandArea {
  readonly count: number;
  readonly isLittle: boolean;
  /** Where the area is in the file. */
  readonly base: number;
}

function readCommands(area: DataView, { count, isLittle, base }: CommandArea): readonly MachoCommandFacts[] {
  const commands: MachoCommandFacts[] = [];
  for (let at = 0; commands.length < Math.min(count, MOST_COMMANDS) && at + 8 <= area.byteLength; ) {
    const [cmd, size] = [area.getUint32(at, isLittle), area.getUint32(at + 4, isLittle)];
    if (size < 8 || at + size > area.byteLength) break;
    const command = new DataView(area.buffer, area.byteOffset + at, Math.min(size, LARGEST_COMMAND));
    commands.push({
      command: nameOf(COMMANDS, cmd),
      offset: base + at,
      size,
      text: textOf(command, { cmd, isLittle }),
    });
    at += size;
  }
  return commands;
}

/** The string that an `lc_str` points to, or the name of a segment. */
function textOf(
  command: DataView,
  { cmd, isLittle }: { readonly cmd: number; readonly isLittle: boolean },
): string | undefined {
  const place = STRING_COMMANDS.get(cmd);
  if (place === undefined || command.byteLength < 12) return undefined;
  const start = place === 'offset' ? command.getUint32(8, isLittle) : 8;
  const end = place === 'offset' ? command.byteLength : Math.min(24, command.byteLength);
  if (start < 8 || start >= end) return undefined;
  const bytes = new Uint8Array(command.buffer, command.byteOffset + start, end - start);
  const nul = bytes.indexOf(0);
  return toLatin1(nul < 0 ? bytes : bytes.subarray(0, nul));
}

function signatureOf(source: ByteSource, offset: number): MachoSliceFacts['signature'] {
  const file = readMacho(source);
  if (file === undefined || 'problem' in file) return undefined;
  const slice = file.slices.find((each) => each.offset === offset);
  const signature = slice && readCodeSignature(source, slice);
  if (slice === undefined || signature === undefined) return undefined;
  return 'problem' in signature
    ? signature.problem
    : { ...signatureFacts(signature), fits: fitsSignature(source, slice, signature) };
}

function signatureFacts({ isAdHoc, directories }: CodeSignature): Omit<MachoSignatureFacts, 'fits'> {
  return {
    isAdHoc,
    directories: directories.map(({ identifier, team, flags, hashType, pages }) => ({
      identifier,
      team,
      flags,
      hashType,
      pages,
    })),
  };
}

function nameOf(names: ReadonlyMap<number, string>, number: number): string {
  return names.get(number) ?? `0x${number.toString(16)}`;
}

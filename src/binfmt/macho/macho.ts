// Reads Mach-O files, single and fat (`mach-o/loader.h`, `mach-o/fat.h`): load commands that hold paths, the room behind them, and where
// the code signature is. 64 bit and little-endian; others are recognised. Nothing is trusted: what lies outside of the file is a problem.
import type { ByteSource } from '../../core/byte-source.js';
import { copyBytes } from '../../core/bytes.js';

const LC_SEGMENT_64 = 0x19;
const LC_CODE_SIGNATURE = 0x1d;
export const LC_RPATH = 0x8000001c;

/** Load commands that hold the name of a library, and where it begins: after `dylib`, or after `rpath_command`. */
export const NAME_COMMANDS: ReadonlyMap<number, string> = new Map([
  [0x0d, 'LC_ID_DYLIB'],
  [0x0c, 'LC_LOAD_DYLIB'],
  [0x80000018, 'LC_LOAD_WEAK_DYLIB'],
  [0x8000001f, 'LC_REEXPORT_DYLIB'],
  [0x20, 'LC_LAZY_LOAD_DYLIB'],
  [0x80000023, 'LC_LOAD_UPWARD_DYLIB'],
  [LC_RPATH, 'LC_RPATH'],
]);

export const MACH_HEADER_SIZE = 32;

/** A load command that holds a name. */
export interface MachoName {
  readonly command: string;
  readonly value: Uint8Array;
  /** In the file. */
  readonly offset: number;
}

export interface MachoCommand {
  readonly cmd: number;
  /** In the slice. */
  readonly offset: number;
  readonly size: number;
}

/** One architecture of a file. */
export interface MachoSlice {
  readonly offset: number;
  readonly size: number;
  readonly cpuType: number;
  readonly fileType: number;
  readonly commands: readonly MachoCommand[];
  /** The mach header and the load commands. */
  readonly head: Uint8Array;
  /** Where the first section begins: load commands end before it. */
  readonly limit: number;
  readonly names: readonly MachoName[];
  /** In the slice. */
  readonly signature: { readonly offset: number; readonly size: number } | undefined;
}

export interface MachoFile {
  readonly isFat: boolean;
  readonly slices: readonly MachoSlice[];
  /** Set when there is a slice that is 32 bit or big-endian. */
  readonly unsupported: string | undefined;
}

export interface MachoProblem {
  readonly problem: string;
}

const MH_MAGIC_64 = 0xfeedfacf;
const OTHER_MAGICS: ReadonlyMap<number, string> = new Map([
  [0xfeedface, '32 bit'],
  [0xcefaedfe, '32 bit, big-endian'],
  [0xcffaedfe, 'big-endian'],
]);
const FAT_MAGIC = 0xcafebabe;
const FAT_MAGIC_64 = 0xcafebabf;
/** As many as `detectFileKind` takes for slices: beyond, it is a Java class. */
const MOST_SLICES = 9;
const LARGEST_HEAD = 4 << 20;
const ZEROFILL: ReadonlySet<number> = new Set([0x1, 0xc, 0x12]);

/** The facts of a Mach-O file; undefined when it does not begin like one. Never throws for bad bytes. */
export function readMacho(source: ByteSource): MachoFile | MachoProblem | undefined {
  const head = viewOf(copyBytes(source.read(0, 8)));
  if (head.byteLength < 8) return undefined;
  const magic = head.getUint32(0);
  if (magic === FAT_MAGIC || magic === FAT_MAGIC_64)
    return readFat(source, { isWide: magic === FAT_MAGIC_64 });
  const slice = readSlice(source, 0, source.size);
  if (slice === undefined) return undefined;
  if (typeof slice === 'string') return { isFat: false, slices: [], unsupported: slice };
  return 'problem' in slice ? slice : { isFat: false, slices: [slice], unsupported: undefined };
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

interface FatArch {
  readonly offset: number;
  readonly size: number;
}

function readFat(
  source: ByteSource,
  { isWide }: { readonly isWide: boolean },
): MachoFile | MachoProblem | undefined {
  const count = viewOf(copyBytes(source.read(4, 4))).getUint32(0);
  if (count === 0 || count > MOST_SLICES) return undefined;
  const recordSize = isWide ? 32 : 20;
  const table = viewOf(copyBytes(source.read(8, count * recordSize)));
  if (table.byteLength < count * recordSize) return { problem: 'its list of architectures is not complete' };
  const parts: FatArch[] = Array.from({ length: count }, (_, i) => {
    const at = i * recordSize;
    return isWide
      ? { offset: Number(table.getBigUint64(at + 8)), size: Number(table.getBigUint64(at + 16)) }
      : { offset: table.getUint32(at + 8), size: table.getUint32(at + 12) };
  });
  let end = 8 + count * recordSize;
  for (const { offset, size } of [...parts].sort((a, b) => a.offset - b.offset)) {
    if (offset < end || !(offset + size <= source.size))
      return { problem: 'its architectures overlap, or leave the file' };
    end = offset + size;
  }
  return readSlices(source, parts);
}

function readSlices(source: ByteSource, parts: readonly FatArch[]): MachoFile | MachoProblem {
  const slices: MachoSlice[] = [];
  let unsupported: string | undefined;
  for (const { offset, size } of parts) {
    const slice = readSlice(source, offset, size);
    if (slice === undefined) return { problem: 'an architecture is no Mach-O file' };
    if (typeof slice === 'string') unsupported = slice;
    else if ('problem' in slice) return slice;
    else slices.push(slice);
  }
  return { isFat: true, slices, unsupported };
}

/** A string says why the slice is not supported. */
function readSlice(
  source: ByteSource,
  offset: number,
  size: number,
): MachoSlice | MachoProblem | string | undefined {
  const header = viewOf(copyBytes(source.read(offset, Math.min(MACH_HEADER_SIZE, size))));
  if (header.byteLength < 4) return undefined;
  const magic = header.getUint32(0, true);
  const other = OTHER_MAGICS.get(magic);
  if (other !== undefined) return other;
  if (magic !== MH_MAGIC_64) return undefined;
  if (header.byteLength < MACH_HEADER_SIZE) return { problem: 'its header is not complete' };
  const headSize = MACH_HEADER_SIZE + header.getUint32(20, true);
  if (headSize > size || headSize > LARGEST_HEAD) return { problem: 'its load commands are not complete' };
  const head = copyBytes(source.read(offset, headSize));
  const commands = head.length === headSize ? readCommands(head, header.getUint32(16, true)) : undefined;
  if (commands === undefined) return { problem: 'its load commands are not complete' };
  const places = readPlaces(head, commands, size);
  if ('problem' in places) return places;
  const [cpuType, fileType] = [header.getUint32(4, true), header.getUint32(12, true)];
  return {
    offset,
    size,
    cpuType,
    fileType,
    commands,
    head,
    ...places,
    names: readNames(head, commands, offset),
  };
}

/** The commands, which fill their area one behind the other; undefined when they do not. */
function readCommands(head: Uint8Array, count: number): readonly MachoCommand[] | undefined {
  const view = viewOf(head);
  const commands: MachoCommand[] = [];
  let offset = MACH_HEADER_SIZE;
  for (let i = 0; i < count; i++) {
    if (offset + 8 > head.length) return undefined;
    const size = view.getUint32(offset + 4, true);
    if (size < 8 || size % 4 !== 0 || offset + size > head.length) return undefined;
    commands.push({ cmd: view.getUint32(offset, true), offset, size });
    offset += size;
  }
  return offset === head.length ? commands : undefined;
}

function readPlaces(
  head: Uint8Array,
  commands: readonly MachoCommand[],
  size: number,
): Pick<MachoSlice, 'limit' | 'signature'> | MachoProblem {
  const view = viewOf(head);
  // Longer load commands could not be read again.
  let limit = Math.min(size, LARGEST_HEAD);
  let signature: MachoSlice['signature'];
  for (const command of commands) {
    if (command.cmd === LC_SEGMENT_64) {
      const first = firstByteOf(view, command);
      if (first === undefined) return { problem: 'a segment is not complete' };
      limit = Math.min(limit, first);
    } else if (command.cmd === LC_CODE_SIGNATURE) {
      if (command.size < 16 || signature !== undefined) return { problem: 'its code signature is malformed' };
      signature = {
        offset: view.getUint32(command.offset + 8, true),
        size: view.getUint32(command.offset + 12, true),
      };
      if (signature.offset + signature.size > size) return { problem: 'its code signature is not complete' };
      limit = Math.min(limit, signature.offset);
    }
  }
  return limit < head.length ? { problem: 'its load commands overlap other parts' } : { limit, signature };
}

const SEGMENT_SIZE = 72;
const SECTION_SIZE = 80;

/** Where the bytes of a segment begin in the slice, apart from the header that the first one holds. */
function firstByteOf(view: DataView, { offset, size }: MachoCommand): number | undefined {
  if (size < SEGMENT_SIZE) return undefined;
  const count = view.getUint32(offset + 64, true);
  if (SEGMENT_SIZE + count * SECTION_SIZE > size) return undefined;
  const [start, length] = [
    Number(view.getBigUint64(offset + 40, true)),
    Number(view.getBigUint64(offset + 48, true)),
  ];
  let first = start > 0 && length > 0 ? start : Number.POSITIVE_INFINITY;
  for (let i = 0; i < count; i++) {
    const section = offset + SEGMENT_SIZE + i * SECTION_SIZE;
    const isFilled = !ZEROFILL.has(view.getUint32(section + 64, true) & 0xff);
    const place = view.getUint32(section + 48, true);
    const hasBytes = view.getBigUint64(section + 40, true) > 0n;
    if (isFilled && hasBytes && place > 0) first = Math.min(first, place);
  }
  return first;
}

function readNames(
  head: Uint8Array,
  commands: readonly MachoCommand[],
  sliceOffset: number,
): readonly MachoName[] {
  return commands.flatMap((command) => {
    const name = nameOf(head, command);
    return name === undefined ? [] : [{ ...name, offset: sliceOffset + name.offset }];
  });
}

/** The name that a command holds, its offset being in the slice; undefined for other commands and malformed ones. */
export function nameOf(head: Uint8Array, command: MachoCommand): MachoName | undefined {
  const kind = NAME_COMMANDS.get(command.cmd);
  if (kind === undefined || command.size < 12) return undefined;
  const at = viewOf(head).getUint32(command.offset + 8, true);
  if (at < 12 || at >= command.size) return undefined;
  const bytes = head.subarray(command.offset + at, command.offset + command.size);
  const end = bytes.indexOf(0);
  return {
    command: kind,
    value: copyBytes(bytes.subarray(0, end < 0 ? bytes.length : end)),
    offset: command.offset + at,
  };
}

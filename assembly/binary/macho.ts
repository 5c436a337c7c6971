// Reads Mach-O files, single and fat (`mach-o/loader.h`, `mach-o/fat.h`; the rules are those of src/binfmt/macho/macho.ts). Nothing is trusted: a
// file that is not as it should be has no slices.
import { fileSize, read, reserve } from './host';

export const LC_SEGMENT_64: u32 = 0x19;
export const LC_CODE_SIGNATURE: u32 = 0x1d;
export const LC_ID_DYLIB: u32 = 0x0d;
export const LC_RPATH: u32 = 0x8000001c;
export const MACH_HEADER_SIZE: i32 = 32;

const MH_MAGIC_64: u32 = 0xfeedfacf;
const FAT_MAGIC: u32 = 0xcafebabe;
const FAT_MAGIC_64: u32 = 0xcafebabf;
const MOST_SLICES: u32 = 9;
const LARGEST_HEAD: u64 = 4 << 20;

/** One architecture of a file. */
@unmanaged
export class Slice {
  offset: u64;
  size: u64;
  /** Where the first section begins: load commands end before it. */
  limit: u64;
  /** In the slice; `hasSignature` says whether there is one. */
  signatureOffset: u64;
  signatureSize: u64;
  /** The mach header and the load commands. */
  head: usize;
  headLength: i32;
  hasSignature: bool;
}

const SLICE_SIZE: i32 = offsetof<Slice>();
const slices: usize = memory.data(640, 8);
export let sliceCount: i32 = 0;
/** Which kind of slice is not supported: the number of its name, or 0. */
export let form: i32 = 0;

// What became of a slice.
const IS_SLICE: i32 = 0;
const IS_OTHER: i32 = 1;
const IS_NONE: i32 = 2;

const scratch: usize = memory.data(288, 8);

export function sliceAt(index: i32): Slice {
  return changetype<Slice>(slices + <usize>(index * SLICE_SIZE));
}

/** Reads the slices of the open file; of one that is malformed there are none. */
export function readMacho(): void {
  sliceCount = 0;
  form = 0;
  if (fileSize < 8 || read(0, 8, scratch) < 8) return;
  const magic = bswap<u32>(load<u32>(scratch));
  const isGood =
    magic == FAT_MAGIC || magic == FAT_MAGIC_64
      ? readFat(magic == FAT_MAGIC_64)
      : readSlice(0, fileSize) != IS_NONE;
  if (isGood) return;
  sliceCount = 0;
  form = 0;
}

function readFat(isWide: bool): bool {
  const count = bswap<u32>(load<u32>(scratch, 4));
  if (count == 0 || count > MOST_SLICES) return false;
  const size: i32 = isWide ? 32 : 20;
  const length = <i32>count * size;
  if (fileSize < 8 || read(8, length, scratch) < length) return false;
  if (!areApart(<i32>count, size)) return false;
  for (let i = 0; i < <i32>count; i++) {
    const record = scratch + i * size;
    if (readSlice(archOffset(record, size), archSize(record, size)) == IS_NONE) return false;
  }
  return true;
}

function archOffset(record: usize, size: i32): u64 {
  return size == 32 ? bswap<u64>(load<u64>(record, 8)) : bswap<u32>(load<u32>(record, 8));
}

function archSize(record: usize, size: i32): u64 {
  return size == 32 ? bswap<u64>(load<u64>(record, 16)) : bswap<u32>(load<u32>(record, 12));
}

/** Whether no architecture lies in another, in the list of them, or leaves the file. */
function areApart(count: i32, size: i32): bool {
  const listEnd = <u64>(8 + count * size);
  for (let i = 0; i < count; i++) {
    const record = scratch + i * size;
    const start = archOffset(record, size);
    const length = archSize(record, size);
    if (start < listEnd || start > fileSize || length > fileSize - start) return false;
    for (let j = 0; j < count; j++) {
      const other = archOffset(scratch + j * size, size);
      // Of two that begin at one place, the first must be empty.
      if (other > start && other < start + length) return false;
      if (other == start && j > i && length > 0) return false;
    }
  }
  return true;
}

function readSlice(offset: u64, size: u64): i32 {
  const slice = sliceAt(sliceCount);
  const wanted = <i32>min<u64>(MACH_HEADER_SIZE, size);
  const header = slices + MOST_SLICES * SLICE_SIZE;
  const length = read(offset, wanted, header);
  if (length < 4) return IS_NONE;
  const magic = load<u32>(header);
  const other = formOf(magic);
  if (other != 0) {
    form = other;
    return IS_OTHER;
  }
  if (magic != MH_MAGIC_64 || length < MACH_HEADER_SIZE) return IS_NONE;
  const headSize = <u64>load<u32>(header, 20) + MACH_HEADER_SIZE;
  if (headSize > size || headSize > LARGEST_HEAD) return IS_NONE;
  slice.offset = offset;
  slice.size = size;
  slice.head = reserve(headSize);
  slice.headLength = <i32>headSize;
  if (read(offset, slice.headLength, slice.head) < slice.headLength) return IS_NONE;
  if (!checkCommands(slice) || !readPlaces(slice)) return IS_NONE;
  sliceCount++;
  return IS_SLICE;
}

function formOf(magic: u32): i32 {
  if (magic == 0xfeedface) return 1;
  if (magic == 0xcefaedfe) return 2;
  return magic == 0xcffaedfe ? 3 : 0;
}

/** Whether the commands fill their area, one behind the other. */
function checkCommands(slice: Slice): bool {
  const length = slice.headLength;
  let at = MACH_HEADER_SIZE;
  for (let left = load<u32>(slice.head, 16); left > 0; left--) {
    if (length - at < 8) return false;
    const size = commandSize(slice.head + at);
    if (size < 8 || size % 4 != 0 || size > <u32>(length - at)) return false;
    at += size;
  }
  return at == length;
}

export function commandKind(command: usize): u32 {
  return load<u32>(command);
}

export function commandSize(command: usize): u32 {
  return load<u32>(command, 4);
}

function readPlaces(slice: Slice): bool {
  slice.limit = min(slice.size, LARGEST_HEAD);
  slice.hasSignature = false;
  const end = slice.head + slice.headLength;
  for (let command = slice.head + MACH_HEADER_SIZE; command < end; command += commandSize(command)) {
    const kind = commandKind(command);
    if (kind == LC_SEGMENT_64) {
      if (!isSegmentWhole(command)) return false;
      slice.limit = min(slice.limit, firstByteOf(command));
    } else if (kind == LC_CODE_SIGNATURE && !readSignaturePlace(slice, command)) return false;
  }
  return slice.limit >= <u64>slice.headLength;
}

function readSignaturePlace(slice: Slice, command: usize): bool {
  if (commandSize(command) < 16 || slice.hasSignature) return false;
  slice.hasSignature = true;
  slice.signatureOffset = load<u32>(command, 8);
  slice.signatureSize = load<u32>(command, 12);
  slice.limit = min(slice.limit, slice.signatureOffset);
  return slice.signatureOffset + slice.signatureSize <= slice.size;
}

const SEGMENT_SIZE: u64 = 72;
const SECTION_SIZE: u64 = 80;

function isSegmentWhole(command: usize): bool {
  const size: u64 = commandSize(command);
  return size >= SEGMENT_SIZE && SEGMENT_SIZE + <u64>load<u32>(command, 64) * SECTION_SIZE <= size;
}

/** Where the bytes of a segment begin in the slice, apart from the header that the first one holds. */
function firstByteOf(command: usize): u64 {
  const start = load<u64>(command, 40);
  let first = start > 0 && load<u64>(command, 48) > 0 ? start : u64.MAX_VALUE;
  const end = command + <usize>SEGMENT_SIZE + load<u32>(command, 64) * <usize>SECTION_SIZE;
  for (let section = command + <usize>SEGMENT_SIZE; section < end; section += <usize>SECTION_SIZE) {
    const place: u64 = load<u32>(section, 48);
    if (!isZeroFill(load<u32>(section, 64)) && load<u64>(section, 40) > 0 && place > 0)
      first = min(first, place);
  }
  return first;
}

function isZeroFill(flags: u32): bool {
  const type = flags & 0xff;
  return type == 0x1 || type == 0xc || type == 0x12;
}

/** Where the name of a load command begins in it; 0 for one without a name, or a malformed one. */
export function nameStart(command: usize): u32 {
  const size = commandSize(command);
  if (!holdsName(commandKind(command)) || size < 12) return 0;
  const at = load<u32>(command, 8);
  return at < 12 || at >= size ? 0 : at;
}

function holdsName(kind: u32): bool {
  // LC_LOAD_DYLIB, LC_ID_DYLIB, LC_LAZY_LOAD_DYLIB; LC_LOAD_WEAK_DYLIB, LC_RPATH, LC_REEXPORT_DYLIB, LC_LOAD_UPWARD_DYLIB.
  if (kind == 0x0c || kind == LC_ID_DYLIB || kind == 0x20) return true;
  return kind == 0x80000018 || kind == LC_RPATH || kind == 0x8000001f || kind == 0x80000023;
}

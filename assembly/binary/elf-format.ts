// Where the fields of an ELF file are (ELF gABI), its numbers in both classes and byte orders, and tables that are read in pieces: a count
// or an offset is never trusted, and a table ends where the file ends.
import { contains, extend, fileSize, read, reserve } from './host';

export const ET_EXEC: u32 = 2;
export const ET_DYN: u32 = 3;
export const PT_NULL: u32 = 0;
export const PT_LOAD: u32 = 1;
export const PT_DYNAMIC: u32 = 2;
export const PT_INTERP: u32 = 3;
export const PT_PHDR: u32 = 6;
export const PT_LOOS: u32 = 0x60000000;
export const PF_X: u32 = 1;
export const PF_R: u32 = 4;
export const SHT_NULL: u32 = 0;
export const SHT_PROGBITS: u32 = 1;
export const SHT_SYMTAB: u32 = 2;
export const SHT_STRTAB: u32 = 3;
export const SHT_NOBITS: u32 = 8;
export const SHT_DYNSYM: u32 = 11;
export const SHT_GNU_verdef: u32 = 0x6ffffffd;
export const SHT_GNU_verneed: u32 = 0x6ffffffe;
export const DT_NULL: u64 = 0;
export const DT_NEEDED: u64 = 1;
export const DT_STRTAB: u64 = 5;
export const DT_STRSZ: u64 = 10;
export const DT_SONAME: u64 = 14;
export const DT_RPATH: u64 = 15;
export const DT_RUNPATH: u64 = 29;
export const DT_CONFIG: u64 = 0x6ffffefa;
export const DT_DEPAUDIT: u64 = 0x6ffffefb;
export const DT_AUDIT: u64 = 0x6ffffefc;
export const DT_FLAGS_1: u64 = 0x6ffffffb;
export const DT_AUXILIARY: u64 = 0x7ffffffd;
export const DT_FILTER: u64 = 0x7fffffff;
export const DF_1_PIE: u64 = 0x08000000;

/** The header of the open file. */
const header: usize = memory.data(64, 8);
export let wide: bool = false;
let big: bool = false;
export let fileType: u32 = 0;
export let phoff: u64 = 0;
export let phnum: u32 = 0;
export let phentsize: u32 = 0;
export let shoff: u64 = 0;
export let shnum: u32 = 0;
export let shentsize: u32 = 0;

/** Reads the header; false when the file does not begin with one. */
export function openElf(): bool {
  const length = read(0, <i32>min<u64>(64, fileSize), header);
  if (length < 52 || load<u32>(header) != 0x464c457f) return false;
  const elfClass = load<u8>(header, 4);
  const order = load<u8>(header, 5);
  if ((elfClass != 1 && elfClass != 2) || (order != 1 && order != 2)) return false;
  wide = elfClass == 2;
  big = order == 2;
  if (wide && length < 64) return false;
  fileType = half(header + 16);
  phoff = word(header + (wide ? 32 : 28));
  shoff = word(header + (wide ? 40 : 32));
  phentsize = half(header + (wide ? 54 : 42));
  phnum = half(header + (wide ? 56 : 44));
  shentsize = half(header + (wide ? 58 : 46));
  shnum = half(header + (wide ? 60 : 48));
  segmentsLength = -1;
  return true;
}

export function half(pointer: usize): u32 {
  const value = load<u16>(pointer);
  return big ? bswap<u16>(value) : value;
}

export function int(pointer: usize): u32 {
  const value = load<u32>(pointer);
  return big ? bswap<u32>(value) : value;
}

/** An address, offset or size: 4 bytes in class 32, 8 in class 64. */
export function word(pointer: usize): u64 {
  if (!wide) return int(pointer);
  const value = load<u64>(pointer);
  return big ? bswap<u64>(value) : value;
}

export function storeHalf(pointer: usize, value: u32): void {
  store<u16>(pointer, big ? bswap<u16>(<u16>value) : <u16>value);
}

export function storeInt(pointer: usize, value: u32): void {
  store<u32>(pointer, big ? bswap<u32>(value) : value);
}

export function storeWord(pointer: usize, value: u64): void {
  if (wide) store<u64>(pointer, big ? bswap<u64>(value) : value);
  else storeInt(pointer, <u32>value);
}

export function headerSize(): i32 {
  return wide ? 64 : 52;
}

export function segmentSize(): i32 {
  return wide ? 56 : 32;
}

export function sectionSize(): i32 {
  return wide ? 64 : 40;
}

export function dynamicSize(): i32 {
  return wide ? 16 : 8;
}

export function symbolSize(): i32 {
  return wide ? 24 : 16;
}

/** How much is read at once. */
export const CHUNK: i32 = 65536;
const records: usize = memory.data(65536, 8);
/** Program headers are read twice: if they fit, the piece is kept here. */
const segments: usize = memory.data(65536, 8);
let segmentsLength: i32 = -1;

let buffer: usize = 0;
let recordSize: i32 = 0;
let recordOffset: u64 = 0;
/** Records not read yet, and records of the piece not returned yet. */
let recordsLeft: u64 = 0;
let pieceLeft: i32 = 0;
let nextAt: usize = 0;
/** Whether the file ends before the table does, and whether that was noticed. */
let isShort: bool = false;
let hasEnded: bool = false;

/** Starts a table; `nextRecord` returns its records. */
export function openTable(offset: u64, count: u64, size: i32): void {
  buffer = records;
  recordSize = size;
  recordOffset = offset;
  recordsLeft = count;
  pieceLeft = 0;
  isShort = hasEnded = false;
}

export function openSegments(): void {
  openTable(phoff, phnum, segmentSize());
  buffer = segments;
}

/** The next record, or 0 after the last one or at the end of the file. */
export function nextRecord(): usize {
  if (pieceLeft == 0) readPiece();
  if (pieceLeft == 0) {
    hasEnded = true;
    return 0;
  }
  pieceLeft--;
  const record = nextAt;
  nextAt += recordSize;
  return record;
}

/** Whether the file ended before the table did, and before the caller found what it looked for. */
export function endedEarly(): bool {
  return isShort && hasEnded;
}

function readPiece(): void {
  if (recordsLeft == 0 || isShort) return;
  const wanted = <i32>min<u64>(recordsLeft, CHUNK / recordSize);
  const length = contains(recordOffset, 0) ? fill(wanted * recordSize) : 0;
  pieceLeft = min(length / recordSize, wanted);
  isShort = pieceLeft < wanted;
  recordsLeft -= pieceLeft;
  recordOffset += <u64>(pieceLeft * recordSize);
  nextAt = buffer;
}

function fill(length: i32): i32 {
  if (buffer != segments) return read(recordOffset, length, buffer);
  const isWhole = recordOffset == phoff && <u64>(length / recordSize) == recordsLeft;
  if (isWhole && segmentsLength >= 0) return segmentsLength;
  const found = read(recordOffset, length, buffer);
  segmentsLength = isWhole ? found : -1;
  return found;
}

/** Where the fields of a program header are. */
export function p_type(record: usize): u32 {
  return int(record);
}

export function p_flags(record: usize): u32 {
  return int(record + (wide ? 4 : 24));
}

export function p_offset(record: usize): u64 {
  return word(record + (wide ? 8 : 4));
}

export function p_vaddr(record: usize): u64 {
  return word(record + (wide ? 16 : 8));
}

export function p_paddr(record: usize): u64 {
  return word(record + (wide ? 24 : 12));
}

export function p_filesz(record: usize): u64 {
  return word(record + (wide ? 32 : 16));
}

export function p_memsz(record: usize): u64 {
  return word(record + (wide ? 40 : 20));
}

export function p_align(record: usize): u64 {
  return word(record + (wide ? 48 : 28));
}

/** Where the fields of a section header are. */
export function sh_type(record: usize): u32 {
  return int(record + 4);
}

export function sh_addr(record: usize): u64 {
  return word(record + (wide ? 16 : 12));
}

export function sh_offset(record: usize): u64 {
  return word(record + (wide ? 24 : 16));
}

export function sh_size(record: usize): u64 {
  return word(record + (wide ? 32 : 20));
}

export function sh_link(record: usize): u32 {
  return int(record + (wide ? 40 : 24));
}

const STRING_PIECE: i32 = 1024;

/** The last string that was read. */
export let stringAt: usize = 0;
export let stringLength: i32 = 0;

/** Reads up to the first NUL in `[offset, end)`; false when there is none, or the string is longer than `longest`. */
export function readString(offset: u64, end: u64, longest: u64): bool {
  const limit = min(end, offset + longest + 1);
  // The first piece is small: almost all strings are.
  let size: u64 = min<u64>(STRING_PIECE, limit - min(offset, limit));
  stringAt = reserve(size);
  stringLength = 0;
  for (let position = offset; position < limit; ) {
    const wanted = <i32>(size - <u64>stringLength);
    const length = min(read(position, wanted, stringAt + stringLength), wanted);
    if (length <= 0) return false;
    const nul = findByte(0, stringAt + stringLength, length);
    stringLength += nul < 0 ? length : nul;
    if (nul >= 0) return true;
    position += <u64>length;
    size = min<u64>(<u64>stringLength + CHUNK, limit - offset);
    extend(stringAt, size);
  }
  return false;
}

/** The first offset of a byte, or -1. */
export function findByte(byte: u8, pointer: usize, length: i32): i32 {
  for (let i = 0; i < length; i++) if (load<u8>(pointer + i) == byte) return i;
  return -1;
}

const TAIL_PIECE: u64 = 512;

/** Whether there is a NUL in `[start, end)`. */
export function hasNul(start: u64, end: u64): bool {
  let size = TAIL_PIECE;
  for (let to = end; to > start; ) {
    const length = <i32>min(size, to - start);
    const from = to - <u64>length;
    if (read(from, length, records) < length) return false;
    for (let i = length - 1; i >= 0; i--) if (load<u8>(records + i) == 0) return true;
    to = from;
    size = CHUNK;
  }
  return false;
}

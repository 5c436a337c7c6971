// All tables of an ELF file that must change when it grows (gABI; the rules are those of src/binfmt/elf/elf-tables.ts), read strictly: a file that
// is odd in a way that `elf-dynamic.ts` tolerates is not grown.
import { fileOffset, toFileOffset } from './elf-dynamic';
import * as elf from './elf-format';
import { contains, fileSize, reserve } from './host';
import * as problem from './problems';

@unmanaged
export class Segment {
  offset: u64;
  vaddr: u64;
  paddr: u64;
  filesz: u64;
  memsz: u64;
  align: u64;
  type: u32;
  flags: u32;
  /** Its number in the file; a new one has none. */
  index: i32;
}

@unmanaged
export class Section {
  addr: u64;
  offset: u64;
  size: u64;
  type: u32;
  link: u32;
  index: i32;
}

@unmanaged
export class DynamicEntry {
  /** Where it is in the file. */
  at: u64;
  tag: u64;
  value: u64;
}

export const SEGMENT_SIZE: i32 = offsetof<Segment>();
const SECTION_SIZE: i32 = offsetof<Section>();
const ENTRY_SIZE: i32 = offsetof<DynamicEntry>();

/** More program headers have another count (`PN_XNUM`), and kernels before 5.x take no more than a page of them. */
const MOST_SEGMENTS: u32 = 1024;
const MOST_DYNAMIC: u64 = 65536;

export let segments: usize = 0;
export let segmentCount: i32 = 0;
let sections: usize = 0;
export let sectionCount: i32 = 0;
let entries: usize = 0;
export let entryCount: i32 = 0;
/** The section of the dynamic string table; null in a file without a dynamic section. */
export let strings: Section | null = null;

export function segmentAt(index: i32): Segment {
  return changetype<Segment>(segments + <usize>(index * SEGMENT_SIZE));
}

export function sectionAt(index: i32): Section {
  return changetype<Section>(sections + <usize>(index * SECTION_SIZE));
}

export function entryAt(index: i32): DynamicEntry {
  return changetype<DynamicEntry>(entries + <usize>(index * ENTRY_SIZE));
}

/** Reads the tables of an executable or a shared library that `openElf` has opened; returns why they cannot be used. */
export function readTables(): i32 {
  if (elf.phentsize != <u32>elf.segmentSize()) return problem.UNKNOWN_SEGMENT_SIZE;
  if (elf.shnum > 0 && elf.shentsize != <u32>elf.sectionSize()) return problem.UNKNOWN_SECTION_SIZE;
  if (elf.phnum >= MOST_SEGMENTS) return problem.TOO_MANY_SEGMENTS;
  if (!readSegments() || !readSections()) return problem.HEADERS_INCOMPLETE;
  if (sizeOfRecords() > fileSize) return problem.SECTIONS_OVERLAP;
  if (!readEntries()) return problem.DYNAMIC_INCOMPLETE;
  return findStrings();
}

function readSegments(): bool {
  segments = reserve(elf.phnum * SEGMENT_SIZE);
  segmentCount = 0;
  elf.openSegments();
  for (let record = elf.nextRecord(); record != 0; record = elf.nextRecord()) {
    const segment = segmentAt(segmentCount);
    segment.type = elf.p_type(record);
    segment.flags = elf.p_flags(record);
    segment.offset = elf.p_offset(record);
    segment.vaddr = elf.p_vaddr(record);
    segment.paddr = elf.p_paddr(record);
    segment.filesz = elf.p_filesz(record);
    segment.memsz = elf.p_memsz(record);
    segment.align = elf.p_align(record);
    segment.index = segmentCount++;
  }
  return !elf.endedEarly();
}

function readSections(): bool {
  sections = reserve(elf.shnum * SECTION_SIZE);
  sectionCount = 0;
  elf.openTable(elf.shoff, elf.shnum, elf.sectionSize());
  for (let record = elf.nextRecord(); record != 0; record = elf.nextRecord()) {
    const section = sectionAt(sectionCount);
    section.type = elf.sh_type(record);
    section.addr = elf.sh_addr(record);
    section.offset = elf.sh_offset(record);
    section.size = elf.sh_size(record);
    section.link = elf.sh_link(record);
    section.index = sectionCount++;
  }
  return !elf.endedEarly();
}

export function isSymbolTable(section: Section): bool {
  return section.type == elf.SHT_SYMTAB || section.type == elf.SHT_DYNSYM;
}

/** The size of all sections whose records are read one by one. Where they overlap, hostile ones could make that endless. */
function sizeOfRecords(): u64 {
  let total: u64 = 0;
  for (let i = 0; i < sectionCount; i++) {
    const section = sectionAt(i);
    if (!isSymbolTable(section) && !isVersionSection(section)) continue;
    if (section.size > fileSize) return section.size;
    total += section.size;
  }
  return total;
}

export function isVersionSection(section: Section): bool {
  return section.type == elf.SHT_GNU_verdef || section.type == elf.SHT_GNU_verneed;
}

/** The entries of the last dynamic segment that has bytes, without the DT_NULL that ends them. */
function readEntries(): bool {
  entryCount = 0;
  const index = lastSegment(elf.PT_DYNAMIC);
  if (index < 0) return true;
  const segment = segmentAt(index);
  const size = elf.dynamicSize();
  const count = segment.filesz / <u64>size;
  if (count > MOST_DYNAMIC || !contains(segment.offset, 0)) return false;
  entries = reserve(count * ENTRY_SIZE);
  elf.openTable(segment.offset, count, size);
  for (let record = elf.nextRecord(); record != 0; record = elf.nextRecord()) {
    const tag = elf.word(record);
    if (tag == elf.DT_NULL) break;
    const entry = entryAt(entryCount);
    entry.at = segment.offset + <u64>(entryCount++ * size);
    entry.tag = tag;
    entry.value = elf.word(record + (size >> 1));
  }
  return !elf.endedEarly();
}

/** The last segment of a type that has bytes in the file, or -1. */
export function lastSegment(type: u32): i32 {
  for (let i = segmentCount - 1; i >= 0; i--) {
    const segment = segmentAt(i);
    if (segment.type == type && segment.filesz > 0) return i;
  }
  return -1;
}

function findStrings(): i32 {
  strings = null;
  let tables = 0;
  let address: u64 = 0;
  for (let i = 0; i < entryCount; i++) {
    const entry = entryAt(i);
    if (entry.tag == elf.DT_STRTAB && tables++ == 0) address = entry.value;
  }
  if (tables == 0) return problem.NO_PROBLEM;
  if (tables > 1 || !toFileOffset(address)) return problem.STRINGS_NOT_DESCRIBED;
  const section = findSection(elf.SHT_STRTAB, fileOffset);
  if (section == null) return problem.STRINGS_NOT_DESCRIBED;
  if (section.addr != address || !isLargeEnough(section)) return problem.STRINGS_AMBIGUOUS;
  strings = section;
  return problem.NO_PROBLEM;
}

function findSection(type: u32, offset: u64): Section | null {
  for (let i = 0; i < sectionCount; i++) {
    const section = sectionAt(i);
    if (section.type == type && section.offset == offset) return section;
  }
  return null;
}

/** Whether the first size that the dynamic section gives fits into the section. */
function isLargeEnough(section: Section): bool {
  for (let i = 0; i < entryCount; i++) {
    const entry = entryAt(i);
    if (entry.tag == elf.DT_STRSZ) return entry.value <= section.size;
  }
  return false;
}

/** Whether a part of the file is also a header, or lies in another section or segment than these. */
export function isShared(offset: u64, size: u64, ownSection: i32, ownSegment: i32): bool {
  const end = offset + size;
  if (meets(offset, end, 0, elf.headerSize())) return true;
  if (meets(offset, end, elf.phoff, elf.phnum * elf.segmentSize())) return true;
  if (meets(offset, end, elf.shoff, elf.shnum * elf.sectionSize())) return true;
  for (let i = 0; i < segmentCount; i++) {
    const segment = segmentAt(i);
    if (i != ownSegment && isOwnPart(segment.type) && meets(offset, end, segment.offset, segment.filesz))
      return true;
  }
  for (let i = 0; i < sectionCount; i++) {
    const section = sectionAt(i);
    const hasBytes = section.type != elf.SHT_NULL && section.type != elf.SHT_NOBITS;
    if (i != ownSection && hasBytes && meets(offset, end, section.offset, section.size)) return true;
  }
  return false;
}

/** Segments that load, and those of an operating system such as PT_GNU_RELRO, span sections of all kinds. */
function isOwnPart(type: u32): bool {
  return type != elf.PT_LOAD && type != elf.PT_PHDR && type < elf.PT_LOOS;
}

/** Whether `[from, to)`, which lies in the file, and another range have a byte in common. */
export function meets(from: u64, to: u64, offset: u64, size: u64): bool {
  const end = offset + size;
  return size > 0 && offset < to && (end < offset || from < end);
}

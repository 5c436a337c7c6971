// Finds room in an ELF file that grows (gABI "Program Loading"; the rules and their reasons are in src/binfmt/elf/elf-placement.ts): for new
// bytes a loadable segment at its end, for one more program header the space of the old string table, or that new segment.
import * as elf from './elf-format';
import {
  entryAt,
  entryCount,
  meets,
  SEGMENT_SIZE,
  Section,
  Segment,
  sectionAt,
  sectionCount,
  segmentAt,
  segmentCount,
} from './elf-tables';
import { fileSize, read, reserve } from './host';
import * as problem from './problems';

/** Where the new bytes go. */
export let placeOffset: u64 = 0;
export let placeVaddr: u64 = 0;
/** The new program headers, final except for those that point into the new bytes. */
export let newSegments: usize = 0;
export let newSegmentCount: i32 = 0;
export let newHeadersAt: u64 = 0;

export function newSegmentAt(index: i32): Segment {
  return changetype<Segment>(newSegments + <usize>(index * SEGMENT_SIZE));
}

/** New bytes may start with program headers, which are word-aligned. */
const WORD: u64 = 8;
const ALIGNMENT: u64 = 16;
/** The most padding that a file grows by to make an address fit. */
const LARGEST_HOLE: u64 = 64 << 20;
const SMALLEST_PAGE: u64 = 0x1000;
const LARGEST_PAGE: u64 = 0x10000;

// What the loadable segments have in common.
let first: Segment = changetype<Segment>(0);
let last: Segment = changetype<Segment>(0);
let align: u64 = 0;
let nextPage: u64 = 0;
let distance: u64 = 0;
let pagesEnd: u64 = 0;

/** Finds the room for `size` new bytes, or says why there is none; `free` is the old string table, which becomes free. */
export function placeNewBytes(size: u64, free: Section | null): i32 {
  const status = describeLoads();
  if (status != problem.NO_PROBLEM) return status;
  newSegments = reserve((segmentCount + 1) * SEGMENT_SIZE);
  newSegmentCount = segmentCount;
  memory.copy(newSegments, changetype<usize>(segmentAt(0)), segmentCount * SEGMENT_SIZE);
  newHeadersAt = elf.phoff;
  if (extendLastSegment(size) || reuseHeader(size)) return problem.NO_PROBLEM;
  if (headersInFreeRange(size, free) || headersBehindFirst(size)) return problem.NO_PROBLEM;
  return headersAtEnd(size) ? problem.NO_PROBLEM : problem.NO_ROOM_FOR_HEADER;
}

function describeLoads(): i32 {
  let hasLoad = false;
  let isAscending = true;
  let isComplete = true;
  let end: u64 = 0;
  let filled: u64 = 0;
  let hasOverflow = false;
  align = SMALLEST_PAGE;
  for (let i = 0; i < segmentCount; i++) {
    const load = segmentAt(i);
    if (load.type != elf.PT_LOAD) continue;
    if (!hasLoad) first = load;
    else if (load.vaddr < last.vaddr) isAscending = false;
    hasLoad = true;
    last = load;
    if (load.offset > fileSize || load.filesz > fileSize - load.offset) isComplete = false;
    align = max(align, load.align);
    if (load.vaddr + load.memsz < load.vaddr) hasOverflow = true;
    end = max(end, load.vaddr + load.memsz);
    filled = max(filled, load.offset + load.filesz);
  }
  if (!hasLoad) return problem.NO_LOADS;
  if (!isAscending) return problem.LOADS_NOT_IN_ORDER;
  if (!isComplete) return problem.SEGMENTS_INCOMPLETE;
  if (popcnt<u64>(align) != 1 || align > LARGEST_HOLE) return problem.IMPOSSIBLE_ALIGNMENT;
  const limit: u64 = (<u64>1) << (elf.wide ? 63 : 32);
  if (hasOverflow || end > limit) return problem.NO_ADDRESS_LEFT;
  nextPage = roundUp(end, align);
  // The most address space that the new segment takes.
  if (nextPage + fileSize + align + LARGEST_HOLE > limit) return problem.NO_ADDRESS_LEFT;
  distance = elf.wide ? roundUp(1 << 20, align) : 0;
  pagesEnd = roundUp(filled, min(align, LARGEST_PAGE));
  return problem.NO_PROBLEM;
}

function roundUp(value: u64, to: u64): u64 {
  return (value + to - 1) & ~(to - 1);
}

/** A file that grew before ends with a segment for new bytes, which can grow again. */
function extendLastSegment(size: u64): bool {
  const isLastInFile = last.offset + last.filesz == fileSize;
  const isLastInMemory = roundUp(last.vaddr + last.memsz, align) == nextPage;
  const isData = (last.flags & elf.PF_R) != 0 && (last.flags & elf.PF_X) == 0;
  if (!isLastInFile || !isLastInMemory || !isData || last.filesz != last.memsz) return false;
  placeOffset = roundUp(fileSize, ALIGNMENT);
  placeVaddr = last.vaddr + (placeOffset - last.offset);
  const segment = newSegmentAt(last.index);
  segment.filesz = segment.memsz = placeOffset + size - last.offset;
  return true;
}

/** An unused program header is reused for the new segment. */
function reuseHeader(size: u64): bool {
  for (let i = 0; i < segmentCount; i++) {
    if (segmentAt(i).type != elf.PT_NULL) continue;
    const at = changetype<usize>(newSegmentAt(i));
    memory.copy(at, at + SEGMENT_SIZE, (segmentCount - i - 1) * SEGMENT_SIZE);
    newSegmentCount--;
    placeBehindEverything(fileSize);
    addLoad(size);
    return true;
  }
  return false;
}

/** The address has the same offset within a page as the file offset, so that a loader can map it. */
function placeBehindEverything(fileEnd: u64): void {
  placeOffset = roundUp(fileEnd, ALIGNMENT);
  placeVaddr = nextPage + distance + (placeOffset & (align - 1));
}

/** Loadable segments must be sorted by address. */
function addLoad(size: u64): void {
  let index = newSegmentCount;
  while (index > 0 && newSegmentAt(index - 1).type != elf.PT_LOAD) index--;
  const load = newSegmentAt(index);
  const at = changetype<usize>(load);
  memory.copy(at + SEGMENT_SIZE, at, (newSegmentCount - index) * SEGMENT_SIZE);
  newSegmentCount++;
  load.type = elf.PT_LOAD;
  load.flags = elf.PF_R;
  load.offset = placeOffset;
  load.vaddr = load.paddr = placeVaddr;
  load.filesz = load.memsz = size;
  load.align = align;
  load.index = -1;
}

/** Moves the program headers to where the old string table was, if that is in the first segment. */
function headersInFreeRange(size: u64, free: Section | null): bool {
  if (free == null) return false;
  const headersSize = sizeOfHeaders();
  const at = roundUp(free.offset, WORD);
  const end = at + headersSize;
  const isLoaded = at >= first.offset && end <= first.offset + first.filesz;
  if (end > free.offset + free.size || !isLoaded) return false;
  moveHeaders(at, size);
  return true;
}

/** Moves the program headers to the unused rest of the first segment's last page. */
function headersBehindFirst(size: u64): bool {
  const at = roundUp(first.offset + first.filesz, WORD);
  const end = at + sizeOfHeaders();
  const next = secondLoad();
  const hasPage = next == null || first.vaddr + (end - first.offset) <= (next.vaddr & ~(align - 1));
  const isPlain = first.filesz == first.memsz && first.offset == 0;
  if (!hasPage || !isPlain || end > fileSize || !isUnused(first.filesz, end)) return false;
  const grown = newSegmentAt(first.index);
  grown.filesz = grown.memsz = end;
  moveHeaders(at, size);
  return true;
}

function secondLoad(): Segment | null {
  for (let i = first.index + 1; i < segmentCount; i++)
    if (segmentAt(i).type == elf.PT_LOAD) return segmentAt(i);
  return null;
}

/** Whether nothing refers to these bytes of the file, and they are zero. */
function isUnused(from: u64, to: u64): bool {
  for (let i = 0; i < segmentCount; i++) {
    const segment = segmentAt(i);
    if (meets(from, to, segment.offset, segment.filesz)) return false;
  }
  for (let i = 0; i < sectionCount; i++) {
    const section = sectionAt(i);
    if (section.type != elf.SHT_NOBITS && meets(from, to, section.offset, section.size)) return false;
  }
  if (meets(from, to, elf.shoff, elf.shnum * elf.sectionSize())) return false;
  const length = <i32>(to - from);
  const bytes = reserve(length);
  const found = read(from, length, bytes);
  for (let i = 0; i < found; i++) if (load<u8>(bytes + i) != 0) return false;
  return true;
}

/** Puts the program headers at `at`, an offset in the first segment, and the new bytes after everything. */
function moveHeaders(at: u64, size: u64): void {
  placeBehindEverything(fileSize);
  const headersSize = sizeOfHeaders();
  addLoad(size);
  describeHeaders(at, first.vaddr + (at - first.offset), headersSize);
  newHeadersAt = at;
}

/** Including one more than now. */
function sizeOfHeaders(): u64 {
  return (segmentCount + 1) * elf.segmentSize();
}

function describeHeaders(at: u64, vaddr: u64, size: u64): void {
  for (let i = 0; i < newSegmentCount; i++) {
    const segment = newSegmentAt(i);
    if (segment.type != elf.PT_PHDR) continue;
    segment.offset = at;
    segment.vaddr = segment.paddr = vaddr;
    segment.filesz = segment.memsz = size;
  }
}

/** Moves the program headers into the new segment, before the new bytes; no other segment's pages may cover their file offset. */
function headersAtEnd(size: u64): bool {
  const headersSize = sizeOfHeaders();
  const fileEnd = max(fileSize, pagesEnd);
  if (!isProgram()) placeBehindEverything(fileEnd);
  else if (!placeAtDistanceOfFirst(fileEnd)) return false;
  addLoad(headersSize + size);
  describeHeaders(placeOffset, placeVaddr, headersSize);
  newHeadersAt = placeOffset;
  placeOffset += headersSize;
  placeVaddr += headersSize;
  return true;
}

/** Whether the kernel loads the file, not only the dynamic linker. */
function isProgram(): bool {
  if (elf.fileType == elf.ET_EXEC) return true;
  for (let i = 0; i < entryCount; i++) {
    const entry = entryAt(i);
    if (entry.tag == elf.DT_FLAGS_1 && (entry.value & elf.DF_1_PIE) != 0) return true;
  }
  for (let i = 0; i < segmentCount; i++) if (segmentAt(i).type == elf.PT_INTERP) return true;
  return false;
}

/** Address minus file offset as in the first segment. This may leave a hole in the file. */
function placeAtDistanceOfFirst(fileEnd: u64): bool {
  // All of these are below 2^63, and the distance may be negative.
  const apart = <i64>(first.vaddr - first.offset);
  const wanted = (<i64>fileEnd + apart + <i64>ALIGNMENT - 1) & ~(<i64>ALIGNMENT - 1);
  const vaddr = max<i64>(<i64>nextPage, wanted);
  const offset = vaddr - apart;
  if ((apart & <i64>(align - 1)) != 0 || offset - <i64>fileEnd > <i64>LARGEST_HOLE) return false;
  placeOffset = <u64>offset;
  placeVaddr = <u64>vaddr;
  return true;
}

// Makes an ELF file longer so that its rpath, its interpreter and the names of libraries can be (gABI; the rules are those of
// src/binfmt/elf/elf-grow.ts): first it is found out whether that can be, then come the edits.
import * as elf from './elf-format';
import {
  newHeadersAt,
  newSegmentAt,
  newSegmentCount,
  placeNewBytes,
  placeOffset,
  placeVaddr,
} from './elf-place';
import * as table from './elf-rebuild';
import { findUses, referenceAt, referenceCount } from './elf-strings';
import {
  entryAt,
  entryCount,
  isShared,
  isSymbolTable,
  lastSegment,
  readTables,
  Section,
  sectionAt,
  sectionCount,
  segmentAt,
  strings,
} from './elf-tables';
import { contains, edit, erase, reserve } from './host';
import * as problem from './problems';
import { LONGEST_STRING } from './rpath';

/** What must grow. A pointer of 0 leaves the string. */
@unmanaged
export class Growth {
  hasStrings: bool;
  rpath: usize;
  rpathLength: i32;
  interpreter: usize;
  interpreterLength: i32;
}

let tablesStatus: i32 = -1;
let stringsLength: i32 = 0;
let interpreterSegment: i32 = -1;
let interpreterSection: i32 = -1;
const scratch: usize = memory.data(64, 8);

/** Forgets the tables of the file before. */
export function beginGrowth(): void {
  tablesStatus = -1;
}

function tablesProblem(): i32 {
  if (tablesStatus < 0) tablesStatus = readTables();
  return tablesStatus;
}

/** Overwrites strings that nothing refers to; none where not every use of the strings is known. */
export function eraseUnusedStrings(): void {
  if (tablesProblem() != problem.NO_PROBLEM) return;
  const section = strings;
  if (section == null || !contains(section.offset, section.size)) return;
  if (findUses(section) != problem.NO_PROBLEM) return;
  table.openStrings(section);
  table.eraseUnused(section, true);
}

/** Finds out how the file grows, or why it cannot. */
export function planGrowth(growth: Growth): i32 {
  let status = tablesProblem();
  stringsLength = 0;
  if (status == problem.NO_PROBLEM && growth.hasStrings) status = changeStrings(growth);
  if (status == problem.NO_PROBLEM && growth.interpreter != 0) status = describeInterpreter();
  if (status != problem.NO_PROBLEM) return status;
  const addition = growth.interpreter == 0 ? 0 : growth.interpreterLength + 1;
  return placeNewBytes(<u64>(stringsLength + addition), growth.hasStrings ? strings : null);
}

function changeStrings(growth: Growth): i32 {
  const section = strings;
  if (section == null) return problem.NO_STRINGS;
  if (!contains(section.offset, section.size)) return problem.STRINGS_INCOMPLETE;
  if (isShared(section.offset, section.size, section.index, -1)) return problem.STRINGS_SHARED;
  const status = findUses(section);
  if (status != problem.NO_PROBLEM) return status;
  table.openStrings(section);
  table.eraseUnused(section, false);
  const rebuilt = table.rebuild(growth.rpath, growth.rpathLength);
  stringsLength = table.length;
  return rebuilt;
}

function describeInterpreter(): i32 {
  interpreterSegment = lastSegment(elf.PT_INTERP);
  interpreterSection = -1;
  if (interpreterSegment < 0) return problem.INTERPRETER_INCOMPLETE;
  const segment = segmentAt(interpreterSegment);
  if (!contains(segment.offset, segment.filesz)) return problem.INTERPRETER_INCOMPLETE;
  if (segment.filesz > LONGEST_STRING + 1) return problem.INTERPRETER_TOO_LARGE;
  for (let i = sectionCount - 1; i >= 0; i--) {
    const section = sectionAt(i);
    const isSame = section.offset == segment.offset && section.size == segment.filesz;
    if (isSame && section.type == elf.SHT_PROGBITS) interpreterSection = i;
  }
  return isShared(segment.offset, segment.filesz, interpreterSection, interpreterSegment)
    ? problem.INTERPRETER_SHARED
    : problem.NO_PROBLEM;
}

/** The edits of what `planGrowth` has found. */
export function writeGrowth(growth: Growth): void {
  const section = strings;
  if (growth.hasStrings && section != null) moveStrings(section);
  if (growth.interpreter != 0) moveInterpreter(growth.interpreterLength);
  finish(growth);
}

function moveStrings(section: Section): void {
  erase(section.offset, section.size);
  moveSection(section, placeVaddr, placeOffset, stringsLength);
  const valueAt: u64 = elf.dynamicSize() >> 1;
  for (let i = 0; i < entryCount; i++) {
    const entry = entryAt(i);
    if (entry.tag == elf.DT_STRTAB) editWord(entry.at + valueAt, placeVaddr);
    if (entry.tag == elf.DT_STRSZ) editWord(entry.at + valueAt, stringsLength);
  }
  for (let i = 0; i < referenceCount; i++) {
    const reference = referenceAt(i);
    if (reference.newOffset < 0) continue;
    if (reference.isWord) editWord(reference.at, reference.newOffset);
    else editInt(reference.at, reference.newOffset);
    if (reference.hashAt == 0) continue;
    editInt(reference.hashAt, table.elfHash(table.bytes + reference.newOffset, reference.newLength));
  }
  moveSectionSymbols(section, placeVaddr);
}

function moveInterpreter(length: i32): void {
  const old = segmentAt(interpreterSegment);
  const offset = placeOffset + stringsLength;
  const vaddr = placeVaddr + stringsLength;
  const size: u64 = length + 1;
  erase(old.offset, old.filesz);
  for (let i = 0; i < newSegmentCount; i++) {
    const segment = newSegmentAt(i);
    if (segment.index != interpreterSegment) continue;
    segment.offset = offset;
    segment.vaddr = segment.paddr = vaddr;
    segment.filesz = segment.memsz = size;
  }
  if (interpreterSection < 0) return;
  moveSection(sectionAt(interpreterSection), vaddr, offset, size);
  moveSectionSymbols(sectionAt(interpreterSection), vaddr);
}

/** The program headers, and the new bytes as the last edit. */
function finish(growth: Growth): void {
  const headersSize = newSegmentCount * elf.segmentSize();
  const addition = growth.interpreter == 0 ? 0 : growth.interpreterLength + 1;
  const bytes = reserve(headersSize + stringsLength + addition);
  for (let i = 0; i < newSegmentCount; i++) storeSegment(i, bytes + i * elf.segmentSize());
  const behind = bytes + headersSize;
  if (stringsLength > 0) memory.copy(behind, table.bytes, stringsLength);
  if (addition > 0) {
    memory.copy(behind + stringsLength, growth.interpreter, addition - 1);
    store<u8>(behind + stringsLength + addition - 1, 0);
  }
  if (newHeadersAt != elf.phoff) erase(elf.phoff, elf.phnum * elf.segmentSize());
  editWord(elf.wide ? 32 : 28, newHeadersAt);
  elf.storeHalf(scratch, newSegmentCount);
  edit(elf.wide ? 56 : 44, scratch, 2);
  if (newHeadersAt + headersSize == placeOffset) {
    edit(newHeadersAt, bytes, headersSize + stringsLength + addition);
    return;
  }
  edit(newHeadersAt, bytes, headersSize);
  edit(placeOffset, behind, stringsLength + addition);
}

function storeSegment(index: i32, at: usize): void {
  const segment = newSegmentAt(index);
  const wide = elf.wide;
  elf.storeInt(at, segment.type);
  elf.storeInt(at + (wide ? 4 : 24), segment.flags);
  elf.storeWord(at + (wide ? 8 : 4), segment.offset);
  elf.storeWord(at + (wide ? 16 : 8), segment.vaddr);
  elf.storeWord(at + (wide ? 24 : 12), segment.paddr);
  elf.storeWord(at + (wide ? 32 : 16), segment.filesz);
  elf.storeWord(at + (wide ? 40 : 20), segment.memsz);
  elf.storeWord(at + (wide ? 48 : 28), segment.align);
}

function editWord(at: u64, value: u64): void {
  elf.storeWord(scratch, value);
  edit(at, scratch, elf.wide ? 8 : 4);
}

function editInt(at: u64, value: u32): void {
  elf.storeInt(scratch, value);
  edit(at, scratch, 4);
}

function moveSection(section: Section, addr: u64, offset: u64, size: u64): void {
  const at = elf.shoff + section.index * elf.sectionSize();
  editWord(at + (elf.wide ? 16 : 12), addr);
  editWord(at + (elf.wide ? 24 : 16), offset);
  editWord(at + (elf.wide ? 32 : 20), size);
}

/** A section of strings has few symbols; hostile tables may say that it has millions. */
const MOST_SECTION_SYMBOLS: i32 = 4096;

let symbolsLeft: i32 = 0;

/** Symbols of a section move with it: its own, and the names that a program gives to its interpreter. */
function moveSectionSymbols(moved: Section, addr: u64): void {
  symbolsLeft = MOST_SECTION_SYMBOLS;
  for (let i = 0; i < sectionCount && symbolsLeft > 0; i++) {
    const section = sectionAt(i);
    if (isSymbolTable(section) && contains(section.offset, section.size)) moveSymbolsIn(section, moved, addr);
  }
}

function moveSymbolsIn(section: Section, moved: Section, addr: u64): void {
  const size = elf.symbolSize();
  const valueAt = elf.wide ? 8 : 4;
  elf.openTable(section.offset, section.size / <u64>size, size);
  let at = section.offset;
  for (let record = elf.nextRecord(); record != 0; record = elf.nextRecord()) {
    if (elf.half(record + (elf.wide ? 6 : 14)) == moved.index) {
      editWord(at + valueAt, elf.word(record + valueAt) - moved.addr + addr);
      if (--symbolsLeft == 0) return;
    }
    at += size;
  }
}

// The rpath, the interpreter and the names of libraries of an ELF file (gABI "Dynamic Section"; the rules are those of src/binfmt/elf/elf.ts and
// src/binfmt/elf/elf-dynamic.ts). This runs on every file of a package: it reads little, and asks for little at once.
import * as elf from './elf-format';
import { contains, read, reserve } from './host';
import { findMapping, growthOf } from './mapping';
import { LONGEST_STRING } from './rpath';

/** What names of libraries are looked at, and how much of each. */
const MOST_NEEDED: i32 = 4096;
const LONGEST_NAME: i32 = 4096;

/** A string in the file and its bytes; `at` is 0 where there is none. */
export let rpathOffset: u64 = 0;
export let rpathAt: usize = 0;
export let rpathLength: i32 = 0;
export let interpreterOffset: u64 = 0;
export let interpreterAt: usize = 0;
export let interpreterLength: i32 = 0;

let hasLoad: bool = false;
let hasInterpreter: bool = false;
let interpreterSize: u64 = 0;
let hasDynamic: bool = false;
let dynamicOffset: u64 = 0;
let dynamicSize: u64 = 0;

/** Offsets in the string table. */
const needed: usize = memory.data(32768, 8);
let neededCount: i32 = 0;
let hasStrings: bool = false;
let highest: u64 = 0;
let hasSoname: bool = false;
let soname: u64 = 0;
let rpaths: i32 = 0;
let rpath: u64 = 0;
let strtabs: i32 = 0;
let strtab: u64 = 0;

/** The string table in the file. */
let stringsStart: u64 = 0;
let stringsEnd: u64 = 0;

/** Finds the rpath; false where the file must stay as it is. `openElf` has been called. */
export function readDynamic(): bool {
  rpathAt = interpreterAt = 0;
  neededCount = 0;
  hasSoname = false;
  if (elf.fileType != elf.ET_EXEC && elf.fileType != elf.ET_DYN) return false;
  if (!findSegments()) return false;
  if (!hasDynamic || !hasLoad) return true;
  return readEntries() && (!hasStrings || (findStrings() && readRpath()));
}

/** Of several segments of a type the last one counts. */
function findSegments(): bool {
  hasLoad = hasInterpreter = hasDynamic = false;
  elf.openSegments();
  for (let record = elf.nextRecord(); record != 0; record = elf.nextRecord()) {
    const size = elf.p_filesz(record);
    if (size == 0) continue;
    const type = elf.p_type(record);
    if (type == elf.PT_LOAD) hasLoad = true;
    else if (type == elf.PT_INTERP) {
      hasInterpreter = true;
      interpreterOffset = elf.p_offset(record);
      interpreterSize = size;
    } else if (type == elf.PT_DYNAMIC) {
      hasDynamic = true;
      dynamicOffset = elf.p_offset(record);
      dynamicSize = size;
    }
  }
  return !elf.endedEarly();
}

/** Finds the interpreter, if there is one; false where it cannot be used. */
export function readInterpreter(): bool {
  if (!hasInterpreter) return true;
  if (!contains(interpreterOffset, interpreterSize)) return false;
  if (!elf.readString(interpreterOffset, interpreterOffset + interpreterSize, LONGEST_STRING)) return false;
  interpreterAt = elf.stringAt;
  interpreterLength = elf.stringLength;
  return true;
}

function readEntries(): bool {
  rpaths = strtabs = 0;
  highest = 0;
  hasStrings = false;
  const size = elf.dynamicSize();
  elf.openTable(dynamicOffset, dynamicSize / <u64>size, size);
  for (let record = elf.nextRecord(); record != 0; record = elf.nextRecord()) {
    const tag = elf.word(record);
    if (tag == elf.DT_NULL) break;
    addEntry(tag, elf.word(record + (size >> 1)));
  }
  // Of several sonames the last one counts, so only its offset has to be good.
  if (hasSoname) noteString(soname);
  return !elf.endedEarly() && rpaths <= 1 && strtabs == 1;
}

function addEntry(tag: u64, value: u64): void {
  if (tag == elf.DT_STRTAB) {
    strtab = value;
    strtabs++;
  } else if (tag == elf.DT_SONAME) {
    hasSoname = true;
    soname = value;
  } else if (tag == elf.DT_NEEDED) {
    if (neededCount < MOST_NEEDED) store<u64>(needed + (neededCount++ << 3), value);
    noteString(value);
  } else if (tag == elf.DT_RPATH || tag == elf.DT_RUNPATH) {
    rpath = value;
    rpaths++;
    noteString(value);
  }
}

function noteString(offset: u64): void {
  highest = max(highest, offset);
  hasStrings = true;
}

function findStrings(): bool {
  if (!toFileOffset(strtab)) return false;
  stringsStart = fileOffset;
  const size = elf.sectionSize();
  elf.openTable(elf.shoff, elf.shnum, size);
  for (let record = elf.nextRecord(); record != 0; record = elf.nextRecord()) {
    if (elf.sh_type(record) != elf.SHT_STRTAB || elf.sh_offset(record) != stringsStart) continue;
    const stringsSize = elf.sh_size(record);
    if (!contains(stringsStart, stringsSize) || highest >= stringsSize) return false;
    stringsEnd = stringsStart + stringsSize;
    return elf.hasNul(stringsStart + highest, stringsEnd);
  }
  return false;
}

/** What `toFileOffset` found. */
export let fileOffset: u64 = 0;

/** Where an address is in the file: by the segment with the highest address that is not above it, else by the highest of all. */
export function toFileOffset(address: u64): bool {
  let hasBelow = false;
  let belowAddress: u64 = 0;
  let belowOffset: u64 = 0;
  let hasTop = false;
  let topAddress: u64 = 0;
  let topOffset: u64 = 0;
  elf.openSegments();
  for (let record = elf.nextRecord(); record != 0; record = elf.nextRecord()) {
    if (elf.p_filesz(record) == 0 || elf.p_type(record) != elf.PT_LOAD) continue;
    const vaddr = elf.p_vaddr(record);
    // Of equal addresses the later one counts.
    if (vaddr >= topAddress) {
      hasTop = true;
      topAddress = vaddr;
      topOffset = elf.p_offset(record);
    }
    if (vaddr <= address && (!hasBelow || vaddr >= belowAddress)) {
      hasBelow = true;
      belowAddress = vaddr;
      belowOffset = elf.p_offset(record);
    }
  }
  const base = hasBelow ? belowAddress : topAddress;
  const offset = hasBelow ? belowOffset : topOffset;
  fileOffset = offset + (address - base);
  // No offset is negative, or beyond 64 bits.
  return hasTop && (address >= base ? fileOffset >= offset : base - address <= offset);
}

function readRpath(): bool {
  if (rpaths == 0) return true;
  const offset = stringsStart + rpath;
  if (!elf.readString(offset, stringsEnd, LONGEST_STRING)) return false;
  rpathOffset = offset;
  rpathAt = elf.stringAt;
  rpathLength = elf.stringLength;
  return true;
}

/** Names lie near each other: one piece of the string table mostly holds them all. */
const NAMES_PIECE: i32 = 16384;
let piece: usize = 0;
let pieceOffset: u64 = 0;
let pieceLength: i32 = 0;

/** Whether a mapping makes the name of a library longer, or the library's own. */
export function growsNames(): bool {
  pieceLength = 0;
  if (neededCount > 0 || hasSoname) piece = reserve(NAMES_PIECE);
  for (let i = 0; i < neededCount; i++) if (growsName(load<u64>(needed + (i << 3)))) return true;
  return hasSoname && growsName(soname);
}

/** Of a name that is too long for one, its first bytes count. */
function growsName(offset: u64): bool {
  const start = stringsStart + offset;
  const wanted = <i32>min<u64>(LONGEST_NAME + 1, stringsEnd - start);
  if (start < pieceOffset || start + <u64>wanted > pieceOffset + <u64>pieceLength) {
    pieceOffset = start;
    pieceLength = read(start, <i32>min<u64>(NAMES_PIECE, stringsEnd - start), piece);
  }
  const name = piece + <usize>(start - pieceOffset);
  const nul = elf.findByte(0, name, wanted);
  const index = findMapping(name, nul < 0 ? min(wanted, LONGEST_NAME) : nul);
  return index >= 0 && growthOf(index) > 0;
}

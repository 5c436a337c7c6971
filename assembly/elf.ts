// Finds the rpath and the interpreter of an ELF file (gABI; the rules are those of src/binfmt/elf.ts) without holding the file: it asks for
// a range of bytes, the host puts them into memory and calls again. Tables are read in pieces, so a hostile count costs no memory.
// Every range it asks for lies in the file; every record it looks at lies in the answer.

const ET_EXEC: u32 = 2;
const ET_DYN: u32 = 3;
const PT_LOAD: u32 = 1;
const PT_DYNAMIC: u32 = 2;
const PT_INTERP: u32 = 3;
const SHT_STRTAB: u32 = 3;
const DT_NULL: u64 = 0;
const DT_NEEDED: u64 = 1;
const DT_STRTAB: u64 = 5;
const DT_SONAME: u64 = 14;
const DT_RPATH: u64 = 15;
const DT_RUNPATH: u64 = 29;

/** How much is asked for at once. */
const ELF_CHUNK: i32 = 65536;
/** Longer strings are refused: src/binfmt/elf-dynamic.ts, LONGEST_STRING. */
const LONGEST_STRING: u64 = 1048576;

const HEADER: i32 = 0;
const SEGMENTS: i32 = 1;
const INTERPRETER: i32 = 2;
const DYNAMIC: i32 = 3;
const LOADS: i32 = 4;
const SECTIONS: i32 = 5;
const STRTAB_END: i32 = 6;
const RPATH: i32 = 7;
const DONE: i32 = 8;

/** The range that is wanted next. */
export let elfWantOffset: f64 = 0;
export let elfWantLength: i32 = 0;
/** What was found; -1 for nothing. */
export let elfRpathOffset: f64 = -1;
export let elfRpathLength: i32 = 0;
export let elfInterpreterOffset: f64 = -1;
export let elfInterpreterLength: i32 = 0;

let phase: i32 = DONE;
let fileSize: u64 = 0;
let wantInterpreter: bool = false;
let wide: bool = false;
let big: bool = false;

// The table that is being read.
let recordSize: i32 = 0;
let recordOffset: u64 = 0;
let recordsLeft: u64 = 0;

let phoff: u64 = 0;
let phnum: u64 = 0;
let shoff: u64 = 0;
let shnum: u64 = 0;
let hasLoad: bool = false;
let hasInterpreter: bool = false;
let interpreterOffset: u64 = 0;
let interpreterSize: u64 = 0;
let hasDynamic: bool = false;
let dynamicOffset: u64 = 0;
let dynamicSize: u64 = 0;

let rpaths: i32 = 0;
let rpath: u64 = 0;
let strtabs: i32 = 0;
let strtab: u64 = 0;
let names: bool = false;
let highestName: u64 = 0;
let hasSoname: bool = false;
let soname: u64 = 0;

let hasBelow: bool = false;
let belowAddress: u64 = 0;
let belowOffset: u64 = 0;
let topAddress: u64 = 0;
let topOffset: u64 = 0;

let strtabOffset: u64 = 0;
let strtabSize: u64 = 0;
// The string that is being looked through.
let stringStart: u64 = 0;
let stringAt: u64 = 0;
let stringEnd: u64 = 0;

function half(pointer: usize): u32 {
  const value = load<u16>(pointer);
  return big ? bswap<u16>(value) : value;
}

function int(pointer: usize): u32 {
  const value = load<u32>(pointer);
  return big ? bswap<u32>(value) : value;
}

/** An address, offset or size: 4 bytes in class 32, 8 in class 64. */
function word(pointer: usize): u64 {
  if (!wide) return int(pointer);
  const value = load<u64>(pointer);
  return big ? bswap<u64>(value) : value;
}

function contains(offset: u64, size: u64): bool {
  return offset <= fileSize && size <= fileSize - offset;
}

/** Begins another file; the first range is wanted at once. */
export function elfBegin(size: f64, interpreter: bool): void {
  fileSize = <u64>size;
  wantInterpreter = interpreter;
  elfRpathOffset = -1;
  elfInterpreterOffset = -1;
  hasLoad = hasInterpreter = hasDynamic = hasSoname = hasBelow = names = false;
  rpaths = strtabs = 0;
  highestName = belowAddress = topAddress = topOffset = 0;
  phase = HEADER;
  want(0, 64);
}

function want(offset: u64, length: u64): void {
  elfWantOffset = <f64>offset;
  elfWantLength = <i32>min<u64>(length, ELF_CHUNK);
}

/** Takes the bytes that were wanted, fewer only at the file's end. True when more are wanted. */
export function elfFeed(pointer: usize, length: i32): bool {
  if (phase == HEADER) return readHeader(pointer, length);
  if (phase == INTERPRETER || phase == RPATH) return readString(pointer, length);
  if (phase == STRTAB_END) return readStrtabEnd(pointer, length);
  if (phase == DONE) return false;
  return readRecords(pointer, length);
}

/** Nothing of the file is rewritten. */
function refuse(): bool {
  elfRpathOffset = -1;
  elfInterpreterOffset = -1;
  phase = DONE;
  return false;
}

function finish(): bool {
  phase = DONE;
  return false;
}

function readHeader(pointer: usize, length: i32): bool {
  if (length < 52 || load<u32>(pointer) != 0x464c457f) return refuse();
  const elfClass = load<u8>(pointer, 4);
  const order = load<u8>(pointer, 5);
  if ((elfClass != 1 && elfClass != 2) || (order != 1 && order != 2)) return refuse();
  wide = elfClass == 2;
  big = order == 2;
  if (wide && length < 64) return refuse();
  const type = half(pointer + 16);
  if (type != ET_EXEC && type != ET_DYN) return refuse();
  phoff = word(pointer + (wide ? 32 : 28));
  shoff = word(pointer + (wide ? 40 : 32));
  phnum = half(pointer + (wide ? 56 : 44));
  shnum = half(pointer + (wide ? 60 : 48));
  return beginTable(SEGMENTS, phoff, phnum, wide ? 56 : 32);
}

function beginTable(newPhase: i32, offset: u64, count: u64, size: i32): bool {
  phase = newPhase;
  recordSize = size;
  recordOffset = offset;
  recordsLeft = count;
  return wantRecords();
}

/** Wants the next records of the table, or ends it. */
function wantRecords(): bool {
  if (recordsLeft == 0) return endTable();
  if (!contains(recordOffset, <u64>recordSize)) return endShortTable();
  const records = min<u64>(recordsLeft, <u64>(ELF_CHUNK / recordSize));
  want(recordOffset, records * <u64>recordSize);
  return true;
}

/** A table that the file cuts off: sections that are not there describe nothing; any other table must be complete. */
function endShortTable(): bool {
  return phase == LOADS ? endTable() : refuse();
}

function readRecords(pointer: usize, length: i32): bool {
  const records = min<i32>(length, elfWantLength) / recordSize;
  if (records == 0) return endShortTable();
  for (let i = 0; i < records; i++) {
    const record = pointer + <usize>(i * recordSize);
    if (phase == SEGMENTS) readSegment(record);
    else if (phase == LOADS) readLoad(record);
    else if (phase == DYNAMIC) {
      if (!readDynamic(record)) return endTable();
    } else if (readSection(record)) return beginStrtabEnd();
  }
  recordsLeft -= <u64>records;
  recordOffset += <u64>records * <u64>recordSize;
  return wantRecords();
}

function endTable(): bool {
  if (phase == SEGMENTS) return endSegments();
  if (phase == DYNAMIC) return endDynamic();
  if (phase == LOADS) return endLoads();
  return refuse();
}

function readSegment(record: usize): void {
  const size = word(record + (wide ? 32 : 16));
  if (size == 0) return;
  const type = int(record);
  const offset = word(record + (wide ? 8 : 4));
  if (type == PT_LOAD) hasLoad = true;
  else if (type == PT_INTERP) {
    hasInterpreter = true;
    interpreterOffset = offset;
    interpreterSize = size;
  } else if (type == PT_DYNAMIC) {
    hasDynamic = true;
    dynamicOffset = offset;
    dynamicSize = size;
  }
}

function endSegments(): bool {
  if (!wantInterpreter || !hasInterpreter) return beginDynamic();
  if (!contains(interpreterOffset, interpreterSize)) return refuse();
  return beginString(INTERPRETER, interpreterOffset, interpreterOffset + interpreterSize);
}

function beginDynamic(): bool {
  if (!hasDynamic || !hasLoad) return finish();
  const size = wide ? 16 : 8;
  return beginTable(DYNAMIC, dynamicOffset, dynamicSize / <u64>size, size);
}

/** Takes one entry; false after the last one. */
function readDynamic(record: usize): bool {
  const tag = word(record);
  const value = word(record + (wide ? 8 : 4));
  if (tag == DT_NULL) return false;
  if (tag == DT_STRTAB) {
    strtabs = min(strtabs + 1, 2);
    strtab = value;
  } else if (tag == DT_NEEDED) {
    names = true;
    highestName = max(highestName, value);
  } else if (tag == DT_SONAME) {
    hasSoname = true;
    soname = value;
  } else if (tag == DT_RPATH || tag == DT_RUNPATH) {
    rpaths = min(rpaths + 1, 2);
    rpath = value;
  }
  return true;
}

function endDynamic(): bool {
  if (rpaths > 1 || strtabs != 1) return refuse();
  if (hasSoname) highestName = max(highestName, soname);
  if (rpaths == 1) highestName = max(highestName, rpath);
  if (!names && !hasSoname && rpaths == 0) return finish();
  return beginTable(LOADS, phoff, phnum, wide ? 56 : 32);
}

/** Of equal addresses the later one counts. */
function readLoad(record: usize): void {
  if (word(record + (wide ? 32 : 16)) == 0 || int(record) != PT_LOAD) return;
  const offset = word(record + (wide ? 8 : 4));
  const address = word(record + (wide ? 16 : 8));
  if (address >= topAddress) {
    topAddress = address;
    topOffset = offset;
  }
  if (address <= strtab && (!hasBelow || address >= belowAddress)) {
    hasBelow = true;
    belowAddress = address;
    belowOffset = offset;
  }
}

function endLoads(): bool {
  const address = hasBelow ? belowAddress : topAddress;
  const offset = hasBelow ? belowOffset : topOffset;
  if (strtab >= address) {
    strtabOffset = offset + (strtab - address);
    if (strtabOffset < offset) return refuse();
  } else {
    if (address - strtab > offset) return refuse();
    strtabOffset = offset - (address - strtab);
  }
  return beginTable(SECTIONS, shoff, shnum, wide ? 64 : 40);
}

/** True for the header of the string table. */
function readSection(record: usize): bool {
  if (int(record + 4) != SHT_STRTAB || word(record + (wide ? 24 : 16)) != strtabOffset) return false;
  strtabSize = word(record + (wide ? 32 : 20));
  return true;
}

function beginStrtabEnd(): bool {
  if (!contains(strtabOffset, strtabSize) || highestName >= strtabSize) return refuse();
  phase = STRTAB_END;
  stringStart = strtabOffset + highestName;
  stringEnd = strtabOffset + strtabSize;
  return wantBackwards();
}

/** From the table's end back to the highest string: somewhere there must be a NUL. */
function wantBackwards(): bool {
  if (stringEnd <= stringStart) return refuse();
  const length = min<u64>(stringEnd - stringStart, <u64>ELF_CHUNK);
  want(stringEnd - length, length);
  return true;
}

function readStrtabEnd(pointer: usize, length: i32): bool {
  if (length < elfWantLength) return refuse();
  for (let i = length - 1; i >= 0; i--) {
    if (load<u8>(pointer + i) == 0) return endStrtab();
  }
  stringEnd -= <u64>length;
  return wantBackwards();
}

function endStrtab(): bool {
  if (rpaths == 0) return finish();
  return beginString(RPATH, strtabOffset + rpath, strtabOffset + strtabSize);
}

function beginString(newPhase: i32, start: u64, end: u64): bool {
  phase = newPhase;
  stringStart = start;
  stringAt = start;
  stringEnd = min<u64>(end, start + LONGEST_STRING + 1);
  return wantString();
}

function wantString(): bool {
  if (stringAt >= stringEnd) return refuse();
  want(stringAt, stringEnd - stringAt);
  return true;
}

function readString(pointer: usize, length: i32): bool {
  if (length <= 0) return refuse();
  for (let i = 0; i < length; i++) {
    if (load<u8>(pointer + i) == 0) return endString(stringAt + <u64>i - stringStart);
  }
  stringAt += <u64>length;
  return wantString();
}

function endString(length: u64): bool {
  if (phase == INTERPRETER) {
    elfInterpreterOffset = <f64>stringStart;
    elfInterpreterLength = <i32>length;
    return beginDynamic();
  }
  elfRpathOffset = <f64>stringStart;
  elfRpathLength = <i32>length;
  return finish();
}

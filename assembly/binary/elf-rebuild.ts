// A new dynamic string table, in which changed strings stand behind the others and old ones are overwritten (the rules are those of
// `rebuildStrings` in src/binfmt/elf/elf-strings.ts and of src/binfmt/elf/elf-unused-strings.ts). Linkers let a string be the end of another one, so
// what is still referred to stays, to the byte.
import { findByte } from './elf-format';
import {
  bitsSize,
  hasBit,
  LARGEST_TABLE,
  others,
  Reference,
  referenceAt,
  referenceCount,
  setBit,
} from './elf-strings';
import { entryAt, entryCount, Section } from './elf-tables';
import { addToSet, firstWith, hashOf, nextWith, openSet } from './hash-set';
import { erase, extend, read, reserve } from './host';
import { findMapping, growthOf, holdsGrowing, writeMapped } from './mapping';
import * as problem from './problems';

/** No loader takes a longer name. A limit of ours: hostile entries must not multiply one long string. */
const LONGEST_NAME: i32 = 4096;

/** The table, and where new strings end. */
export let bytes: usize = 0;
export let length: i32 = 0;
let oldLength: i32 = 0;

/** Bits for strings that stay. */
let kept: usize = 0;
let scratch: usize = 0;

/** Reads the table. All other memory of a change is reserved before: the table grows at its end. */
export function openStrings(strings: Section): void {
  kept = reserve(bitsSize);
  scratch = reserve(bitsSize);
  openSet(referenceCount);
  bytes = reserve(strings.size + 1);
  oldLength = length = read(strings.offset, <i32>strings.size, bytes);
  // For the search of the last string's end.
  store<u8>(bytes + length, 0);
}

function stringEnd(from: i32): i32 {
  let end = from;
  while (load<u8>(bytes + end) != 0) end++;
  return end;
}

/** Overwrites unused strings that hold old prefixes: with `isEdit` in the file, else in the table. */
export function eraseUnused(strings: Section, isEdit: bool): void {
  memory.copy(scratch, others, <usize>bitsSize);
  for (let i = 0; i < referenceCount; i++) setBit(scratch, referenceAt(i).offset);
  addUnknownUses();
  for (let start = 0; start < oldLength; ) {
    const end = stringEnd(start);
    if (end > start && !hasBit(scratch, start) && holdsGrowing(bytes + start, end - start)) {
      const to = unusedEnd(scratch, start, end);
      if (isEdit) erase(strings.offset + start, to - start);
      else memory.fill(bytes + start, 0, to - start);
    }
    start = end + 1;
  }
}

const DT_LOOS: u64 = 0x60000000;
const DT_VALRNGLO: u64 = 0x6ffffd00;
const DT_HIOS: u64 = 0x6fffffff;

/** Of entries with an unknown meaning, a value that could be an offset counts as one. */
function addUnknownUses(): void {
  for (let i = 0; i < entryCount; i++) {
    const tag = entryAt(i).tag;
    const value = entryAt(i).value;
    const isKnown = tag < DT_LOOS || (tag >= DT_VALRNGLO && tag <= DT_HIOS);
    if (!isKnown && value < <u64>oldLength) setBit(scratch, <u32>value);
  }
}

/** The first place of a string that something refers to, or its end. */
function unusedEnd(bits: usize, start: i32, end: i32): i32 {
  let to = start;
  while (to < end && !hasBit(bits, to)) to++;
  return to;
}

/** Appends the new strings and overwrites the old ones; `rpath` is 0 where it stays. Returns why that cannot be. */
export function rebuild(rpath: usize, rpathLength: i32): i32 {
  memory.copy(kept, others, <usize>bitsSize);
  // A last string without an end must not run into the first new one.
  if (length == 0 || load<u8>(bytes + length - 1) != 0) length++;
  for (let i = 0; i < referenceCount; i++) {
    const status = replace(referenceAt(i), rpath, rpathLength);
    if (status != problem.NO_PROBLEM) return status;
    if (<u64>length > LARGEST_TABLE) return problem.TABLE_TOO_LARGE;
  }
  eraseMoved();
  return problem.NO_PROBLEM;
}

function replace(reference: Reference, rpath: usize, rpathLength: i32): i32 {
  const old = bytes + reference.offset;
  reference.newOffset = -1;
  if (reference.isRpath) {
    if (rpath == 0) {
      setBit(kept, reference.offset);
      return problem.NO_PROBLEM;
    }
    makeRoom(rpathLength);
    memory.copy(bytes + length, rpath, rpathLength);
    return append(reference, rpathLength);
  }
  const found = findByte(0, old, min<i32>(LONGEST_NAME + 1, oldLength + 1 - reference.offset));
  if (found < 0) return problem.NAME_TOO_LONG;
  const mapping = findMapping(old, found);
  if (mapping < 0) {
    setBit(kept, reference.offset);
    return problem.NO_PROBLEM;
  }
  const newLength = found + growthOf(mapping);
  makeRoom(newLength);
  writeMapped(mapping, old, found, bytes + length);
  return append(reference, newLength);
}

/** Room for one more string behind the table. */
function makeRoom(size: i32): void {
  extend(bytes, <u64>(length + size + 1));
}

/** Keeps the string behind the table, if it is not there yet. */
function append(reference: Reference, size: i32): i32 {
  store<u8>(bytes + length + size, 0);
  reference.newLength = size;
  const hash = hashOf(bytes + length, size);
  for (let known = firstWith(hash); known >= 0; known = nextWith(hash)) {
    if (!isSame(known, size)) continue;
    reference.newOffset = known;
    return problem.NO_PROBLEM;
  }
  addToSet(hash, length);
  reference.newOffset = length;
  length += size + 1;
  return problem.NO_PROBLEM;
}

/** Whether the string at `offset` is the one behind the table's end; the NUL of both counts. */
function isSame(offset: i32, size: i32): bool {
  return offset + size < length && memory.compare(bytes + offset, bytes + length, size + 1) == 0;
}

/** Overwrites strings that have a new form up to the first place in them that is still referred to. */
function eraseMoved(): void {
  memory.fill(scratch, 0, <usize>bitsSize);
  for (let i = 0; i < referenceCount; i++)
    if (referenceAt(i).newOffset >= 0) setBit(scratch, referenceAt(i).offset);
  let erasedTo = -1;
  for (let at = 0; at < oldLength; at++) {
    // Whole bytes of bits, where nothing is set.
    if ((at & 7) == 0 && load<u8>(scratch + (at >> 3)) == 0) {
      at += 7;
      continue;
    }
    if (at <= erasedTo || !hasBit(scratch, at)) continue;
    const start = stringStart(at, erasedTo);
    erasedTo = stringEnd(start);
    memory.fill(bytes + start, 0, unusedEnd(kept, start, min(erasedTo, oldLength)) - start);
  }
}

/** Where the string begins that the byte at `offset` is in, or the NUL of. */
function stringStart(offset: i32, after: i32): i32 {
  let start = offset;
  while (start > after + 1 && load<u8>(bytes + start - 1) != 0) start--;
  return start;
}

/** The hash of version records (gABI "Hash Table"). */
export function elfHash(pointer: usize, size: i32): u32 {
  let hash: u32 = 0;
  for (let i = 0; i < size; i++) {
    hash = (hash << 4) + load<u8>(pointer + i);
    const top = hash & 0xf0000000;
    hash = hash ^ (top >> 24) ^ top;
  }
  return hash;
}

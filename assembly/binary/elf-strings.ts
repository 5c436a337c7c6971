// Who refers to which string of the dynamic string table (gABI "String Table", "Symbol Table"; LSB "Symbol Versioning"; the rules are those of
// src/binfmt/elf/elf-strings.ts).
import * as elf from './elf-format';
import {
  entryAt,
  entryCount,
  isSymbolTable,
  isVersionSection,
  Section,
  sectionAt,
  sectionCount,
} from './elf-tables';
import { contains, read, reserve } from './host';
import * as problem from './problems';

/** A place in the file that holds the offset of a string. */
@unmanaged
export class Reference {
  at: u64;
  /** Where the version record's hash of the string is, which must follow it; 0 for none. */
  hashAt: u64;
  offset: u32;
  /** A word of the dynamic section; else an int of a version record. */
  isWord: bool;
  isRpath: bool;
  /** The new string: its offset, or -1 where the old one stays, and its length. */
  newOffset: i32;
  newLength: i32;
}

const REFERENCE_SIZE: i32 = offsetof<Reference>();

/** A string table is copied in memory; no real one comes near this. The same goes for all that refers to it. */
export const LARGEST_TABLE: u64 = 128 << 20;
/** Names that may change. No linker writes so many. */
const MOST_NAMES: u64 = 131072;

const VERNEED_SIZE: u64 = 16;
const VERNAUX_SIZE: u64 = 16;
const VERDEF_SIZE: u64 = 20;
const VERDAUX_SIZE: u64 = 8;
const VER_FLG_BASE: u32 = 1;

let references: usize = 0;
let capacity: u64 = 0;
export let referenceCount: i32 = 0;
let isFull: bool = false;
let table: Section = changetype<Section>(0);
/** One bit for each byte of the table at which a string begins that is in use, apart from names that may change. */
export let others: usize = 0;
export let bitsSize: u64 = 0;

export function referenceAt(index: i32): Reference {
  return changetype<Reference>(references + <usize>(index * REFERENCE_SIZE));
}

/** Finds every use of the string table, or says why not all can be known. */
export function findUses(strings: Section): i32 {
  if (strings.size > LARGEST_TABLE) return problem.STRINGS_TOO_LARGE;
  table = strings;
  if (!hasDynamicSymbols()) return problem.SYMBOLS_NOT_DESCRIBED;
  bitsSize = (strings.size + 8) >> 3;
  others = reserve(bitsSize);
  memory.fill(others, 0, <usize>bitsSize);
  capacity = min(MOST_NAMES, mostReferences());
  references = reserve(capacity * REFERENCE_SIZE);
  referenceCount = 0;
  isFull = false;
  addDynamicUses();
  const status = addLinkedUses();
  if (status != problem.NO_PROBLEM) return status;
  for (let i = 0; i < referenceCount; i++)
    if (referenceAt(i).offset >= <u32>strings.size) return problem.STRING_OUTSIDE;
  return problem.NO_PROBLEM;
}

function isLinked(section: Section): bool {
  return section.link == <u32>table.index && section.type != elf.SHT_NOBITS;
}

function hasDynamicSymbols(): bool {
  for (let i = 0; i < sectionCount; i++) {
    const section = sectionAt(i);
    if (isLinked(section) && section.type == elf.SHT_DYNSYM) return true;
  }
  return false;
}

function addDynamicUses(): void {
  const valueAt: u64 = elf.dynamicSize() >> 1;
  for (let i = 0; i < entryCount; i++) {
    const entry = entryAt(i);
    const isRpath = entry.tag == elf.DT_RPATH || entry.tag == elf.DT_RUNPATH;
    if (!isRpath && !isNameTag(entry.tag)) continue;
    // What is beyond the table by far is beyond it all the same.
    const reference = addReference(entry.at + valueAt, <u32>min<u64>(entry.value, u32.MAX_VALUE));
    reference.isWord = true;
    reference.isRpath = isRpath;
  }
}

/** Entries that hold names which may be paths. */
function isNameTag(tag: u64): bool {
  if (tag == elf.DT_NEEDED || tag == elf.DT_SONAME || tag == elf.DT_CONFIG) return true;
  return tag == elf.DT_DEPAUDIT || tag == elf.DT_AUDIT || tag == elf.DT_AUXILIARY || tag == elf.DT_FILTER;
}

/** Records do not lie in each other as a rule; where they do, `has` counts them. */
function mostReferences(): u64 {
  let most: u64 = entryCount;
  for (let i = 0; i < sectionCount; i++) {
    const section = sectionAt(i);
    if (isLinked(section) && isVersionSection(section))
      most += min(section.size, LARGEST_TABLE) / VERDAUX_SIZE;
  }
  return most;
}

function addReference(at: u64, offset: u32): Reference {
  if (<u64>referenceCount == capacity) {
    isFull = true;
    referenceCount--;
  }
  const reference = referenceAt(referenceCount++);
  reference.at = at;
  reference.hashAt = 0;
  reference.offset = offset;
  reference.isWord = reference.isRpath = false;
  reference.newOffset = -1;
  return reference;
}

function addLinkedUses(): i32 {
  let total: u64 = 0;
  for (let i = 0; i < sectionCount; i++) {
    const section = sectionAt(i);
    if (!isLinked(section)) continue;
    if (!contains(section.offset, section.size)) return problem.SECTIONS_INCOMPLETE;
    total += section.size;
    if (total > LARGEST_TABLE) return problem.SECTIONS_TOO_LARGE;
    if (isSymbolTable(section)) addSymbolUses(section);
    else if (section.type == elf.SHT_GNU_verneed) addNeeds(section);
    else if (section.type == elf.SHT_GNU_verdef) addDefinitions(section);
    if (isFull) return problem.TOO_MANY_NAMES;
  }
  return problem.NO_PROBLEM;
}

function addSymbolUses(section: Section): void {
  const size = elf.symbolSize();
  elf.openTable(section.offset, section.size / <u64>size, size);
  for (let record = elf.nextRecord(); record != 0; record = elf.nextRecord()) addOther(elf.int(record));
}

function addOther(offset: u32): void {
  if (offset < <u32>table.size) setBit(others, offset);
}

export function setBit(bits: usize, index: u32): void {
  const at = bits + (index >> 3);
  store<u8>(at, load<u8>(at) | ((<u8>1) << (<u8>(index & 7))));
}

export function hasBit(bits: usize, index: u32): bool {
  return ((load<u8>(bits + (index >> 3)) >> (index & 7)) & 1) != 0;
}

// The version section that is walked over: its records are linked by offsets, and never more of them count than it has room for.
let bytes: usize = 0;
let length: u64 = 0;
let start: u64 = 0;
let left: i64 = 0;

function openVersions(section: Section): void {
  length = section.size;
  bytes = reserve(length);
  start = section.offset;
  length = read(section.offset, <i32>length, bytes);
  left = length / VERDAUX_SIZE;
}

function has(at: u64, size: u64): bool {
  return at + size <= length && left-- > 0;
}

/** Where the next record is, or a place that none has. */
function following(at: u64, field: u64): u64 {
  const step = elf.int(bytes + <usize>(at + field));
  return step == 0 ? length : at + step;
}

function addNeeds(section: Section): void {
  openVersions(section);
  for (let at: u64 = 0; has(at, VERNEED_SIZE); at = following(at, 12)) {
    const record = bytes + <usize>at;
    addReference(start + at + 4, elf.int(record + 4));
    addNames(at + elf.int(record + 8), elf.half(record + 2), true);
  }
}

/** The base definition has the library's own name. */
function addDefinitions(section: Section): void {
  openVersions(section);
  for (let at: u64 = 0; has(at, VERDEF_SIZE); at = following(at, 16)) {
    const record = bytes + <usize>at;
    const first = at + elf.int(record + 12);
    const isBase = (elf.half(record + 2) & VER_FLG_BASE) != 0;
    if (isBase && has(first, VERDAUX_SIZE)) {
      const reference = addReference(start + first, elf.int(bytes + <usize>first));
      reference.hashAt = start + at + 8;
    } else addNames(first, elf.half(record + 6), false);
  }
}

/** The names of needed versions, or of defined ones. */
function addNames(first: u64, count: u32, isNeed: bool): void {
  const size = isNeed ? VERNAUX_SIZE : VERDAUX_SIZE;
  let at = first;
  for (let remaining = count; remaining > 0 && has(at, size); remaining--) {
    addOther(elf.int(bytes + <usize>at + (isNeed ? 8 : 0)));
    at = following(at, isNeed ? 12 : 4);
  }
}

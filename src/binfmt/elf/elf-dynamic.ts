// The dynamic section of an ELF file (gABI "Dynamic Section"), accepted exactly where Spack's `parse_pt_dynamic` accepts it:
// one DT_STRTAB, at most one rpath, and a string table section header at the table's offset.
import type { ElfReader, ElfRecord, ElfTable } from './elf-format.js';
import * as format from './elf-format.js';

/** A string in the file; `length` leaves out the NUL. */
export interface ElfString {
  readonly value: Uint8Array;
  readonly offset: number;
  readonly length: number;
}

/** The one rpath of a file: `runpath` when its tag is DT_RUNPATH. */
export interface ElfRpath extends ElfString {
  readonly kind: 'rpath' | 'runpath';
}

/** A part of the file that a program header names. */
export interface ElfSegment {
  readonly offset: bigint;
  readonly size: bigint;
}

export interface ElfDynamic {
  readonly needed: readonly Uint8Array[];
  readonly soname: Uint8Array | undefined;
  readonly rpath: ElfRpath | undefined;
}

/** Why the strings of a dynamic section cannot be used. */
export interface ElfProblem {
  readonly problem: string;
}

/** No loader takes a longer rpath or interpreter. A limit of ours: such a file stays as it is. */
export const LONGEST_STRING = 1024 * 1024;

/** What `inspect` shows at most. */
const MOST_NEEDED = 4096;
const LONGEST_NAME = 4096;

/** What the entries say, before the string table is known. */
interface DynamicEntries {
  readonly needed: bigint[];
  /** The highest string offset of all: the string table must have a NUL behind it. */
  highest: bigint | undefined;
  soname: bigint | undefined;
  rpath: bigint | undefined;
  rpathKind: 'rpath' | 'runpath';
  rpaths: number;
  strtab: bigint;
  strtabs: number;
}

/** Reads the section; `programHeaders` maps the string table's address to its place in the file. */
export function readDynamic(
  reader: ElfReader,
  segment: ElfSegment,
  programHeaders: ElfTable,
  sectionHeaders: ElfTable,
): ElfDynamic | ElfProblem {
  const entries = readEntries(reader, segment);
  if (entries === undefined) return { problem: 'the dynamic section is not complete' };
  if (entries.rpaths > 1) return { problem: 'there is more than one rpath' };
  if (entries.strtabs !== 1) return { problem: 'there is not exactly one string table' };
  if (entries.highest === undefined) return { needed: [], soname: undefined, rpath: undefined };
  const offset = toFileOffset(reader, programHeaders, entries.strtab);
  const size = offset === undefined ? undefined : findStrtabSize(reader, sectionHeaders, offset);
  if (offset === undefined || size === undefined) {
    return { problem: 'no section header describes the string table' };
  }
  if (!reader.contains(offset, size)) return { problem: 'the string table is not complete' };
  return readStrings(reader, entries, Number(offset), Number(offset + size));
}

function readEntries(reader: ElfReader, segment: ElfSegment): DynamicEntries | undefined {
  const { dynamic } = reader.layout;
  const entries: DynamicEntries = {
    needed: [],
    highest: undefined,
    soname: undefined,
    rpath: undefined,
    rpathKind: 'rpath',
    rpaths: 0,
    strtab: 0n,
    strtabs: 0,
  };
  const count = Number(segment.size / BigInt(dynamic.size));
  const table = { offset: segment.offset, count, recordSize: dynamic.size };
  const complete = reader.forEachRecord(table, (record) =>
    addEntry(entries, record.word(dynamic.d_tag), record.word(dynamic.d_val)),
  );
  // Of several sonames the last one counts, so only its offset has to be good.
  if (entries.soname !== undefined) entries.highest = highest(entries.highest, entries.soname);
  return complete ? entries : undefined;
}

/** Takes one entry; false after the last one. */
function addEntry(entries: DynamicEntries, tag: bigint, value: bigint): boolean {
  switch (tag) {
    case format.DT_NULL:
      return false;
    case format.DT_STRTAB:
      entries.strtab = value;
      entries.strtabs++;
      return true;
    case format.DT_NEEDED:
      if (entries.needed.length < MOST_NEEDED) entries.needed.push(value);
      break;
    case format.DT_SONAME:
      entries.soname = value;
      return true;
    case format.DT_RPATH:
    case format.DT_RUNPATH:
      entries.rpath = value;
      entries.rpathKind = tag === format.DT_RPATH ? 'rpath' : 'runpath';
      entries.rpaths++;
      break;
    default:
      return true;
  }
  entries.highest = highest(entries.highest, value);
  return true;
}

function highest(a: bigint | undefined, b: bigint): bigint {
  return a === undefined || b > a ? b : a;
}

/** Where an address is in the file: by the segment with the highest address that is not above it, else by the highest of all. */
export function toFileOffset(
  reader: ElfReader,
  programHeaders: ElfTable,
  address: bigint,
): bigint | undefined {
  let below: LoadSegment | undefined;
  let top: LoadSegment | undefined;
  forEachSegment(reader, programHeaders, (type, record) => {
    if (type !== format.PT_LOAD) return;
    const { p_offset, p_vaddr } = reader.layout.programHeader;
    const segment = { offset: record.word(p_offset), address: record.word(p_vaddr) };
    // Of equal addresses the later one counts.
    if (top === undefined || segment.address >= top.address) top = segment;
    if (segment.address <= address && (below === undefined || segment.address >= below.address))
      below = segment;
  });
  const segment: LoadSegment | undefined = below ?? top;
  return segment && segment.offset - segment.address + address;
}

interface LoadSegment {
  readonly offset: bigint;
  readonly address: bigint;
}

/** Visits the segments that have bytes in the file. False when the table is not complete. */
export function forEachSegment(
  reader: ElfReader,
  programHeaders: ElfTable,
  visit: (type: number, record: ElfRecord) => void,
): boolean {
  const { p_type, p_filesz } = reader.layout.programHeader;
  return reader.forEachRecord(programHeaders, (record) => {
    if (record.word(p_filesz) !== 0n) visit(record.int(p_type), record);
    return true;
  });
}

function findStrtabSize(reader: ElfReader, sectionHeaders: ElfTable, offset: bigint): bigint | undefined {
  const { sh_type, sh_offset, sh_size } = reader.layout.sectionHeader;
  let size: bigint | undefined;
  reader.forEachRecord(sectionHeaders, (record) => {
    if (record.int(sh_type) !== format.SHT_STRTAB || record.word(sh_offset) !== offset) return true;
    size = record.word(sh_size);
    return false;
  });
  return size;
}

function readStrings(
  reader: ElfReader,
  entries: DynamicEntries,
  start: number,
  end: number,
): ElfDynamic | ElfProblem {
  const limit = entries.highest === undefined ? 0n : entries.highest;
  const lastNul = limit < BigInt(end - start) ? reader.findLastNul(start, end, start + Number(limit)) : -1;
  if (lastNul < start + Number(limit)) return { problem: 'a string has no end within the string table' };
  const name = (offset: bigint) => readName(reader, start + Number(offset), end);
  const rpath = readRpath(reader, entries, start, end);
  if (rpath !== undefined && 'problem' in rpath) return rpath;
  const soname = entries.soname === undefined ? undefined : name(entries.soname);
  return { needed: entries.needed.map(name), soname, rpath };
}

function readRpath(
  reader: ElfReader,
  entries: DynamicEntries,
  start: number,
  end: number,
): ElfRpath | ElfProblem | undefined {
  if (entries.rpath === undefined) return undefined;
  const offset = start + Number(entries.rpath);
  const value = reader.readString(offset, end, LONGEST_STRING);
  if (value === undefined) return { problem: 'the rpath is too long' };
  return { value, offset, length: value.length, kind: entries.rpathKind };
}

/** A name for people, cut where it is too long for one. */
function readName(reader: ElfReader, offset: number, end: number): Uint8Array {
  return (
    reader.readString(offset, end, LONGEST_NAME) ?? new Uint8Array(reader.source.read(offset, LONGEST_NAME))
  );
}

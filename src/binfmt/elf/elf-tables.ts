// All tables of an ELF file that must change when it grows (gABI: program headers, sections, dynamic section), read strictly: a file
// that is odd in a way that `elf.ts` tolerates is not grown.
import type { ByteSource } from '../../core/byte-source.js';
import { programHeaderTable, sectionHeaderTable } from './elf.js';
import { type ElfProblem, toFileOffset } from './elf-dynamic.js';
import type { ElfRecord, ElfTable } from './elf-format.js';
import * as format from './elf-format.js';

export interface ElfSegmentHeader {
  readonly type: number;
  readonly flags: number;
  readonly offset: bigint;
  readonly vaddr: bigint;
  readonly paddr: bigint;
  readonly filesz: bigint;
  readonly memsz: bigint;
  readonly align: bigint;
}

export interface ElfSectionHeader {
  readonly index: number;
  readonly type: number;
  readonly addr: bigint;
  readonly offset: bigint;
  readonly size: bigint;
  readonly link: number;
  readonly info: number;
}

export interface ElfDynamicEntry {
  /** Where it is in the file. */
  readonly at: number;
  readonly tag: bigint;
  readonly value: bigint;
}

export interface ElfTables {
  readonly reader: format.ElfReader;
  readonly type: number;
  readonly programHeaders: ElfTable;
  readonly sectionHeaders: ElfTable;
  readonly segments: readonly ElfSegmentHeader[];
  readonly sections: readonly ElfSectionHeader[];
  readonly dynamic: readonly ElfDynamicEntry[];
  /** The section of the dynamic string table; undefined in a file without a dynamic section. */
  readonly strings: ElfSectionHeader | undefined;
}

/** More program headers have another count (`PN_XNUM`), and kernels before 5.x take no more than a page of them. */
const MOST_SEGMENTS = 1024;
const MOST_DYNAMIC = 65_536;

/** The tables of an executable or a shared library, or why they cannot be used. */
export function readElfTables(source: ByteSource): ElfTables | ElfProblem {
  const opened = format.ElfReader.open(source);
  if (opened === undefined) return { problem: 'it is no ELF file' };
  const { reader, header } = opened;
  const { e_phentsize, e_shentsize } = reader.layout.header;
  const programHeaders = programHeaderTable(reader, header);
  const sectionHeaders = sectionHeaderTable(reader, header);
  if (header.half(e_phentsize) !== programHeaders.recordSize)
    return { problem: 'its program headers have an unknown size' };
  if (sectionHeaders.count > 0 && header.half(e_shentsize) !== sectionHeaders.recordSize)
    return { problem: 'its section headers have an unknown size' };
  if (programHeaders.count >= MOST_SEGMENTS) return { problem: 'it has too many program headers' };
  const segments = readAll(reader, programHeaders, readSegment);
  const sections = readAll(reader, sectionHeaders, readSection);
  if (segments === undefined || sections === undefined) return { problem: 'its headers are not complete' };
  if (sizeOfRecords(sections) > BigInt(source.size)) return { problem: 'its sections overlap' };
  const dynamic = readDynamicEntries(reader, segments);
  if (dynamic === undefined) return { problem: 'its dynamic section is not complete' };
  const strings = findStrings({ reader, programHeaders, sections, dynamic });
  if (strings !== undefined && 'problem' in strings) return strings;
  const type = header.half(format.E_TYPE);
  return { reader, type, programHeaders, sectionHeaders, segments, sections, dynamic, strings };
}

export function isSymbolTable({ type }: ElfSectionHeader): boolean {
  return type === format.SHT_SYMTAB || type === format.SHT_DYNSYM;
}

/** Sections whose records are read one by one. Where they overlap, hostile ones could make that endless. */
const RECORD_SECTIONS: ReadonlySet<number> = new Set([
  format.SHT_SYMTAB,
  format.SHT_DYNSYM,
  format.SHT_GNU_verdef,
  format.SHT_GNU_verneed,
]);

function sizeOfRecords(sections: readonly ElfSectionHeader[]): bigint {
  return sections.reduce((sum, { type, size }) => (RECORD_SECTIONS.has(type) ? sum + size : sum), 0n);
}

function readAll<Item>(
  reader: format.ElfReader,
  table: ElfTable,
  read: (record: ElfRecord, layout: format.ElfLayout, index: number) => Item,
): readonly Item[] | undefined {
  const items: Item[] = [];
  const isComplete = reader.forEachRecord(table, (record, index) => {
    items.push(read(record, reader.layout, index));
    return true;
  });
  return isComplete ? items : undefined;
}

function readSegment(record: ElfRecord, { programHeader: at }: format.ElfLayout): ElfSegmentHeader {
  return {
    type: record.int(at.p_type),
    flags: record.int(at.p_flags),
    offset: record.word(at.p_offset),
    vaddr: record.word(at.p_vaddr),
    paddr: record.word(at.p_paddr),
    filesz: record.word(at.p_filesz),
    memsz: record.word(at.p_memsz),
    align: record.word(at.p_align),
  };
}

function readSection(
  record: ElfRecord,
  { sectionHeader: at }: format.ElfLayout,
  index: number,
): ElfSectionHeader {
  return {
    index,
    type: record.int(at.sh_type),
    addr: record.word(at.sh_addr),
    offset: record.word(at.sh_offset),
    size: record.word(at.sh_size),
    link: record.int(at.sh_link),
    info: record.int(at.sh_info),
  };
}

/** The entries of the last dynamic segment that has bytes, without the DT_NULL that ends them. */
function readDynamicEntries(
  reader: format.ElfReader,
  segments: readonly ElfSegmentHeader[],
): readonly ElfDynamicEntry[] | undefined {
  const segment = segments.filter(({ type, filesz }) => type === format.PT_DYNAMIC && filesz > 0n).at(-1);
  if (segment === undefined) return [];
  const { size, d_tag, d_val } = reader.layout.dynamic;
  if (segment.filesz / BigInt(size) > MOST_DYNAMIC || !reader.contains(segment.offset, 0n)) return undefined;
  const entries: ElfDynamicEntry[] = [];
  const table = { offset: segment.offset, count: Number(segment.filesz) / size, recordSize: size };
  const isComplete = reader.forEachRecord({ ...table, count: Math.floor(table.count) }, (record, index) => {
    const tag = record.word(d_tag);
    if (tag !== format.DT_NULL)
      entries.push({ at: Number(segment.offset) + index * size, tag, value: record.word(d_val) });
    return tag !== format.DT_NULL;
  });
  return isComplete ? entries : undefined;
}

type StringsRequest = Pick<ElfTables, 'reader' | 'programHeaders' | 'sections' | 'dynamic'>;

function findStrings(request: StringsRequest): ElfSectionHeader | ElfProblem | undefined {
  const { reader, programHeaders, sections, dynamic } = request;
  const tables = dynamic.filter(({ tag }) => tag === format.DT_STRTAB);
  const [table] = tables;
  if (table === undefined) return undefined;
  const offset = toFileOffset(reader, programHeaders, table.value);
  const section = sections.find((each) => each.type === format.SHT_STRTAB && each.offset === offset);
  if (tables.length > 1 || section === undefined)
    return { problem: 'no section header describes its string table' };
  const size = dynamic.find(({ tag }) => tag === format.DT_STRSZ)?.value;
  if (size === undefined || size > section.size || section.addr !== table.value)
    return { problem: 'its string table has two sizes or addresses' };
  return section;
}

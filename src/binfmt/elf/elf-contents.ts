// Everything that `inspect` shows of an ELF file: all of its tables, as far as they are there. Unlike `elf.ts` and `elf-tables.ts` it
// decides nothing, so it shows what is odd, too; objects and core files as well.
import type { ByteSource } from '../../core/byte-source.js';
import { toLatin1 } from '../../core/bytes.js';
import { programHeaderTable, sectionHeaderTable } from './elf.js';
import { toFileOffset } from './elf-dynamic.js';
import { DT_NULL, DT_STRTAB, ElfReader, type ElfRecord, type ElfTable, PT_DYNAMIC } from './elf-format.js';
import * as names from './elf-names.js';

export interface ElfSegmentFacts {
  readonly type: string;
  readonly flags: string;
  readonly offset: bigint;
  readonly address: bigint;
  readonly fileSize: bigint;
  readonly memorySize: bigint;
  readonly alignment: bigint;
}

export interface ElfSectionFacts {
  readonly name: string;
  readonly type: string;
  readonly address: bigint;
  readonly offset: bigint;
  readonly size: bigint;
}

export interface ElfDynamicFacts {
  readonly tag: string;
  readonly value: bigint;
  /** Of tags whose value is a string: a byte string. */
  readonly text: string | undefined;
}

export interface ElfContents {
  readonly entry: bigint;
  readonly programHeaders: readonly ElfSegmentFacts[];
  readonly sections: readonly ElfSectionFacts[];
  readonly dynamicSection: readonly ElfDynamicFacts[];
  /** Tables that end early, or are cut after `MOST_RECORDS`. */
  readonly incomplete: readonly string[];
}

/** Objects of large programs have a section for each function. */
const MOST_RECORDS = 65_536;
const LONGEST_TEXT = 65_536;
/** `e_phnum` when the count stands in the first section header. */
const PN_XNUM = 0xffff;

/** The tables of an ELF file; undefined when it does not begin with an ELF header. Never throws for bad bytes. */
export function readElfContents(source: ByteSource): ElfContents | undefined {
  const opened = ElfReader.open(source);
  if (opened === undefined) return undefined;
  const { reader, header } = opened;
  const tables = new TableReader(reader);
  const sectionTable = extended(reader, sectionHeaderTable(reader, header));
  const programTable = extendedSegments(reader, programHeaderTable(reader, header), sectionTable);
  const namesAt = header.half(reader.layout.header.e_shstrndx);
  return {
    entry: header.word(reader.layout.header.e_entry),
    programHeaders: tables.read('program headers', programTable, (record) => segmentOf(record, reader)),
    sections: sectionsOf(tables, sectionTable, namesAt),
    dynamicSection: dynamicOf(tables, programTable),
    incomplete: tables.incomplete,
  };
}

/** Reads tables, and notes which of them are not whole. */
class TableReader {
  readonly reader: ElfReader;
  readonly incomplete: string[] = [];

  constructor(reader: ElfReader) {
    this.reader = reader;
  }

  read<Item>(name: string, table: ElfTable, read: (record: ElfRecord) => Item | undefined): readonly Item[] {
    const items: Item[] = [];
    const count = Math.min(table.count, MOST_RECORDS);
    const isWhole = this.reader.forEachRecord({ ...table, count }, (record) => {
      const item = read(record);
      if (item !== undefined) items.push(item);
      return item !== undefined;
    });
    if (!isWhole || items.length === MOST_RECORDS) this.incomplete.push(name);
    return items;
  }
}

/** The number of sections, where it does not fit its field (gABI "ELF Header", `e_shnum`). */
function extended(reader: ElfReader, table: ElfTable): ElfTable {
  if (table.count > 0 || table.offset === 0n) return table;
  return { ...table, count: Number(firstSection(reader, table, reader.layout.sectionHeader.sh_size) ?? 0n) };
}

function extendedSegments(reader: ElfReader, table: ElfTable, sections: ElfTable): ElfTable {
  if (table.count !== PN_XNUM) return table;
  let count = table.count;
  reader.forEachRecord({ ...sections, count: 1 }, (record) => {
    count = record.int(reader.layout.sectionHeader.sh_info);
    return false;
  });
  return { ...table, count };
}

function firstSection(reader: ElfReader, table: ElfTable, field: number): bigint | undefined {
  let value: bigint | undefined;
  reader.forEachRecord({ ...table, count: 1 }, (record) => {
    value = record.word(field);
    return false;
  });
  return value;
}

function segmentOf(record: ElfRecord, reader: ElfReader): ElfSegmentFacts {
  const at = reader.layout.programHeader;
  const flags = record.int(at.p_flags);
  return {
    type: names.nameOf(names.SEGMENT_TYPES, record.int(at.p_type)),
    flags: ['R', 'W', 'X'].map((letter, i) => ((flags & (4 >> i)) === 0 ? '-' : letter)).join(''),
    offset: record.word(at.p_offset),
    address: record.word(at.p_vaddr),
    fileSize: record.word(at.p_filesz),
    memorySize: record.word(at.p_memsz),
    alignment: record.word(at.p_align),
  };
}

function sectionsOf(tables: TableReader, table: ElfTable, namesAt: number): readonly ElfSectionFacts[] {
  const { reader } = tables;
  const at = reader.layout.sectionHeader;
  const sections = tables.read('sections', table, (record) => ({
    name: record.int(at.sh_name),
    type: names.nameOf(names.SECTION_TYPES, record.int(at.sh_type)),
    address: record.word(at.sh_addr),
    offset: record.word(at.sh_offset),
    size: record.word(at.sh_size),
  }));
  const strings = sections[namesAt];
  return sections.map((section) => ({
    ...section,
    name:
      strings === undefined ? '' : (textAt(reader, strings.offset, strings.size, BigInt(section.name)) ?? ''),
  }));
}

function dynamicOf(tables: TableReader, programTable: ElfTable): readonly ElfDynamicFacts[] {
  const { reader } = tables;
  const table = dynamicTable(reader, programTable);
  if (table === undefined) return [];
  const { d_tag, d_val } = reader.layout.dynamic;
  const entries = tables.read('dynamic section', table, (record) => {
    const tag = record.word(d_tag);
    return tag === DT_NULL ? undefined : { tag, value: record.word(d_val) };
  });
  const address = entries.find(({ tag }) => tag === DT_STRTAB)?.value;
  const strings = address === undefined ? undefined : toFileOffset(reader, programTable, address);
  const size = strings === undefined ? 0n : BigInt(reader.source.size) - strings;
  return entries.map(({ tag, value }) => {
    const name = names.nameOf(names.DYNAMIC_TAGS, tag);
    const isText = strings !== undefined && names.STRING_TAGS.has(name);
    return { tag: name, value, text: isText ? textAt(reader, strings, size, value) : undefined };
  });
}

function dynamicTable(reader: ElfReader, programTable: ElfTable): ElfTable | undefined {
  const { p_type, p_offset, p_filesz } = reader.layout.programHeader;
  const { size: recordSize } = reader.layout.dynamic;
  let found: ElfTable | undefined;
  reader.forEachRecord(programTable, (record) => {
    const [offset, size] = [record.word(p_offset), record.word(p_filesz)];
    if (record.int(p_type) === PT_DYNAMIC && size > 0n)
      found = { offset, count: Math.min(MOST_RECORDS, Number(size / BigInt(recordSize))), recordSize };
    return true;
  });
  return found;
}

function textAt(reader: ElfReader, table: bigint, size: bigint, at: bigint): string | undefined {
  if (at >= size || !reader.contains(table, at)) return undefined;
  const start = Number(table + at);
  const text = reader.readString(start, reader.source.size, LONGEST_TEXT);
  return text && toLatin1(text);
}

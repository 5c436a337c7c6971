// Makes an ELF file longer so that its rpath, its interpreter and the names of libraries can be (gABI): the dynamic string table moves
// as a whole into a new loadable segment, and all headers that tell of it follow. The code and the data stay where they are.
import type { ByteSource, Edit } from '../../core/byte-source.js';
import { concatBytes } from '../../core/bytes.js';
import { type ElfProblem, LONGEST_STRING } from './elf-dynamic.js';
import * as format from './elf-format.js';
import { type Placement, placeNewBytes } from './elf-placement.js';
import { elfHash, findStringUses, type RebuiltStrings, rebuildStrings } from './elf-strings.js';
import {
  type ElfSectionHeader,
  type ElfSegmentHeader,
  type ElfTables,
  isSymbolTable,
  readElfTables,
} from './elf-tables.js';
import { findUnusedStrings } from './elf-unused-strings.js';
import { ElfWriter } from './elf-writer.js';

export interface ElfGrowth {
  /** Undefined leaves the string table where it is. */
  readonly strings:
    | {
        readonly rpath: Uint8Array | undefined;
        /** The new form of a library's name, or undefined where it stays. */
        readonly mapName: (name: Uint8Array) => Uint8Array | undefined;
        /** Whether a string that nothing refers to must go. */
        readonly isOld: (string: Uint8Array) => boolean;
      }
    | undefined;
  /** Undefined leaves it. */
  readonly interpreter: Uint8Array | undefined;
}

/**
 * The edits that make the file hold the new strings; the last of them lies behind the file's end.
 * Never throws for bad bytes: a file that cannot grow has a problem.
 */
export function growElf(source: ByteSource, growth: ElfGrowth): readonly Edit[] | ElfProblem {
  const tables = readElfTables(source);
  if ('problem' in tables) return tables;
  const strings = growth.strings === undefined ? undefined : changeStrings(tables, growth.strings);
  if (strings !== undefined && 'problem' in strings) return strings;
  const interpreter =
    growth.interpreter === undefined ? undefined : findInterpreter(tables, growth.interpreter);
  if (interpreter !== undefined && 'problem' in interpreter) return interpreter;
  const table = strings?.rebuilt.bytes ?? new Uint8Array(0);
  const bytes = concatBytes([table, interpreter?.bytes ?? new Uint8Array(0)]);
  const placement = placeNewBytes({ tables, size: bytes.length, free: strings?.section });
  if ('problem' in placement) return placement;
  const writer = new GrowthWriter(tables, placement);
  if (strings !== undefined) writer.moveStrings(strings);
  if (interpreter !== undefined) writer.moveInterpreter(interpreter, table.length);
  return writer.finish(bytes);
}

interface ChangedStrings {
  readonly section: ElfSectionHeader;
  readonly rebuilt: RebuiltStrings;
}

function changeStrings(
  tables: ElfTables,
  { rpath, mapName, isOld }: NonNullable<ElfGrowth['strings']>,
): ChangedStrings | ElfProblem {
  const { reader, strings: section } = tables;
  if (section === undefined) return { problem: 'it has no dynamic string table' };
  if (!reader.contains(section.offset, section.size)) return { problem: 'its string table is not complete' };
  const { offset, size } = section;
  if (isShared(tables, { offset, size, section, segment: undefined }))
    return { problem: 'its string table has bytes that something else uses' };
  const uses = findStringUses(tables, section);
  if ('problem' in uses) return uses;
  const table = new Uint8Array(reader.source.read(Number(section.offset), Number(section.size)));
  for (const { start, end } of findUnusedStrings({ bytes: table, uses, dynamic: tables.dynamic }, isOld))
    table.fill(0, start, end);
  const rebuilt = rebuildStrings(table, uses, ({ what }, value) =>
    what === 'rpath' ? rpath : mapName(value),
  );
  return 'problem' in rebuilt ? rebuilt : { section, rebuilt };
}

interface FilePart {
  readonly offset: bigint;
  readonly size: bigint;
  /** The section and the segment that are this part. */
  readonly section: ElfSectionHeader | undefined;
  readonly segment: ElfSegmentHeader | undefined;
}

/** Whether a part of the file is also a header, or lies in another section or segment. */
function isShared({ reader, sections, segments, ...tables }: ElfTables, part: FilePart): boolean {
  const end = part.offset + part.size;
  const meets = (offset: bigint, size: bigint) => size > 0n && offset < end && part.offset < offset + size;
  const sizeOf = ({ count, recordSize }: format.ElfTable) => BigInt(count * recordSize);
  return (
    meets(0n, BigInt(reader.layout.header.size)) ||
    meets(tables.programHeaders.offset, sizeOf(tables.programHeaders)) ||
    meets(tables.sectionHeaders.offset, sizeOf(tables.sectionHeaders)) ||
    segments.some((each) => each !== part.segment && isOwnPart(each) && meets(each.offset, each.filesz)) ||
    sections.some((each) => each !== part.section && hasBytes(each) && meets(each.offset, each.size))
  );
}

/** Segments that load, and those of an operating system such as PT_GNU_RELRO, span sections of all kinds. */
function isOwnPart({ type }: ElfSegmentHeader): boolean {
  return type !== format.PT_LOAD && type !== format.PT_PHDR && type < PT_LOOS;
}

function hasBytes({ type }: ElfSectionHeader): boolean {
  return type !== SHT_NULL && type !== format.SHT_NOBITS;
}

const PT_LOOS = 0x60000000;
const SHT_NULL = 0;
const SHT_PROGBITS = 1;

/** The whole segment is overwritten, and there is no path behind its string. */
const LARGEST_INTERPRETER = BigInt(LONGEST_STRING + 1);

interface GrownInterpreter {
  readonly segment: ElfSegmentHeader;
  readonly section: ElfSectionHeader | undefined;
  readonly bytes: Uint8Array;
}

function findInterpreter(tables: ElfTables, path: Uint8Array): GrownInterpreter | ElfProblem {
  const { reader, segments, sections } = tables;
  const segment = segments.filter(({ type, filesz }) => type === format.PT_INTERP && filesz > 0n).at(-1);
  if (segment === undefined || !reader.contains(segment.offset, segment.filesz))
    return { problem: 'its interpreter is not complete' };
  if (segment.filesz > LARGEST_INTERPRETER) return { problem: 'its interpreter is too large' };
  const section = sections.find(
    ({ type, offset, size }) => type === SHT_PROGBITS && offset === segment.offset && size === segment.filesz,
  );
  if (isShared(tables, { offset: segment.offset, size: segment.filesz, section, segment }))
    return { problem: 'its interpreter has bytes that something else uses' };
  return { segment, section, bytes: concatBytes([path, new Uint8Array(1)]) };
}

/** A section of strings has few symbols; hostile tables may say that it has millions. */
const MOST_SECTION_SYMBOLS = 4096;

/** Collects the edits that tell of the new places. */
class GrowthWriter {
  readonly #tables: ElfTables;
  readonly #placement: Placement;
  readonly #writer: ElfWriter;
  readonly #edits: Edit[] = [];
  #segments: readonly ElfSegmentHeader[];

  constructor(tables: ElfTables, placement: Placement) {
    this.#tables = tables;
    this.#placement = placement;
    this.#segments = placement.segments;
    this.#writer = new ElfWriter(tables.reader);
  }

  moveStrings({ section, rebuilt }: ChangedStrings): void {
    const { offset, vaddr } = this.#placement;
    const size = BigInt(rebuilt.bytes.length);
    this.#erase(section.offset, section.size);
    this.#moveSection(section, { addr: vaddr, offset, size });
    for (const { at, tag } of this.#tables.dynamic) {
      const place = at + this.#tables.reader.layout.dynamic.d_val;
      if (tag === format.DT_STRTAB) this.#edit(place, this.#writer.word(vaddr));
      if (tag === format.DT_STRSZ) this.#edit(place, this.#writer.word(size));
    }
    for (const { reference, offset: stringOffset, value } of rebuilt.moved) {
      const { at, width, hashAt } = reference;
      this.#edit(
        at,
        width === 'word' ? this.#writer.word(BigInt(stringOffset)) : this.#writer.int(stringOffset),
      );
      if (hashAt !== undefined) this.#edit(hashAt, this.#writer.int(elfHash(value)));
    }
    this.#moveSectionSymbols(section, vaddr);
  }

  moveInterpreter({ segment, section, bytes }: GrownInterpreter, behind: number): void {
    const offset = this.#placement.offset + BigInt(behind);
    const vaddr = this.#placement.vaddr + BigInt(behind);
    const size = BigInt(bytes.length);
    this.#erase(segment.offset, segment.filesz);
    this.#segments = this.#segments.map((each) =>
      each === segment ? { ...each, offset, vaddr, paddr: vaddr, filesz: size, memsz: size } : each,
    );
    if (section === undefined) return;
    this.#moveSection(section, { addr: vaddr, offset, size });
    this.#moveSectionSymbols(section, vaddr);
  }

  /** All edits, with the new bytes as the last. */
  finish(bytes: Uint8Array): readonly Edit[] {
    const { programHeaders, reader } = this.#tables;
    const { offset, programHeadersAt } = this.#placement;
    const { e_phoff, e_phnum } = reader.layout.header;
    const headers = concatBytes(this.#segments.map((segment) => this.#writer.segment(segment)));
    const isMoved = programHeadersAt !== programHeaders.offset;
    if (isMoved) this.#erase(programHeaders.offset, BigInt(programHeaders.count * programHeaders.recordSize));
    this.#edit(e_phoff, this.#writer.word(programHeadersAt));
    this.#edit(e_phnum, this.#writer.half(this.#segments.length));
    const last = { offset: Number(offset), bytes };
    if (programHeadersAt + BigInt(headers.length) === offset)
      return [...this.#edits, { offset: Number(programHeadersAt), bytes: concatBytes([headers, bytes]) }];
    this.#edit(Number(programHeadersAt), headers);
    return [...this.#edits, last];
  }

  #edit(offset: number, bytes: Uint8Array): void {
    this.#edits.push({ offset, bytes });
  }

  /** Later edits may write over what was erased: the program headers do. */
  #erase(offset: bigint, size: bigint): void {
    this.#edit(Number(offset), new Uint8Array(Number(size)));
  }

  #moveSection(section: ElfSectionHeader, to: Pick<ElfSectionHeader, 'addr' | 'offset' | 'size'>): void {
    const { sectionHeaders, reader } = this.#tables;
    const { sh_addr, sh_offset, sh_size } = reader.layout.sectionHeader;
    const at = Number(sectionHeaders.offset) + section.index * sectionHeaders.recordSize;
    this.#edit(at + sh_addr, this.#writer.word(to.addr));
    this.#edit(at + sh_offset, this.#writer.word(to.offset));
    this.#edit(at + sh_size, this.#writer.word(to.size));
  }

  /** Symbols of a section move with it: its own, and the names that a program gives to its interpreter. */
  #moveSectionSymbols(section: ElfSectionHeader, addr: bigint): void {
    const { reader, sections } = this.#tables;
    const { size, st_shndx, st_value } = reader.layout.symbol;
    let left = MOST_SECTION_SYMBOLS;
    for (const symbols of sections.filter(isSymbolTable)) {
      if (!reader.contains(symbols.offset, symbols.size)) continue;
      const count = Math.floor(Number(symbols.size) / size);
      reader.forEachRecord({ offset: symbols.offset, count, recordSize: size }, (record, index) => {
        if (record.half(st_shndx) !== section.index) return true;
        const value = record.word(st_value) - section.addr + addr;
        this.#edit(Number(symbols.offset) + index * size + st_value, this.#writer.word(value));
        return --left > 0;
      });
      if (left === 0) return;
    }
  }
}

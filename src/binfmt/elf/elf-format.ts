// Where the fields of an ELF file are (ELF gABI: "ELF Header", "Program Header", "Sections", "Dynamic Section"), and a
// reader for tables of them that never trusts a count or an offset: what is not in the file ends the table.
import type { ByteSource } from '../../core/byte-source.js';

export const ET_EXEC = 2;
export const ET_DYN = 3;
export const PT_NULL = 0;
export const PT_LOAD = 1;
export const PT_DYNAMIC = 2;
export const PT_INTERP = 3;
export const PT_PHDR = 6;
export const PF_X = 1;
export const PF_R = 4;
export const SHT_SYMTAB = 2;
export const SHT_STRTAB = 3;
export const SHT_NOBITS = 8;
export const SHT_DYNSYM = 11;
export const SHT_GNU_verdef = 0x6ffffffd;
export const SHT_GNU_verneed = 0x6ffffffe;
export const DT_NULL = 0n;
export const DT_NEEDED = 1n;
export const DT_STRTAB = 5n;
export const DT_STRSZ = 10n;
export const DT_SONAME = 14n;
export const DT_RPATH = 15n;
export const DT_RUNPATH = 29n;
export const DT_CONFIG = 0x6ffffefan;
export const DT_DEPAUDIT = 0x6ffffefbn;
export const DT_AUDIT = 0x6ffffefcn;
export const DT_FLAGS_1 = 0x6ffffffbn;
export const DT_AUXILIARY = 0x7ffffffdn;
export const DT_FILTER = 0x7fffffffn;
export const DF_1_PIE = 0x08000000n;

/** Offsets of fields in their records, and sizes of records. Types and half words are equal in both classes. */
export interface ElfLayout {
  readonly header: {
    readonly size: number;
    readonly e_entry: number;
    readonly e_phoff: number;
    readonly e_shoff: number;
    readonly e_phentsize: number;
    readonly e_phnum: number;
    readonly e_shentsize: number;
    readonly e_shnum: number;
    readonly e_shstrndx: number;
  };
  readonly programHeader: {
    readonly size: number;
    readonly p_type: number;
    readonly p_flags: number;
    readonly p_offset: number;
    readonly p_vaddr: number;
    readonly p_paddr: number;
    readonly p_filesz: number;
    readonly p_memsz: number;
    readonly p_align: number;
  };
  readonly sectionHeader: {
    readonly size: number;
    readonly sh_name: number;
    readonly sh_type: number;
    readonly sh_addr: number;
    readonly sh_offset: number;
    readonly sh_size: number;
    readonly sh_link: number;
    readonly sh_info: number;
  };
  readonly dynamic: { readonly size: number; readonly d_tag: number; readonly d_val: number };
  readonly symbol: {
    readonly size: number;
    readonly st_name: number;
    readonly st_shndx: number;
    readonly st_value: number;
  };
}

export const E_TYPE = 16;
export const E_MACHINE = 18;

const ELF32: ElfLayout = {
  header: {
    size: 52,
    e_entry: 24,
    e_phoff: 28,
    e_shoff: 32,
    e_phentsize: 42,
    e_phnum: 44,
    e_shentsize: 46,
    e_shnum: 48,
    e_shstrndx: 50,
  },
  programHeader: {
    size: 32,
    p_type: 0,
    p_offset: 4,
    p_vaddr: 8,
    p_paddr: 12,
    p_filesz: 16,
    p_memsz: 20,
    p_flags: 24,
    p_align: 28,
  },
  sectionHeader: {
    size: 40,
    sh_name: 0,
    sh_type: 4,
    sh_addr: 12,
    sh_offset: 16,
    sh_size: 20,
    sh_link: 24,
    sh_info: 28,
  },
  dynamic: { size: 8, d_tag: 0, d_val: 4 },
  symbol: { size: 16, st_name: 0, st_value: 4, st_shndx: 14 },
};

const ELF64: ElfLayout = {
  header: {
    size: 64,
    e_entry: 24,
    e_phoff: 32,
    e_shoff: 40,
    e_phentsize: 54,
    e_phnum: 56,
    e_shentsize: 58,
    e_shnum: 60,
    e_shstrndx: 62,
  },
  programHeader: {
    size: 56,
    p_type: 0,
    p_flags: 4,
    p_offset: 8,
    p_vaddr: 16,
    p_paddr: 24,
    p_filesz: 32,
    p_memsz: 40,
    p_align: 48,
  },
  sectionHeader: {
    size: 64,
    sh_name: 0,
    sh_type: 4,
    sh_addr: 16,
    sh_offset: 24,
    sh_size: 32,
    sh_link: 40,
    sh_info: 44,
  },
  dynamic: { size: 16, d_tag: 0, d_val: 8 },
  symbol: { size: 24, st_name: 0, st_shndx: 6, st_value: 8 },
};

/** How much is read at once: most tables come whole, and a hostile one costs no more memory than this. */
const CHUNK = 64 * 1024;

const ELFCLASS32 = 1;
const ELFCLASS64 = 2;
const ELFDATA2LSB = 1;
const ELFDATA2MSB = 2;

/** Fields of one record. */
export interface ElfRecord {
  byte(field: number): number;
  half(field: number): number;
  int(field: number): number;
  /** An address, offset or size: 4 bytes in class 32, 8 in class 64. */
  word(field: number): bigint;
}

/** A table in the file. */
export interface ElfTable {
  readonly offset: bigint;
  readonly count: number;
  readonly recordSize: number;
}

/** A file that begins like an ELF file, and how its numbers are written. */
export class ElfReader {
  readonly class: 32 | 64;
  readonly littleEndian: boolean;
  readonly layout: ElfLayout;
  readonly source: ByteSource;

  private constructor(source: ByteSource, format: Pick<ElfReader, 'class' | 'littleEndian'>) {
    this.source = source;
    this.class = format.class;
    this.littleEndian = format.littleEndian;
    this.layout = this.class === 64 ? ELF64 : ELF32;
  }

  /** A reader and the file's header; undefined when the file does not begin with one. */
  static open(source: ByteSource): { readonly reader: ElfReader; readonly header: ElfRecord } | undefined {
    const bytes = source.read(0, ELF64.header.size);
    const [m0, m1, m2, m3, elfClass, order] = bytes;
    if (m0 !== 0x7f || m1 !== 0x45 || m2 !== 0x4c || m3 !== 0x46) return undefined;
    if (elfClass !== ELFCLASS32 && elfClass !== ELFCLASS64) return undefined;
    if (order !== ELFDATA2LSB && order !== ELFDATA2MSB) return undefined;
    const reader = new ElfReader(source, {
      class: elfClass === ELFCLASS64 ? 64 : 32,
      littleEndian: order === ELFDATA2LSB,
    });
    if (bytes.length < reader.layout.header.size) return undefined;
    return { reader, header: reader.#record(new Uint8Array(bytes), 0) };
  }

  /** True when `[offset, offset + size)` lies in the file; so both are safe integers. */
  contains(offset: bigint, size: bigint): boolean {
    return offset >= 0n && size >= 0n && offset + size <= BigInt(this.source.size);
  }

  /**
   * Visits the records in order until `visit` returns false. Records are read in pieces, so a table that claims to be huge
   * costs nothing before its bytes are there.
   * @returns false when the file ended before the table did
   */
  forEachRecord(table: ElfTable, visit: (record: ElfRecord, offset: number) => boolean): boolean {
    const { recordSize } = table;
    const perChunk = Math.floor(CHUNK / recordSize);
    for (let done = 0; done < table.count; ) {
      const wanted = Math.min(perChunk, table.count - done);
      const bytes = this.#read(table.offset + BigInt(done * recordSize), wanted * recordSize);
      const complete = Math.floor(bytes.length / recordSize);
      for (let i = 0; i < complete; i++) {
        if (!visit(this.#record(bytes, i * recordSize), done + i)) return true;
      }
      if (complete < wanted) return false;
      done += wanted;
    }
    return true;
  }

  /** The bytes up to the first NUL in `[offset, end)`; undefined when there is none, or the string is longer than `longest`. */
  readString(offset: number, end: number, longest: number): Uint8Array | undefined {
    const parts: Buffer[] = [];
    const limit = Math.min(end, offset + longest + 1);
    for (let position = offset; position < limit; ) {
      const bytes = this.source.read(position, Math.min(CHUNK, limit - position));
      if (bytes.length === 0) return undefined;
      const nul = bytes.indexOf(0);
      parts.push(Buffer.from(nul < 0 ? bytes : bytes.subarray(0, nul)));
      if (nul >= 0) return Buffer.concat(parts);
      position += bytes.length;
    }
    return undefined;
  }

  /** Where the last NUL in `[start, end)` is, or -1; it stops looking below `enough`. */
  findLastNul(start: number, end: number, enough: number): number {
    for (let to = end; to > start && to > enough; ) {
      const from = Math.max(start, to - CHUNK);
      const bytes = this.source.read(from, to - from);
      if (bytes.length < to - from) return -1;
      const nul = bytes.lastIndexOf(0);
      if (nul >= 0) return from + nul;
      to = from;
    }
    return -1;
  }

  #read(offset: bigint, size: number): Uint8Array {
    if (!this.contains(offset, 0n)) return new Uint8Array(0);
    const bytes = this.source.read(Number(offset), size);
    return bytes.length > size ? bytes.subarray(0, size) : bytes;
  }

  #record(bytes: Uint8Array, at: number): ElfRecord {
    const view = new DataView(bytes.buffer, bytes.byteOffset + at);
    const little = this.littleEndian;
    const wide = this.class === 64;
    return {
      byte: (field) => view.getUint8(field),
      half: (field) => view.getUint16(field, little),
      int: (field) => view.getUint32(field, little),
      word: (field) => (wide ? view.getBigUint64(field, little) : BigInt(view.getUint32(field, little))),
    };
  }
}

// Numbers and records as an ELF file has them, in its class and byte order (gABI "Data Representation").
import type { ElfReader } from './elf-format.js';
import type { ElfSegmentHeader } from './elf-tables.js';

export class ElfWriter {
  readonly #reader: Pick<ElfReader, 'class' | 'littleEndian' | 'layout'>;

  constructor(reader: Pick<ElfReader, 'class' | 'littleEndian' | 'layout'>) {
    this.#reader = reader;
  }

  half(value: number): Uint8Array {
    return this.#write(2, (view) => view.setUint16(0, value, this.#reader.littleEndian));
  }

  int(value: number): Uint8Array {
    return this.#write(4, (view) => view.setUint32(0, value, this.#reader.littleEndian));
  }

  /** An address, offset or size. */
  word(value: bigint): Uint8Array {
    if (this.#reader.class === 32) return this.int(Number(value));
    return this.#write(8, (view) => view.setBigUint64(0, value, this.#reader.littleEndian));
  }

  segment(segment: ElfSegmentHeader): Uint8Array {
    const { programHeader: at } = this.#reader.layout;
    const bytes = new Uint8Array(at.size);
    bytes.set(this.int(segment.type), at.p_type);
    bytes.set(this.int(segment.flags), at.p_flags);
    bytes.set(this.word(segment.offset), at.p_offset);
    bytes.set(this.word(segment.vaddr), at.p_vaddr);
    bytes.set(this.word(segment.paddr), at.p_paddr);
    bytes.set(this.word(segment.filesz), at.p_filesz);
    bytes.set(this.word(segment.memsz), at.p_memsz);
    bytes.set(this.word(segment.align), at.p_align);
    return bytes;
  }

  #write(size: number, set: (view: DataView) => void): Uint8Array {
    const bytes = new Uint8Array(size);
    set(new DataView(bytes.buffer));
    return bytes;
  }
}

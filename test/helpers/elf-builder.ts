// Builds small ELF files for tests: both classes and byte orders, with program headers, an interpreter, a string table,
// a dynamic section and section headers, all of which can be left out or made wrong.

export interface ElfOptions {
  readonly class?: 32 | 64;
  readonly byteOrder?: 'little' | 'big';
  /** `e_type`: 3, a shared library, unless it says otherwise. */
  readonly type?: number;
  readonly rpath?: string;
  readonly rpathTag?: 'DT_RPATH' | 'DT_RUNPATH';
  readonly needed?: readonly string[];
  readonly soname?: string;
  readonly interpreter?: string;
  /** Bytes behind the interpreter's NUL that its segment covers. */
  readonly interpreterPadding?: number;
  readonly withSections?: boolean;
  /** More entries, before those that the options ask for. */
  readonly extraDynamic?: readonly (readonly [tag: number, value: number])[];
  /** Bytes behind everything else. */
  readonly payload?: Uint8Array;
}

export interface BuiltElf {
  readonly bytes: Uint8Array;
  /** Where the strings are. */
  readonly rpathOffset: number;
  readonly interpreterOffset: number;
}

const BASE_ADDRESS = 0x400000;
const TAGS = { DT_NEEDED: 1, DT_STRTAB: 5, DT_SONAME: 14, DT_RPATH: 15, DT_RUNPATH: 29 } as const;
const MACHINE_X86_64 = 62;

/** Writes numbers of one class and byte order, one behind the other. */
class NumberWriter {
  readonly #parts: Buffer[] = [];
  readonly #little: boolean;
  readonly wide: boolean;

  constructor(wide: boolean, little: boolean) {
    this.wide = wide;
    this.#little = little;
  }

  half(...values: readonly number[]): this {
    return this.#write(2, values);
  }

  int(...values: readonly number[]): this {
    return this.#write(4, values);
  }

  word(...values: readonly number[]): this {
    return this.#write(this.wide ? 8 : 4, values);
  }

  bytes(bytes: Uint8Array): this {
    this.#parts.push(Buffer.from(bytes));
    return this;
  }

  done(): Buffer {
    return Buffer.concat(this.#parts);
  }

  #write(size: 2 | 4 | 8, values: readonly number[]): this {
    for (const value of values) {
      const part = Buffer.alloc(size);
      const bytes = part.subarray(0, Math.min(size, 6));
      if (this.#little) bytes.writeUIntLE(value, 0, bytes.length);
      else part.subarray(size - bytes.length).writeUIntBE(value, 0, bytes.length);
      this.#parts.push(part);
    }
    return this;
  }
}

/** A string table under construction. */
class Strings {
  #bytes: Buffer = Buffer.from([0]);

  add(text: string): number {
    const at = this.#bytes.length;
    this.#bytes = Buffer.concat([this.#bytes, Buffer.from(text, 'latin1'), Buffer.from([0])]);
    return at;
  }

  get bytes(): Buffer {
    return this.#bytes;
  }
}

export function buildElf(options: ElfOptions = {}): BuiltElf {
  const wide = (options.class ?? 64) === 64;
  const little = (options.byteOrder ?? 'little') === 'little';
  const writer = () => new NumberWriter(wide, little);
  const [headerSize, segmentSize, sectionSize] = wide ? [64, 56, 64] : [52, 32, 40];

  const strings = new Strings();
  const entries: [number, number][] = (options.extraDynamic ?? []).map(([tag, value]) => [tag, value]);
  for (const name of options.needed ?? ['libc.so.6']) entries.push([TAGS.DT_NEEDED, strings.add(name)]);
  if (options.soname !== undefined) entries.push([TAGS.DT_SONAME, strings.add(options.soname)]);
  const rpathString = options.rpath === undefined ? 0 : strings.add(options.rpath);
  if (options.rpath !== undefined) entries.push([TAGS[options.rpathTag ?? 'DT_RUNPATH'], rpathString]);

  const interpreter =
    options.interpreter === undefined
      ? Buffer.alloc(0)
      : Buffer.from(`${options.interpreter}\0${'\0'.repeat(options.interpreterPadding ?? 0)}`, 'latin1');
  const segmentCount = interpreter.length > 0 ? 3 : 2;
  const interpreterOffset = headerSize + segmentCount * segmentSize;
  const stringsOffset = interpreterOffset + interpreter.length;
  entries.push([TAGS.DT_STRTAB, BASE_ADDRESS + stringsOffset], [0, 0]);
  const dynamicOffset = stringsOffset + strings.bytes.length;
  const dynamic = writer();
  for (const [tag, value] of entries) dynamic.word(tag, value);
  const dynamicBytes = dynamic.done();
  const sectionsOffset = dynamicOffset + dynamicBytes.length;

  const segment = (type: number, offset: number, size: number) => {
    const address = BASE_ADDRESS + offset;
    return wide
      ? writer().int(type, 4).word(offset, address, address, size, size, 8).done()
      : writer().int(type, offset, address, address, size, size, 4, 4).done();
  };
  const section = (type: number, offset: number, size: number) =>
    writer()
      .int(0, type)
      .word(2, BASE_ADDRESS + offset, offset, size)
      .int(0, 0)
      .word(1, 0)
      .done();
  const sections =
    options.withSections === false
      ? []
      : [
          section(0, 0, 0),
          section(3, stringsOffset, strings.bytes.length),
          section(6, dynamicOffset, dynamicBytes.length),
        ];
  const header = writer()
    .bytes(
      Uint8Array.from([0x7f, 0x45, 0x4c, 0x46, wide ? 2 : 1, little ? 1 : 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    )
    .half(options.type ?? 3, MACHINE_X86_64)
    .int(1)
    .word(BASE_ADDRESS, headerSize, sectionsOffset)
    .int(0)
    .half(headerSize, segmentSize, segmentCount, sectionSize, sections.length, 0)
    .done();
  const bytes = Buffer.concat([
    header,
    segment(1, 0, sectionsOffset),
    ...(interpreter.length > 0 ? [segment(3, interpreterOffset, interpreter.length)] : []),
    segment(2, dynamicOffset, dynamicBytes.length),
    interpreter,
    strings.bytes,
    dynamicBytes,
    ...sections,
    options.payload ?? new Uint8Array(0),
  ]);
  return { bytes, rpathOffset: stringsOffset + rpathString, interpreterOffset };
}

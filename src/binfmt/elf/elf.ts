// Reads what relocation and `inspect` need of an ELF file (ELF gABI), for both classes and byte orders. A file is accepted
// exactly where Spack's `parse_elf` accepts it: what that refuses must stay untouched here, too.
import type { ByteSource } from '../../core/byte-source.js';
import {
  type ElfDynamic,
  type ElfProblem,
  type ElfRpath,
  type ElfSegment,
  type ElfString,
  forEachSegment,
  LONGEST_STRING,
  readDynamic,
} from './elf-dynamic.js';
import {
  E_MACHINE,
  E_TYPE,
  ElfReader,
  type ElfRecord,
  type ElfTable,
  ET_DYN,
  ET_EXEC,
  PT_DYNAMIC,
  PT_INTERP,
  PT_LOAD,
} from './elf-format.js';

export type { ElfRpath, ElfString } from './elf-dynamic.js';

/** The facts of an ELF file. */
export interface ElfFile {
  readonly class: 32 | 64;
  readonly byteOrder: 'little' | 'big';
  /** `e_type`: 2 is an executable, 3 a shared library or a position independent executable. */
  readonly type: number;
  /** `e_machine`. */
  readonly machine: number;
  /** PT_INTERP: the dynamic linker. */
  readonly interpreter: ElfString | undefined;
  /** Why the interpreter cannot be used. */
  readonly interpreterProblem: string | undefined;
  /** At most 4,096 names. */
  readonly needed: readonly Uint8Array[];
  readonly soname: Uint8Array | undefined;
  readonly rpath: ElfRpath | undefined;
  /** Why the dynamic section cannot be used: then nothing of the file is rewritten. */
  readonly dynamicProblem: string | undefined;
}

interface Segments {
  readonly interpreter: ElfSegment | undefined;
  readonly dynamic: ElfSegment | undefined;
  readonly hasLoad: boolean;
}

const NO_DYNAMIC: ElfDynamic = { needed: [], soname: undefined, rpath: undefined };

/** The facts of an ELF file, or undefined when the bytes do not begin with an ELF header. Never throws for bad bytes. */
export function readElf(source: ByteSource): ElfFile | undefined {
  const opened = ElfReader.open(source);
  if (opened === undefined) return undefined;
  const { reader, header } = opened;
  const [type, machine] = [header.half(E_TYPE), header.half(E_MACHINE)];
  const facts = {
    class: reader.class,
    byteOrder: reader.littleEndian ? 'little' : 'big',
    type,
    machine,
  } as const;
  if (type !== ET_EXEC && type !== ET_DYN) {
    return { ...facts, ...unusable('it is neither an executable nor a shared library') };
  }
  const programHeaders = programHeaderTable(reader, header);
  const segments = findSegments(reader, programHeaders);
  if (segments === undefined) return { ...facts, ...unusable('the program headers are not complete') };
  const interpreter = segments.interpreter && readInterpreter(reader, segments.interpreter);
  const dynamic =
    segments.dynamic && segments.hasLoad
      ? readDynamic(reader, segments.dynamic, programHeaders, sectionHeaderTable(reader, header))
      : NO_DYNAMIC;
  return { ...facts, ...interpreterFacts(interpreter), ...dynamicFacts(dynamic) };
}

function unusable(problem: string) {
  return { ...interpreterFacts({ problem }), ...dynamicFacts({ problem }) };
}

function interpreterFacts(found: ElfString | ElfProblem | undefined) {
  const problem = found !== undefined && 'problem' in found ? found.problem : undefined;
  const interpreter = found !== undefined && 'value' in found ? found : undefined;
  return { interpreter, interpreterProblem: problem };
}

function dynamicFacts(found: ElfDynamic | ElfProblem) {
  if ('problem' in found) return { ...NO_DYNAMIC, dynamicProblem: found.problem };
  return { ...found, dynamicProblem: undefined };
}

/** Where the program headers are. */
export function programHeaderTable(reader: ElfReader, header: ElfRecord): ElfTable {
  const fields = reader.layout.header;
  return {
    offset: header.word(fields.e_phoff),
    count: header.half(fields.e_phnum),
    recordSize: reader.layout.programHeader.size,
  };
}

/** Where the section headers are. */
export function sectionHeaderTable(reader: ElfReader, header: ElfRecord): ElfTable {
  const fields = reader.layout.header;
  return {
    offset: header.word(fields.e_shoff),
    count: header.half(fields.e_shnum),
    recordSize: reader.layout.sectionHeader.size,
  };
}

/** Of several segments of a type the last one counts; undefined when the table is not complete. */
function findSegments(reader: ElfReader, programHeaders: ElfTable): Segments | undefined {
  let interpreter: ElfSegment | undefined;
  let dynamic: ElfSegment | undefined;
  let hasLoad = false;
  const { p_offset, p_filesz } = reader.layout.programHeader;
  const complete = forEachSegment(reader, programHeaders, (type, record) => {
    if (type === PT_LOAD) hasLoad = true;
    if (type !== PT_INTERP && type !== PT_DYNAMIC) return;
    const segment = { offset: record.word(p_offset), size: record.word(p_filesz) };
    if (type === PT_INTERP) interpreter = segment;
    else dynamic = segment;
  });
  return complete ? { interpreter, dynamic, hasLoad } : undefined;
}

function readInterpreter(reader: ElfReader, { offset, size }: ElfSegment): ElfString | ElfProblem {
  if (!reader.contains(offset, size)) return { problem: 'the interpreter is not complete' };
  const start = Number(offset);
  const value = reader.readString(start, start + Number(size), LONGEST_STRING);
  if (value === undefined) return { problem: 'the interpreter has no end' };
  return { value, offset: start, length: value.length };
}

// What `inspect` shows of ELF and Mach-O files, as text and as JSON.
import type { ElfFile, ElfString } from '../../binfmt/elf/elf.js';
import type { ElfContents } from '../../binfmt/elf/elf-contents.js';
import { FILE_TYPES, MACHINES } from '../../binfmt/elf/elf-names.js';
import type { MachoContents, MachoSliceFacts } from '../../binfmt/macho/macho-contents.js';
import { decodeUtf8 } from '../../core/bytes.js';
import { displayPath } from '../../tar/safe-path.js';
import { type FactRow, factLines, hexadecimal, tableLines } from './render-facts.js';

export interface ElfInspection {
  readonly elf: ElfFile;
  readonly contents: ElfContents;
}

export function elfLines({ elf, contents }: ElfInspection): string[] {
  const { programHeaders, sections, dynamicSection } = contents;
  return [
    ...factLines(elfRows(elf, contents)),
    ...tableLines(
      'program headers: type, offset, address, size in the file and in memory, flags, alignment',
      programHeaders.map(({ type, offset, address, fileSize, memorySize, flags, alignment }) => [
        type,
        ...[offset, address, fileSize, memorySize].map(hexadecimal),
        flags,
        hexadecimal(alignment),
      ]),
    ),
    ...tableLines(
      'sections: name, type, address, offset, size',
      sections.map(({ name, type, address, offset, size }) => [
        displayPath(name),
        type,
        ...[address, offset, size].map(hexadecimal),
      ]),
    ),
    ...tableLines(
      'dynamic section: tag, value',
      dynamicSection.map(({ tag, value, text }) => [
        tag,
        text === undefined ? hexadecimal(value) : displayPath(text),
      ]),
    ),
  ];
}

function elfRows(elf: ElfFile, { entry, incomplete }: ElfContents): readonly FactRow[] {
  const machine = MACHINES[elf.machine] ?? `machine ${elf.machine}`;
  return [
    ['kind', `ELF ${FILE_TYPES[elf.type] ?? `file of type ${elf.type}`}`],
    ['class', `${elf.class} bit, ${elf.byteOrder}-endian, ${machine}`],
    ['entry', entry === 0n ? undefined : hexadecimal(entry)],
    ['interpreter', textOf(elf.interpreter)],
    ['soname', elf.soname && decodeUtf8(elf.soname)],
    ...elf.needed.map((name): FactRow => ['needed', decodeUtf8(name)]),
    [elf.rpath?.kind ?? 'rpath', textOf(elf.rpath)],
    ['problem', elf.dynamicProblem ?? elf.interpreterProblem],
    ...incomplete.map((table): FactRow => ['problem', `the ${table} are incomplete`]),
  ];
}

function textOf(found: ElfString | undefined): string | undefined {
  return found && decodeUtf8(found.value);
}

export function elfAsJson({ elf, contents }: ElfInspection): object {
  const { interpreter, soname, needed, rpath, ...facts } = elf;
  return {
    ...facts,
    interpreter: textOf(interpreter) ?? null,
    soname: soname === undefined ? null : decodeUtf8(soname),
    needed: needed.map(decodeUtf8),
    rpath:
      rpath === undefined ? null : { kind: rpath.kind, value: decodeUtf8(rpath.value), offset: rpath.offset },
    entry: plain(contents.entry),
    programHeaders: contents.programHeaders.map(plainRecord),
    sections: contents.sections.map(plainRecord),
    dynamicSection: contents.dynamicSection.map(plainRecord),
    incomplete: contents.incomplete,
  };
}

/** JSON numbers are exact only up to 2^53; larger ones become strings. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return value <= Number.MAX_SAFE_INTEGER ? Number(value) : hexadecimal(value);
  return typeof value === 'string' ? displayPath(value) : value;
}

function plainRecord(record: object): object {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, plain(value)]));
}

export function machoLines({ isFat, slices, problem }: MachoContents): string[] {
  const kind = isFat ? `fat Mach-O file of ${slices.length} architectures` : 'Mach-O file';
  return [
    ...factLines([
      ['kind', kind],
      ['problem', problem],
    ]),
    ...slices.flatMap((slice) => sliceLines(slice, { isFat })),
  ];
}

function sliceLines(slice: MachoSliceFacts, { isFat }: { readonly isFat: boolean }): string[] {
  const rows: readonly FactRow[] = [
    ['architecture', `${slice.cpu}, ${slice.class} bit, ${slice.byteOrder}-endian`],
    ['place', isFat ? `${slice.size} bytes at ${hexadecimal(slice.offset)}` : undefined],
    ['type', slice.fileType],
    ['flags', hexadecimal(slice.flags)],
    ['install name', textOfCommand(slice, 'LC_ID_DYLIB')[0]],
    ...Object.entries(LIBRARY_LABELS).flatMap(([command, label]) =>
      textOfCommand(slice, command).map((name): FactRow => [label, name]),
    ),
    ...textOfCommand(slice, 'LC_RPATH').map((name): FactRow => ['rpath', name]),
    ...signatureRows(slice.signature),
    ['relocation', isSupported(slice) ? undefined : 'not supported: only 64-bit little-endian files are'],
    ['problem', slice.problem],
  ];
  return [
    '',
    ...factLines(rows),
    ...tableLines(
      'load commands: name, offset, size, text',
      slice.commands.map(({ command, offset, size, text }) => [
        command,
        hexadecimal(offset),
        String(size),
        displayPath(text ?? ''),
      ]),
    ),
  ];
}

const LIBRARY_LABELS = {
  LC_LOAD_DYLIB: 'library',
  LC_LOAD_WEAK_DYLIB: 'library (weak)',
  LC_REEXPORT_DYLIB: 'library (reexported)',
  LC_LAZY_LOAD_DYLIB: 'library (lazy)',
  LC_LOAD_UPWARD_DYLIB: 'library (upward)',
} as const;

function textOfCommand({ commands }: MachoSliceFacts, name: string): readonly string[] {
  return commands.flatMap(({ command, text }) => (command === name ? [displayPath(text ?? '')] : []));
}

function isSupported(slice: MachoSliceFacts): boolean {
  return slice.class === 64 && slice.byteOrder === 'little';
}

function signatureRows(signature: MachoSliceFacts['signature']): readonly FactRow[] {
  if (signature === undefined) return [['signature', 'none']];
  if (typeof signature === 'string') return [['signature', signature]];
  const kind = signature.isAdHoc ? 'ad hoc' : 'by an identity';
  const hashes = signature.fits ? 'all page hashes match' : 'some page hashes do not match';
  return [
    ['signature', `${kind}; ${hashes}`],
    ...signature.directories.map(({ identifier, team, flags, hashType, pages }): FactRow => {
      const owner = team === undefined ? '' : `, team ${displayPath(team)}`;
      return [
        'signed as',
        `${displayPath(identifier)}${owner}, flags ${hexadecimal(flags)}, ${pages} pages with ${hashType}`,
      ];
    }),
  ];
}

export function machoAsJson({ isFat, slices, problem }: MachoContents): object {
  return {
    fat: isFat,
    problem: problem ?? null,
    slices: slices.map((slice) => ({
      ...slice,
      installName: textOfCommand(slice, 'LC_ID_DYLIB')[0] ?? null,
      libraries: Object.keys(LIBRARY_LABELS).flatMap((command) =>
        textOfCommand(slice, command).map((name) => ({ command, name })),
      ),
      rpaths: textOfCommand(slice, 'LC_RPATH'),
      isSupported: isSupported(slice),
      commands: slice.commands.map(plainRecord),
      signature: signatureAsJson(slice.signature),
      problem: slice.problem ?? null,
    })),
  };
}

function signatureAsJson(signature: MachoSliceFacts['signature']): object | null {
  if (signature === undefined) return null;
  return typeof signature === 'string' ? { problem: signature } : signature;
}

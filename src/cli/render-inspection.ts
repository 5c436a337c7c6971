// What `inspect` found, for people and as JSON.
import type { ElfFile, ElfString } from '../binfmt/elf.js';
import { decodeUtf8 } from '../core/bytes.js';
import type { Inspection } from '../operations/inspect.js';
import { describeNode } from '../spec/describe.js';
import { formatBytes, formatTable } from './format.js';
import { nodeAsJson } from './render-packages.js';

/** Lines for people: a name and a value each. */
export function inspectionLines(inspection: Inspection): string[] {
  return formatTable(rowsOf(inspection).filter((row): row is [string, string] => row[1] !== undefined));
}

type Row = readonly [string, string | undefined];

function rowsOf(inspection: Inspection): readonly Row[] {
  switch (inspection.kind) {
    case 'elf':
      return elfRows(inspection.elf);
    case 'script':
      return [
        ['kind', 'script'],
        ['first line', inspection.firstLine],
      ];
    case 'specfile':
      return specfileRows(inspection);
    case 'package-index':
      return [
        ['kind', 'package index'],
        ['database version', String(inspection.version)],
        ['packages', String(inspection.packages)],
        ['records', String(inspection.records)],
      ];
    case 'tarball':
      return tarballRows(inspection);
    default:
      return [['kind', inspection.kind]];
  }
}

const ELF_TYPES: Readonly<Record<number, string>> = {
  1: 'object file',
  2: 'executable',
  3: 'shared object',
  4: 'core file',
};

function elfRows(elf: ElfFile): readonly Row[] {
  return [
    ['kind', `ELF ${ELF_TYPES[elf.type] ?? `file of type ${elf.type}`}`],
    ['class', `${elf.class} bit, ${elf.byteOrder}-endian, machine ${elf.machine}`],
    ['interpreter', textOf(elf.interpreter)],
    ['soname', elf.soname && decodeUtf8(elf.soname)],
    ...elf.needed.map((name): Row => ['needed', decodeUtf8(name)]),
    [elf.rpath?.kind ?? 'rpath', textOf(elf.rpath)],
    ['problem', elf.dynamicProblem ?? elf.interpreterProblem],
  ];
}

function textOf(found: ElfString | undefined): string | undefined {
  return found && decodeUtf8(found.value);
}

function specfileRows({ signed, specfile }: Extract<Inspection, { kind: 'specfile' }>): readonly Row[] {
  const { spec, layoutVersion, checksum } = specfile;
  const dependencies = [...spec.nodes.values()].filter((node) => node.hash !== spec.root.hash);
  return [
    ['kind', `specfile, ${signed ? 'clearsigned (not verified here)' : 'not signed'}`],
    ['package', describeNode(spec.root, { hashLength: 32, variants: true, graph: spec })],
    ['specfile version', String(spec.root.formatVersion)],
    ['layout version', String(layoutVersion)],
    ['checksum', checksum && `${checksum.algorithm} ${checksum.hash}`],
    ...dependencies.map((node): Row => ['dependency', describeNode(node, { graph: spec })]),
  ];
}

function tarballRows({ tarball }: Extract<Inspection, { kind: 'tarball' }>): readonly Row[] {
  const { compression, root, members, bytes, buildinfo } = tarball;
  const counts = Object.entries(members).map(([type, number]) => `${number} ${type}`);
  return [
    ['kind', `tarball of a package, compression: ${compression}`],
    ['members', `${counts.join(', ')}; ${formatBytes(bytes)}`],
    ['root in the archive', root],
    ['built at', `${buildinfo.buildpath}/${buildinfo.relativePrefix ?? ''}`],
    [
      'to relocate',
      `${buildinfo.relocateTextfiles.length} text, ${buildinfo.relocateBinaries.length} binary, ${buildinfo.relocateLinks.length} link`,
    ],
    ['hard links deduped', String(buildinfo.hardlinksDeduped)],
    ...[...buildinfo.hashToPrefix].map(([hash, prefix]): Row => [`prefix of /${hash.slice(0, 7)}`, prefix]),
  ];
}

/** The same facts as plain data. */
export function inspectionAsJson(inspection: Inspection): object {
  switch (inspection.kind) {
    case 'elf':
      return { kind: 'elf', elf: elfAsJson(inspection.elf) };
    case 'specfile': {
      const { spec, layoutVersion, checksum } = inspection.specfile;
      const nodes = [...spec.nodes.values()].map(nodeAsJson);
      return {
        kind: 'specfile',
        signed: inspection.signed,
        layoutVersion,
        checksum,
        root: spec.root.hash,
        nodes,
      };
    }
    case 'tarball': {
      const { buildinfo, ...facts } = inspection.tarball;
      const hashToPrefix = Object.fromEntries(buildinfo.hashToPrefix);
      return { kind: 'tarball', ...facts, buildinfo: { ...buildinfo, hashToPrefix } };
    }
    default:
      return inspection;
  }
}

function elfAsJson(elf: ElfFile): object {
  const { interpreter, soname, needed, rpath, ...facts } = elf;
  return {
    ...facts,
    interpreter: textOf(interpreter) ?? null,
    soname: soname === undefined ? null : decodeUtf8(soname),
    needed: needed.map(decodeUtf8),
    rpath:
      rpath === undefined ? null : { kind: rpath.kind, value: decodeUtf8(rpath.value), offset: rpath.offset },
  };
}

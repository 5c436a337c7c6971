// What `inspect` found, as text and as JSON.
import type { Manifest } from '../../buildcache/manifest/manifest.js';
import { MEDIA_TYPES } from '../../buildcache/manifest/media-types.js';
import type { Inspection } from '../../operations/query/inspect.js';
import type { InspectedSignature } from '../../operations/query/inspect-signed.js';
import { describeNode } from '../../spec/describe.js';
import { formatBytes } from './format.js';
import { elfAsJson, elfLines, machoAsJson, machoLines } from './render-binary.js';
import { factLines, type FactRow as Row } from './render-facts.js';
import { nodeAsJson } from './render-packages.js';
import { pathLines, pathsAsJson } from './render-paths.js';

/** Lines of text: a name and a value each. */
export function inspectionLines(inspection: Inspection): string[] {
  const paths = 'paths' in inspection ? pathLines(inspection.paths) : [];
  if (inspection.kind === 'elf') return [...elfLines(inspection), ...paths];
  if (inspection.kind === 'mach-o') return [...machoLines(inspection.macho), ...paths];
  return [...factLines(rowsOf(inspection)), ...paths];
}

function rowsOf(inspection: Inspection): readonly Row[] {
  switch (inspection.kind) {
    case 'script':
      return [
        ['kind', 'script'],
        ['first line', inspection.firstLine],
      ];
    case 'specfile':
      return specfileRows(inspection);
    case 'manifest':
      return manifestRows(inspection);
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

type SpecfileInspection = Extract<Inspection, { kind: 'specfile' }>;
type ManifestInspection = Extract<Inspection, { kind: 'manifest' }>;

function specfileRows({ signature, compression, specfile }: SpecfileInspection): readonly Row[] {
  const { spec, layoutVersion, checksum } = specfile;
  const dependencies = [...spec.nodes.values()].filter((node) => node.hash !== spec.root.hash);
  return [
    [
      'kind',
      `${compression === 'none' ? 'specfile' : 'spec blob, gzip'}, ${signature ? 'clearsigned' : 'not signed'}`,
    ],
    ['signature', signature && describeSignature(signature)],
    ['package', describeNode(spec.root, { hashLength: 32, variants: true, graph: spec })],
    ['specfile version', String(spec.root.formatVersion)],
    ['layout version', String(layoutVersion)],
    ['checksum', checksum && `${checksum.algorithm} ${checksum.hash}`],
    ...dependencies.map((node): Row => ['dependency', describeNode(node, { graph: spec })]),
  ];
}

function manifestRows({ signature, manifest }: ManifestInspection): readonly Row[] {
  return [
    ['kind', `manifest of ${subjectOf(manifest)}, ${signature ? 'clearsigned' : 'not signed'}`],
    ['signature', signature && describeSignature(signature)],
    ...manifest.records.flatMap(({ kind, size, compression, sha256 }): Row[] => [
      [kind, `${MEDIA_TYPES[kind]}, ${size} bytes, compression: ${compression}`],
      [`sha256 of the ${kind}`, sha256],
    ]),
    ...manifest.unknownTypes.map((type): Row => ['unknown content', JSON.stringify(type)]),
  ];
}

function describeSignature(signature: InspectedSignature): string {
  if (signature.verified) {
    const { fingerprint, userId = '', signedAt } = signature;
    return `verified, by ${fingerprint} ${userId}, ${signedAt.toISOString()}`;
  }
  const { fingerprint, keyId = 'nobody', error } = signature;
  const state = error.code === 'signature-unknown-key' ? 'not verified, no trusted key' : 'BAD';
  return `${state} (${error.code}), by ${fingerprint ?? keyId}`;
}

function subjectOf({ records: [first] }: Manifest): string {
  const subjects = { tarball: 'a package', spec: 'a package', index: 'a package index' } as const;
  if (first === undefined) return 'something unknown';
  const { kind } = first;
  return kind === 'key' || kind === 'key index' ? `a ${kind}` : subjects[kind];
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
    ['hard links deduplicated', String(buildinfo.hardlinksDeduped)],
    ...[...buildinfo.hashToPrefix].map(([hash, prefix]): Row => [`prefix of /${hash.slice(0, 7)}`, prefix]),
  ];
}

/** The same facts as plain data. */
export function inspectionAsJson(inspection: Inspection): object {
  switch (inspection.kind) {
    case 'elf':
      return { kind: 'elf', elf: elfAsJson(inspection), paths: pathsAsJson(inspection.paths) };
    case 'mach-o':
      return { kind: 'mach-o', ...machoAsJson(inspection.macho), paths: pathsAsJson(inspection.paths) };
    case 'specfile': {
      const { spec, layoutVersion, checksum } = inspection.specfile;
      const nodes = [...spec.nodes.values()].map(nodeAsJson);
      return {
        kind: 'specfile',
        signed: inspection.signature !== undefined,
        signature: inspection.signature,
        compression: inspection.compression,
        layoutVersion,
        checksum,
        root: spec.root.hash,
        nodes,
      };
    }
    case 'manifest': {
      const { signature, manifest } = inspection;
      const blobs = manifest.records.map((record) => ({ ...record, mediaType: MEDIA_TYPES[record.kind] }));
      const { unknownTypes } = manifest;
      return { kind: 'manifest', signed: signature !== undefined, signature, blobs, unknownTypes };
    }
    case 'tarball': {
      const { buildinfo, ...facts } = inspection.tarball;
      const hashToPrefix = Object.fromEntries(buildinfo.hashToPrefix);
      return { kind: 'tarball', ...facts, buildinfo: { ...buildinfo, hashToPrefix } };
    }
    case 'script':
    case 'other':
      return { ...inspection, paths: pathsAsJson(inspection.paths) };
    default:
      return inspection;
  }
}

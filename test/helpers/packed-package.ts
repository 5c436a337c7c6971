// Packages as they are before they lie in a build cache of some kind: specs of format 4, and tarballs with buildinfo. Everything can be
// made wrong on purpose.
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import type { DagHash, JsonObject } from '../../src/spec/spec.js';
import { buildElf } from './elf-builder.js';
import { type MemberSketch, paxMember, tarArchive, tarMember } from './tar-builder.js';

/** Where the packages were built: long, so that it can become any other root. */
export const OLD_ROOT = `/old/${'long/'.repeat(40)}opt`;
export const PLATFORM = process.platform === 'darwin' ? 'darwin' : 'linux';

export interface PackageSketch {
  readonly name: string;
  readonly version?: string;
  /** Made of the name and the version unless given. */
  readonly hash?: DagHash;
  /** Names of packages of the same cache, as `name` (link), `name:build,run`, or `name:link:mpi` with virtuals. */
  readonly dependencies?: readonly string[];
  /** Where an external is; it has a record in the index, and no files. */
  readonly external?: string;
  readonly platform?: string;
  /** Members besides the usual ones; names are relative to the prefix. */
  readonly members?: readonly MemberSketch[];
  /** Changes the tarball before its checksum is taken. */
  readonly spoilArchive?: (archive: Buffer) => Buffer;
  /** Replaces lines of the buildinfo. */
  readonly spoilBuildinfo?: (text: string) => string;
  /** Changes the tarball after its checksum was taken; undefined: there is none. */
  readonly spoilTarball?: (tarball: Buffer) => Buffer | undefined;
  /** Changes the metadata before it is signed. */
  readonly spoilMetadata?: (metadata: Record<string, unknown>) => unknown;
  /** Changes the text of the specfile, after it was signed; undefined: there is none. */
  readonly spoilSpecfile?: (text: Buffer) => Buffer | undefined;
}

/** A spec of a cache, with its tarball unless it is an external. */
export interface PackedPackage {
  readonly sketch: PackageSketch;
  readonly version: string;
  readonly hash: DagHash;
  /** Its own record, as indexes have it. */
  readonly node: JsonObject;
  /** `.spack/spec.json`: itself and everything that it needs. */
  readonly spec: JsonObject;
  /** Compressed; undefined for an external. */
  readonly tarball: Buffer | undefined;
  /** SHA-256 of the tarball; empty for an external. */
  readonly digest: string;
  /** `platform-os-target`. */
  readonly arch: string;
  /** Below the root of a store, by the default projection. */
  readonly projected: string;
}

export interface PackOptions {
  /** Whether archives hold the folders above the prefix. */
  readonly withParents: boolean;
}

/** Packs what was sketched; of packages that depend on each other the needed ones come first. */
export function packPackages(sketches: readonly PackageSketch[], options: PackOptions): PackedPackage[] {
  const nodes = new Map<string, Node>();
  for (const sketch of sketches) nodes.set(sketch.name, makeNode(sketch, nodes));
  return [...nodes.values()].map((node) => packNode(node, options));
}

function packNode(node: Node, options: PackOptions): PackedPackage {
  const { sketch, hash, version, json } = node;
  const archive = sketch.external === undefined ? packageArchive(node, options) : undefined;
  const tarball = archive && gzipSync(sketch.spoilArchive?.(archive) ?? archive);
  return {
    sketch,
    version,
    hash,
    node: json,
    spec: specDictionary(node),
    tarball,
    digest: tarball === undefined ? '' : sha256(tarball),
    arch: archOf(node),
    projected: projectedPath(node),
  };
}

/** The usual hash of a package: its name and version, made into 32 characters. */
export function hashFor(name: string, version = '1.0'): DagHash {
  const digits = createHash('sha256').update(`${name}@${version}`).digest();
  const text = name.replace(/[^a-z2-7]/g, '').slice(0, 20);
  return Array.from(digits, (byte) => 'abcdefghijklmnopqrstuvwxyz234567'[byte & 31])
    .join('')
    .replace(/^.{0,20}/, (start) => text + start.slice(text.length)) as DagHash;
}

export function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

interface Node {
  readonly sketch: PackageSketch;
  readonly hash: DagHash;
  readonly version: string;
  readonly json: JsonObject;
  /** Itself and everything it needs, itself first. */
  readonly closure: readonly Node[];
}

function makeNode(sketch: PackageSketch, nodes: ReadonlyMap<string, Node>): Node {
  const { name, version = '1.0', external } = sketch;
  const hash = sketch.hash ?? hashFor(name, version);
  const edges = (sketch.dependencies ?? []).map((text) => {
    const [dependency = '', types = 'link', virtuals] = text.split(':');
    const node = nodes.get(dependency);
    if (node === undefined) throw new TypeError(`"${dependency}" must come before "${name}"`);
    return { node, types: types.split(','), virtuals: virtuals?.split(',') ?? [] };
  });
  const json: JsonObject = {
    name,
    version,
    arch: { platform: sketch.platform ?? PLATFORM, platform_os: 'debian12', target: 'x86_64' },
    compiler: { name: 'gcc', version: '12.2.0' },
    namespace: 'fixtures',
    parameters: { build_system: 'generic', cflags: [], shared: true },
    ...(external === undefined ? {} : { external: { path: external, module: null, extra_attributes: {} } }),
    ...(edges.length === 0 ? {} : { dependencies: edges.map(edgeJson) }),
    hash,
  };
  const closure: Node[] = [];
  const self: Node = { sketch, hash, version, json, closure };
  closure.push(self, ...new Set(edges.flatMap(({ node }) => node.closure)));
  return self;
}

interface Edge {
  readonly node: Node;
  readonly types: readonly string[];
  readonly virtuals: readonly string[];
}

function edgeJson({ node, types, virtuals }: Edge): JsonObject {
  return { name: node.sketch.name, hash: node.hash, parameters: { deptypes: types, virtuals } };
}

function archOf({ sketch }: Node): string {
  return `${sketch.platform ?? PLATFORM}-debian12-x86_64`;
}

function projectedPath(node: Node): string {
  return `${archOf(node)}/gcc-12.2.0/${node.sketch.name}-${node.version}-${node.hash}`;
}

function specDictionary(node: Node): JsonObject {
  return { spec: { _meta: { version: 4 }, nodes: node.closure.map(({ json }) => json) } };
}

/** What every package has: a script, a text, a program with an rpath and a string, links, `.spack`. */
function packageArchive(node: Node, { withParents }: PackOptions): Buffer {
  const prefix = `${OLD_ROOT}/${projectedPath(node)}`;
  const top = prefix.slice(1);
  const paths = node.closure.map((each) => `${OLD_ROOT}/${projectedPath(each)}`);
  const elf = buildElf({
    rpath: paths.map((path) => `${path}/lib`).join(':'),
    payload: Buffer.from(`\0${prefix}/share/data\0${' '.repeat(64)}`),
  });
  const parents = withParents ? parentsOf(top).map((name) => ({ name, type: '5', mode: 0o755 })) : [];
  const members: MemberSketch[] = [
    ...parents,
    { name: top, type: '5', mode: 0o755 },
    ...[
      { name: '.spack', type: '5', mode: 0o755 },
      { name: '.spack/spec.json', body: JSON.stringify(specDictionary(node)) },
      { name: 'bin', type: '5', mode: 0o755 },
      { name: 'bin/run', mode: 0o755, body: `#!/bin/sh\nexec ${prefix}/lib/tool "$@"\n` },
      { name: 'lib', type: '5', mode: 0o755 },
      { name: 'lib/tool', mode: 0o755, body: elf.bytes },
      { name: 'lib/here', type: '2', linkname: 'tool' },
      { name: 'lib/there', type: '2', linkname: `${prefix}/lib/tool` },
      { name: 'share', type: '5', mode: 0o755 },
      { name: 'share/paths', body: `${paths.join('\n')}\nroot=${OLD_ROOT}\n` },
      { name: 'share/hello', body: `hello from ${node.sketch.name}\n` },
      ...(node.sketch.members ?? []),
    ].map((member) => ({
      ...member,
      name: `${top}/${member.name}`,
      ...('type' in member && member.type === '1' ? { linkname: `${top}/${member.linkname}` } : {}),
    })),
    { name: `${top}/.spack/binary_distribution`, body: buildinfoOf(node) },
  ];
  return tarArchive(...members.map(withLongName));
}

function parentsOf(path: string): string[] {
  const parts = path.split('/');
  return parts.slice(0, -1).map((_, i) => parts.slice(0, i + 1).join('/'));
}

function withLongName(member: MemberSketch): Buffer {
  const { name = '', linkname = '' } = member;
  const records = {
    ...(name.length > 100 ? { path: name } : {}),
    ...(linkname.length > 100 ? { linkpath: linkname } : {}),
  };
  const extension = Object.keys(records).length === 0 ? [] : [paxMember(records)];
  return Buffer.concat([...extension, tarMember(member)]);
}

function buildinfoOf(node: Node): string {
  const text = [
    `sbang_install_path: ${OLD_ROOT}/bin/sbang`,
    `buildpath: ${OLD_ROOT}`,
    'spackprefix: /old/spack',
    `relative_prefix: ${projectedPath(node)}`,
    'relocate_textfiles:',
    '- bin/run',
    '- share/paths',
    'relocate_binaries:',
    '- lib/tool',
    'relocate_links:',
    '- lib/there',
    'hardlinks_deduped: true',
    'hash_to_prefix:',
    ...node.closure
      .filter(({ sketch }) => sketch.external === undefined)
      .map((each) => `  ${each.hash}: ${OLD_ROOT}/${projectedPath(each)}`),
    '',
  ].join('\n');
  return node.sketch.spoilBuildinfo?.(text) ?? text;
}

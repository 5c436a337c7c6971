// Builds tiny build caches in code: specs of format 4, tarballs with buildinfo, specfiles with checksums, signed where a key is
// given, and the index. Everything can be made wrong on purpose.
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { PrivateKey } from 'openpgp';
import type { DagHash, JsonObject } from '../../src/spec/spec.js';
import { clearsign } from '../signature/temporary-keys.js';
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
  /** Names of packages of the same cache, as `name` (link) or `name:build,run`. */
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

export interface CacheOptions {
  /** Signs the specfiles. */
  readonly key?: PrivateKey;
  /** 1 unless given. */
  readonly layoutVersion?: 1 | 2;
  /** False: there is no index. */
  readonly index?: boolean;
}

/** A package as it is in a cache. */
export interface BuiltPackage {
  readonly name: string;
  readonly version: string;
  readonly hash: DagHash;
  /** Paths below the root of the mirror. */
  readonly specfile: string;
  readonly tarball: string;
  /** SHA-256 of the tarball. */
  readonly digest: string;
  /** Below the root of a store, by the default projection. */
  readonly projected: string;
}

export interface BuiltCache {
  readonly folder: string;
  readonly packages: ReadonlyMap<string, BuiltPackage>;
  /** A package that must be there. */
  get(name: string): BuiltPackage;
}

/** Writes a build cache into a folder; of packages that depend on each other the needed ones come first. */
export async function buildCache(
  folder: string,
  sketches: readonly PackageSketch[],
  options: CacheOptions = {},
): Promise<BuiltCache> {
  const nodes = new Map<string, Node>();
  for (const sketch of sketches) nodes.set(sketch.name, makeNode(sketch, nodes));
  const packages = new Map<string, BuiltPackage>();
  for (const node of nodes.values())
    if (node.sketch.external === undefined)
      packages.set(node.sketch.name, await writePackage(folder, node, options));
  if (options.index !== false) writeIndex(folder, [...nodes.values()]);
  const get = (name: string): BuiltPackage => {
    const found = packages.get(name);
    if (found === undefined) throw new TypeError(`The cache has no package "${name}"`);
    return found;
  };
  return { folder, packages, get };
}

/** The usual hash of a package: its name and version, made into 32 characters. */
export function hashFor(name: string, version = '1.0'): DagHash {
  const digits = createHash('sha256').update(`${name}@${version}`).digest();
  const text = name.replace(/[^a-z2-7]/g, '').slice(0, 20);
  return Array.from(digits, (byte) => 'abcdefghijklmnopqrstuvwxyz234567'[byte & 31])
    .join('')
    .replace(/^.{0,20}/, (start) => text + start.slice(text.length)) as DagHash;
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
    const [dependency = '', types = 'link'] = text.split(':');
    const node = nodes.get(dependency);
    if (node === undefined) throw new TypeError(`"${dependency}" must come before "${name}"`);
    return { node, types: types.split(',') };
  });
  const json: JsonObject = {
    name,
    version,
    arch: { platform: sketch.platform ?? PLATFORM, platform_os: 'debian12', target: 'x86_64' },
    compiler: { name: 'gcc', version: '12.2.0' },
    namespace: 'fixtures',
    parameters: { build_system: 'generic', cflags: [], shared: true },
    ...(external === undefined ? {} : { external: { path: external, module: null, extra_attributes: {} } }),
    ...(edges.length === 0 ? {} : { dependencies: edges.map(({ node, types }) => edgeJson(node, types)) }),
    hash,
  };
  const closure: Node[] = [];
  const self: Node = { sketch, hash, version, json, closure };
  closure.push(self, ...new Set(edges.flatMap(({ node }) => node.closure)));
  return self;
}

function edgeJson(node: Node, types: readonly string[]): JsonObject {
  return { name: node.sketch.name, hash: node.hash, parameters: { deptypes: types, virtuals: [] } };
}

function archOf({ sketch }: Node): string {
  return `${sketch.platform ?? PLATFORM}-debian12-x86_64`;
}

function projectedPath(node: Node): string {
  return `${archOf(node)}/gcc-12.2.0/${node.sketch.name}-${node.version}-${node.hash}`;
}

async function writePackage(folder: string, node: Node, options: CacheOptions): Promise<BuiltPackage> {
  const { sketch, hash, version } = node;
  const { name } = sketch;
  const file = `${archOf(node)}-gcc-12.2.0-${name}-${version}-${hash}`;
  const tarball = `build_cache/${archOf(node)}/gcc-12.2.0/${name}-${version}/${file}.spack`;
  const archive = packageArchive(node, options);
  const packed = gzipSync(sketch.spoilArchive?.(archive) ?? archive);
  const digest = createHash('sha256').update(packed).digest('hex');
  const metadata = {
    ...specDictionary(node),
    buildcache_layout_version: options.layoutVersion ?? 1,
    binary_cache_checksum: { hash_algorithm: 'sha256', hash: digest },
  };
  const specfile = `build_cache/${file}.spec.json${options.key === undefined ? '' : '.sig'}`;
  const text = JSON.stringify(sketch.spoilMetadata?.({ ...metadata }) ?? metadata);
  const signed = options.key === undefined ? Buffer.from(text) : await clearsign(text, options.key);
  write(folder, specfile, sketch.spoilSpecfile === undefined ? signed : sketch.spoilSpecfile(signed));
  write(folder, tarball, sketch.spoilTarball === undefined ? packed : sketch.spoilTarball(packed));
  return { name, version, hash, specfile, tarball, digest, projected: projectedPath(node) };
}

function specDictionary(node: Node): Record<string, unknown> {
  return { spec: { _meta: { version: 4 }, nodes: node.closure.map(({ json }) => json) } };
}

function write(folder: string, path: string, bytes: Uint8Array | string | undefined): void {
  if (bytes === undefined) return;
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), bytes);
}

/** What every package has: a script, a text, a program with an rpath and a string, links, `.spack`. */
function packageArchive(node: Node, { layoutVersion = 1 }: CacheOptions): Buffer {
  const prefix = `${OLD_ROOT}/${projectedPath(node)}`;
  const top = prefix.slice(1);
  const paths = node.closure.map((each) => `${OLD_ROOT}/${projectedPath(each)}`);
  const elf = buildElf({
    rpath: paths.map((path) => `${path}/lib`).join(':'),
    payload: Buffer.from(`\0${prefix}/share/data\0${' '.repeat(64)}`),
  });
  const parents = layoutVersion < 2 ? [] : parentsOf(top).map((name) => ({ name, type: '5', mode: 0o755 }));
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

function writeIndex(folder: string, nodes: readonly Node[]): void {
  const installs = Object.fromEntries(
    nodes.map(({ hash, json, sketch }) => [
      hash,
      { spec: json, ref_count: 0, in_buildcache: sketch.external === undefined },
    ]),
  );
  const text = JSON.stringify({ database: { version: '7', installs } });
  write(folder, 'build_cache/index.json', text);
  write(folder, 'build_cache/index.json.hash', createHash('sha256').update(text).digest('hex'));
}

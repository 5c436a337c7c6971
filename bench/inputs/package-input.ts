// Generates build caches for the benchmark: packages as the reference makes them (layout 1), unsigned, with an index. Seeded.
import { createHash } from 'node:crypto';
import {
  createReadStream,
  createWriteStream,
  existsSync,
  mkdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { specfilePath, tarballPath } from '../../src/mirror/classic/paths.js';
import { parseSpecDictionary } from '../../src/spec/json/spec-json.js';
import { DEFAULT_PROJECTION, expandPath } from '../../src/spec/projection.js';
import type { DagHash, SpecNode } from '../../src/spec/spec.js';
import type { ExpectedPackage } from '../oracle/expected-tree.js';
import { machineCode } from './material.js';
import { type HashAndPrefix, OLD_ROOT, PackageArchive, type PackageRecipe } from './package-archive.js';

export interface CacheRecipe {
  readonly name: string;
  readonly packages: readonly PackageRecipe[];
}

interface NodeJson {
  readonly name: string;
  readonly version: string;
  readonly hash: string;
  readonly arch: object;
  readonly compiler: object;
  readonly namespace: string;
  readonly parameters: object;
  readonly dependencies: readonly {
    readonly name: string;
    readonly hash: string;
    readonly parameters: object;
  }[];
}

/** Raised when the same recipe gives other packages: what lies in the folder from before is not used then. */
const GENERATOR_VERSION = 4;

/** Milliseconds between two messages. */
const PROGRESS_INTERVAL = 5000;

/** Makes the cache below `folder` unless it is there; returns its path. */
export async function makeCache(
  folder: string,
  recipe: CacheRecipe,
  onProgress: (message: string) => void = () => {},
): Promise<string> {
  const target = join(folder, `${recipe.name}-v${GENERATOR_VERSION}`);
  if (existsSync(join(target, 'build_cache', 'index.json'))) return target;
  const partial = `${target}.partial`;
  rmSync(partial, { recursive: true, force: true });
  const code = machineCode(120e6);
  const nodes = new Map<string, NodeJson>();
  let said = 0;
  for (const [index, each] of recipe.packages.entries()) {
    if (index === 0 || performance.now() - said > PROGRESS_INTERVAL) {
      onProgress(`generating "${recipe.name}": package ${index + 1} of ${recipe.packages.length}`);
      said = performance.now();
    }
    nodes.set(each.name, await makePackage(partial, each, { code, nodes }));
  }
  writeIndex(partial, [...nodes.values()]);
  renameSync(partial, target);
  return target;
}

interface Shared {
  readonly code: Buffer;
  readonly nodes: ReadonlyMap<string, NodeJson>;
}

async function makePackage(cache: string, recipe: PackageRecipe, shared: Shared): Promise<NodeJson> {
  const json = nodeOf(recipe, shared.nodes);
  const closure = closureOf(json, shared.nodes);
  const dictionary = { spec: { _meta: { version: 4 }, nodes: closure } };
  const { root, nodes } = parseSpecDictionary(JSON.parse(JSON.stringify(dictionary)), recipe.name);
  const tarball = join(cache, tarballPath(root));
  mkdirSync(dirname(tarball), { recursive: true });
  const archive = new PackageArchive({
    recipe,
    prefixes: prefixesOf(recipe, [...nodes.values()]),
    linked: root.dependencies.flatMap(({ hash }) => nodes.get(hash) ?? []).map(prefixOf),
    code: shared.code,
    spec: JSON.stringify(dictionary),
  });
  await pipeline(archive.entries(), createGzip({ level: 6 }), createWriteStream(tarball));
  const hash = await sha256(tarball);
  const specfile = {
    ...dictionary,
    buildcache_layout_version: 1,
    binary_cache_checksum: { hash_algorithm: 'sha256', hash },
  };
  writeFileSync(join(cache, specfilePath(root, { signed: false })), JSON.stringify(specfile));
  return json;
}

/** The package's own prefix first, those of its dependencies, then others until there are as many as the recipe says. */
function prefixesOf({ name, prefixes }: PackageRecipe, closure: readonly SpecNode[]): HashAndPrefix[] {
  const known = closure.map((node) => [node.hash, prefixOf(node)] as const);
  const others = Array.from({ length: Math.max(0, prefixes - known.length) }, (_, i) => {
    const hash = hashOf(`${name}-dependency-${i}`);
    return [hash, `${OLD_ROOT}/linux-debian12-x86_64/gcc-12.2.0/dependency${i}-1.0-${hash}`] as const;
  });
  return [...known, ...others];
}

function nodeOf(recipe: PackageRecipe, nodes: ReadonlyMap<string, NodeJson>): NodeJson {
  return {
    ...bareNode(recipe.name),
    dependencies: (recipe.dependencies ?? []).map((name) => ({
      name,
      hash: nodes.get(name)?.hash ?? '',
      parameters: { deptypes: ['build', 'link'], virtuals: [] },
    })),
  };
}

function bareNode(name: string) {
  return {
    name,
    version: '1.0',
    arch: { platform: 'linux', platform_os: 'debian12', target: 'x86_64' },
    compiler: { name: 'gcc', version: '12.2.0' },
    namespace: 'bench',
    parameters: { build_system: 'generic' },
    hash: hashOf(name),
  };
}

function closureOf(root: NodeJson, nodes: ReadonlyMap<string, NodeJson>): NodeJson[] {
  const found = new Map<string, NodeJson>([[root.name, root]]);
  for (const node of found.values()) {
    for (const { name } of node.dependencies) {
      const dependency = nodes.get(name);
      if (dependency !== undefined) found.set(name, dependency);
    }
  }
  return [...found.values()];
}

/** 32 characters of base32 that only depend on the name. */
function hashOf(name: string): DagHash {
  const digest = createHash('sha256').update(name).digest();
  return Array.from({ length: 32 }, (_, i) => 'abcdefghijklmnopqrstuvwxyz234567'[(digest[i] ?? 0) % 32]).join(
    '',
  ) as DagHash;
}

function writeIndex(cache: string, nodes: readonly NodeJson[]): void {
  const installs = Object.fromEntries(
    nodes.map((spec) => [spec.hash, { spec, ref_count: 0, in_buildcache: true }]),
  );
  const text = JSON.stringify({ database: { version: '7', installs } });
  const folder = join(cache, 'build_cache');
  writeFileSync(join(folder, 'index.json'), text);
  writeFileSync(join(folder, 'index.json.hash'), createHash('sha256').update(text).digest('hex'));
}

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

/** Where a package's tarball lies in a cache that was made here, and the prefix under which its members are. */
export function packagePlace(cache: string, { name }: PackageRecipe): ExpectedPackage {
  const node = { ...bareNode(name), dependencies: [] };
  const { root } = parseSpecDictionary({ spec: { _meta: { version: 4 }, nodes: [node] } }, name);
  return { tarball: join(cache, tarballPath(root)), prefix: prefixOf(root), oldRoot: OLD_ROOT };
}

/** Where a package was "built". */
function prefixOf(node: SpecNode): string {
  return `${OLD_ROOT}/${expandPath(DEFAULT_PROJECTION, node)}`;
}

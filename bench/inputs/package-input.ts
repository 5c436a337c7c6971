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
import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { pack } from 'tar-stream';
import { packageName, specfilePath, tarballPath } from '../../src/buildcache/layout.js';
import { DEFAULT_PROJECTION, expandPath } from '../../src/spec/projection.js';
import type { DagHash, SpecNode } from '../../src/spec/spec.js';
import { parseSpecDictionary } from '../../src/spec/spec-json.js';
import { headerText, machineCode, SeededRandom } from './material.js';

/** What a package is made of. */
export interface PackageRecipe {
  readonly name: string;
  readonly seed: number;
  /** Sizes of its programs and libraries in bytes. */
  readonly binaries: readonly number[];
  /** How many text files, and how many bytes each has about. */
  readonly texts: number;
  readonly textSize: number;
  /** Packages whose prefixes it holds, besides its own. */
  readonly prefixes: number;
  /** Names of recipes it links against, which are made before it. */
  readonly dependencies?: readonly string[];
}

export interface CacheRecipe {
  readonly name: string;
  readonly packages: readonly PackageRecipe[];
}

/** The padded root under which everything was "built": 130 characters. */
export const OLD_ROOT = `/build/opt/${'__spack_path_placeholder__/'.repeat(4)}`.padEnd(130, '_');

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
const GENERATOR_VERSION = 2;

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
  const { root } = parseSpecDictionary(JSON.parse(JSON.stringify(dictionary)), recipe.name);
  const tarball = join(cache, tarballPath(root));
  mkdirSync(dirname(tarball), { recursive: true });
  const archive = new PackageArchive({
    recipe,
    node: root,
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

function nodeOf(recipe: PackageRecipe, nodes: ReadonlyMap<string, NodeJson>): NodeJson {
  return {
    name: recipe.name,
    version: '1.0',
    arch: { platform: 'linux', platform_os: 'debian12', target: 'x86_64' },
    compiler: { name: 'gcc', version: '12.2.0' },
    namespace: 'bench',
    parameters: { build_system: 'generic' },
    dependencies: (recipe.dependencies ?? []).map((name) => ({
      name,
      hash: nodes.get(name)?.hash ?? '',
      parameters: { deptypes: ['build', 'link'], virtuals: [] },
    })),
    hash: hashOf(recipe.name),
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

interface ArchiveOptions {
  readonly recipe: PackageRecipe;
  readonly node: SpecNode;
  readonly code: Buffer;
  /** Text of its `spec.json`. */
  readonly spec: string;
}

/** The members of one package's tarball. */
class PackageArchive {
  readonly #recipe: PackageRecipe;
  readonly #spec: string;
  readonly #random: SeededRandom;
  readonly #code: Buffer;
  readonly #root: string;
  readonly #prefixes: readonly (readonly [hash: string, prefix: string])[];

  constructor({ recipe, node, code, spec }: ArchiveOptions) {
    this.#recipe = recipe;
    this.#spec = spec;
    this.#random = new SeededRandom(recipe.seed);
    this.#code = code;
    const relative = expandPath(DEFAULT_PROJECTION, node);
    this.#root = `${OLD_ROOT}/${relative}`;
    const others = Array.from({ length: recipe.prefixes - 1 }, (_, i) =>
      hashOf(`${recipe.name}-dependency-${i}`),
    );
    this.#prefixes = [
      [node.hash, this.#root],
      ...others.map(
        (hash, i) =>
          [hash, `${OLD_ROOT}/linux-debian12-x86_64/gcc-12.2.0/dependency${i}-1.0-${hash}`] as const,
      ),
    ];
  }

  entries(): PassThrough {
    const archive = pack();
    const out = new PassThrough();
    archive.pipe(out);
    void this.#write(archive);
    return out;
  }

  async #write(archive: ReturnType<typeof pack>): Promise<void> {
    const prefix = this.#root.slice(1);
    const add = (name: string, content: Buffer | string | undefined, mode: number) =>
      new Promise<void>((resolve, reject) => {
        const type = content === undefined ? ('directory' as const) : ('file' as const);
        const header = { name: `${prefix}${name}`, type, mode, mtime: new Date(0) };
        archive.entry(header, content ?? '', (error) => (error ? reject(error) : resolve()));
      });
    await add('', undefined, 0o755);
    const textFiles: string[] = [];
    const binaryFiles: string[] = [];
    await add('/include', undefined, 0o755);
    for (let i = 0; i < this.#recipe.texts; i++) {
      if (i % 200 === 0) await add(`/include/part${i / 200}`, undefined, 0o755);
      const name = `include/part${Math.floor(i / 200)}/header${i}.h`;
      if (i % 8 === 0) textFiles.push(name);
      await add(`/${name}`, this.#text(i % 8 === 0), 0o644);
    }
    await add('/lib', undefined, 0o755);
    for (const [i, size] of this.#recipe.binaries.entries()) {
      const name = `lib/lib${i}.so`;
      binaryFiles.push(name);
      await add(`/${name}`, this.#binary(size), 0o755);
    }
    await add('/.spack', undefined, 0o755);
    await add('/.spack/install_manifest.json', '{}', 0o644);
    await add('/.spack/spec.json', this.#spec, 0o644);
    await add('/.spack/binary_distribution', this.#buildinfo(textFiles, binaryFiles), 0o644);
    archive.finalize();
  }

  #text(listed: boolean): string {
    const text = headerText(this.#random, this.#recipe.textSize);
    return listed
      ? `// from ${this.#somePrefix()}/include\n${text}\n#define DIR "${this.#somePrefix()}/share"\n`
      : text;
  }

  /** Real code with a path in it every 64 KiB or so. */
  #binary(size: number): Buffer {
    const start = this.#random.below(Math.max(1, this.#code.length - size));
    const bytes = Buffer.alloc(size);
    for (let at = 0; at < size; at += this.#code.length) this.#code.copy(bytes, at, at === 0 ? start : 0);
    bytes.write('\x7fELF', 'latin1');
    for (let at = 4096; at + 1024 < size; at += 32_768 + this.#random.below(65_536)) {
      bytes.write(`${this.#somePrefix()}/lib/some/file/name.so\0`, at, 'latin1');
    }
    return bytes;
  }

  #somePrefix(): string {
    return this.#prefixes[this.#random.below(this.#prefixes.length)]?.[1] ?? '';
  }

  #buildinfo(texts: readonly string[], binaries: readonly string[]): string {
    const list = (names: readonly string[]) =>
      names.length === 0 ? ' []' : `\n${names.map((name) => `- ${name}`).join('\n')}`;
    const prefixes = this.#prefixes.map(([hash, prefix]) => `  ${hash}: ${prefix}`).join('\n');
    return `sbang_install_path: /build/opt/bin/sbang
buildpath: ${OLD_ROOT}
spackprefix: /build/spack
relative_prefix: ${this.#root.slice(OLD_ROOT.length + 1)}
relocate_textfiles:${list(texts)}
relocate_binaries:${list(binaries)}
relocate_links: []
hardlinks_deduped: true
hash_to_prefix:
${prefixes}
`;
  }
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

/** Where a package's tarball lies in a cache that was made here. */
export function tarballOf(cache: string, recipe: PackageRecipe): string {
  const json = nodeOf(recipe, new Map());
  const { root } = parseSpecDictionary(
    JSON.parse(JSON.stringify({ spec: { _meta: { version: 4 }, nodes: [{ ...json, dependencies: [] }] } })),
    recipe.name,
  );
  return join(cache, tarballPath(root));
}

export { packageName };

// The members of one generated package: text files, libraries with paths in them, and the metadata that Spack adds.
import { PassThrough } from 'node:stream';
import { pack } from 'tar-stream';
import { buildElf } from '../../test/helpers/elf-builder.js';
import { headerText, SeededRandom } from './material.js';

/** What a package is made of. */
export interface PackageRecipe {
  readonly name: string;
  readonly seed: number;
  /** Sizes of its programs and libraries in bytes. */
  readonly binaries: readonly number[];
  /** The number of text files, and the approximate size of each in bytes. */
  readonly texts: number;
  readonly textSize: number;
  /** Packages whose prefixes it contains, besides its own. */
  readonly prefixes: number;
  /** Names of recipes it links against, which are built before it. */
  readonly dependencies?: readonly string[];
}

/** The padded root under which everything was "built": 130 characters. */
export const OLD_ROOT = `/build/opt/${'__spack_path_placeholder__/'.repeat(4)}`.padEnd(130, '_');

/** Bytes at the beginning of each library in which its headers and its rpath are; nothing else in them names a prefix. */
export const ELF_PART = 8192;

export type HashAndPrefix = readonly [hash: string, prefix: string];

interface ArchiveOptions {
  readonly recipe: PackageRecipe;
  /** Its own first. */
  readonly prefixes: readonly HashAndPrefix[];
  /** Prefixes in whose `lib` its libraries look for others, besides its own. */
  readonly linked: readonly string[];
  readonly code: Buffer;
  /** Text of its `spec.json`. */
  readonly spec: string;
}

/** The members of one package's tarball. */
export class PackageArchive {
  readonly #recipe: PackageRecipe;
  readonly #spec: string;
  readonly #random: SeededRandom;
  readonly #code: Buffer;
  readonly #root: string;
  readonly #rpath: string;
  readonly #prefixes: readonly HashAndPrefix[];

  constructor({ recipe, prefixes, linked, code, spec }: ArchiveOptions) {
    this.#recipe = recipe;
    this.#spec = spec;
    this.#random = new SeededRandom(recipe.seed);
    this.#code = code;
    this.#root = prefixes[0]?.[1] ?? OLD_ROOT;
    this.#prefixes = prefixes;
    this.#rpath = [this.#root, ...linked].map((prefix) => `${prefix}/lib`).join(':');
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
      await add(`/${name}`, this.#binary(`lib${i}.so`, size), 0o755);
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

  /** A small ELF file with an rpath, followed by real code with a path about every 64 KiB. */
  #binary(soname: string, size: number): Buffer {
    const start = this.#random.below(Math.max(1, this.#code.length - size));
    const bytes = Buffer.alloc(size);
    for (let at = 0; at < size; at += this.#code.length) this.#code.copy(bytes, at, at === 0 ? start : 0);
    bytes.set(buildElf({ rpath: this.#rpath, soname, needed: ['libm.so.6', 'libc.so.6'] }).bytes);
    for (let at = ELF_PART; at + 1024 < size; at += 32_768 + this.#random.below(65_536)) {
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

// Says what a file is, as far as it concerns build caches: a program, a specfile, an index, a package's tarball.
import { detectFileKind } from '../binfmt/detect.js';
import { type ElfFile, readElf } from '../binfmt/elf.js';
import { type Buildinfo, parseBuildinfo } from '../buildcache/buildinfo.js';
import { parsePackageIndex } from '../buildcache/package-index.js';
import { BUILDINFO_PATH, findPackageRoot } from '../buildcache/package-root.js';
import { parseSpecfile, type Specfile } from '../buildcache/specfile.js';
import type { ByteSource } from '../core/byte-source.js';
import { concatBytes, copyBytes } from '../core/bytes.js';
import { BuildcacheError } from '../core/errors.js';
import { JsEngine } from '../relocation/engines/js.js';
import { extractClearsigned } from '../signature/clearsign.js';
import { Decompressor } from '../stream/decompress.js';
import { type Compression, detectCompression } from '../stream/detect-compression.js';
import type { TarEntry } from '../tar/entry.js';
import { displayPath, parseSafePath, type SafePath } from '../tar/safe-path.js';
import { TarReader } from '../tar/tar-reader.js';

/** A file, wherever it is. */
export interface InspectedFile extends ByteSource {
  /** For messages. */
  readonly name: string;
  chunks(): AsyncIterable<Uint8Array>;
}

export type Inspection =
  | { readonly kind: 'elf'; readonly elf: ElfFile }
  | { readonly kind: 'mach-o' }
  | { readonly kind: 'script'; readonly firstLine: string }
  | { readonly kind: 'specfile'; readonly signed: boolean; readonly specfile: Specfile }
  | {
      readonly kind: 'package-index';
      readonly version: number;
      readonly packages: number;
      readonly records: number;
    }
  | { readonly kind: 'tarball'; readonly tarball: TarballFacts }
  | { readonly kind: 'other' };

export interface TarballFacts {
  readonly compression: Compression;
  /** The package's directory in the archive. */
  readonly root: string;
  readonly members: Readonly<Record<string, number>>;
  /** Bytes of all files. */
  readonly bytes: number;
  readonly buildinfo: Buildinfo;
}

const HEAD_SIZE = 4096;
const LARGEST_METADATA = 512 << 20;

/**
 * Looks into a file.
 * @throws BuildcacheError for a file that begins like one of the kinds and is none
 */
export async function inspect(file: InspectedFile): Promise<Inspection> {
  const head = file.read(0, HEAD_SIZE).slice();
  const kind = detectFileKind(head);
  if (kind === 'elf') return inspectElf(file);
  if (kind === 'macho') return { kind: 'mach-o' };
  if (kind === 'shebang') return { kind: 'script', firstLine: firstLineOf(head) };
  const text = Buffer.from(head).toString('latin1').trimStart();
  if (text.startsWith('-----BEGIN PGP SIGNED MESSAGE-----')) return inspectSpecfile(file, true);
  if (text.startsWith('{')) return inspectJson(file);
  if (detectCompression(head) !== 'none' || isTar(head))
    return { kind: 'tarball', tarball: await inspectTarball(file, head) };
  return { kind: 'other' };
}

function inspectElf(file: InspectedFile): Inspection {
  const elf = readElf(file);
  return elf === undefined ? { kind: 'other' } : { kind: 'elf', elf };
}

function firstLineOf(head: Uint8Array): string {
  return Buffer.from(head).toString('utf8').split('\n', 1)[0] ?? '';
}

function isTar(head: Uint8Array): boolean {
  return Buffer.from(head.subarray(257, 262)).toString('latin1') === 'ustar';
}

function wholeFile(file: InspectedFile): Uint8Array {
  return file.read(0, Math.min(file.size, LARGEST_METADATA)).slice();
}

function inspectSpecfile(file: InspectedFile, signed: boolean): Inspection {
  const bytes = wholeFile(file);
  const text = signed ? extractClearsigned(bytes, file.name) : bytes;
  return {
    kind: 'specfile',
    signed,
    specfile: parseSpecfile(text, file.name, { newestLayout: Number.MAX_SAFE_INTEGER }),
  };
}

function inspectJson(file: InspectedFile): Inspection {
  try {
    return inspectSpecfile(file, false);
  } catch (error) {
    if (!(error instanceof BuildcacheError)) throw error;
    const index = parsePackageIndex(wholeFile(file), file.name);
    return {
      kind: 'package-index',
      version: index.version,
      packages: [...index.offeredHashes()].length,
      records: index.size,
    };
  }
}

async function inspectTarball(file: InspectedFile, head: Uint8Array): Promise<TarballFacts> {
  const reader = new TarballInspector();
  const decompressor = new Decompressor({
    inflater: new JsEngine().createInflater(),
    onOutput: (bytes) => reader.push(bytes),
  });
  for await (const chunk of file.chunks()) decompressor.push(chunk);
  decompressor.finish();
  reader.finish();
  return { compression: detectCompression(head), ...reader.facts(file.name) };
}

/** Counts members and keeps what may be the buildinfo. */
class TarballInspector {
  readonly #tar = new TarReader();
  readonly #members = new Map<SafePath, { kind: 'directory' | 'file' | 'symlink'; isListed: boolean }>();
  readonly #counts: Record<string, number> = {};
  readonly #kept = new Map<SafePath, Uint8Array[]>();
  #keeping: Uint8Array[] | undefined;
  #bytes = 0;

  push(bytes: Uint8Array): void {
    this.#tar.push(bytes);
    for (let event = this.#tar.next(); event !== undefined; event = this.#tar.next()) {
      if (event.type === 'entry') this.#begin(event.entry);
      else if (event.type === 'data') this.#keeping?.push(copyBytes(event.bytes));
      else this.#keeping = undefined;
    }
  }

  finish(): void {
    this.#tar.finish();
  }

  facts(name: string): Omit<TarballFacts, 'compression'> {
    const root = findPackageRoot(this.#members);
    const buildinfo = concatBytes(this.#kept.get(`${root}/${BUILDINFO_PATH}` as SafePath) ?? []);
    return {
      root: displayPath(root),
      members: this.#counts,
      bytes: this.#bytes,
      buildinfo: parseBuildinfo(buildinfo, `${name} (${BUILDINFO_PATH})`),
    };
  }

  #begin(entry: TarEntry): void {
    this.#counts[entry.type] = (this.#counts[entry.type] ?? 0) + 1;
    this.#bytes += entry.size;
    const path = parseSafePath(entry.path);
    const kind = entry.type === 'directory' || entry.type === 'symlink' ? entry.type : 'file';
    this.#members.set(path, { kind, isListed: true });
    this.#keeping = path.endsWith(`/${BUILDINFO_PATH}`) ? [] : undefined;
    if (this.#keeping !== undefined) this.#kept.set(path, this.#keeping);
  }
}

// Says what a file is, as far as it concerns build caches: a program, a specfile, an index, a package's tarball.
import { DETECT_BYTES, detectFileKind } from '../../binfmt/detect.js';
import { type ElfFile, readElf } from '../../binfmt/elf/elf.js';
import { type ElfContents, readElfContents } from '../../binfmt/elf/elf-contents.js';
import { type MachoContents, readMachoContents } from '../../binfmt/macho/macho-contents.js';
import { type Buildinfo, parseBuildinfo } from '../../buildcache/buildinfo/buildinfo.js';
import { parsePackageIndex } from '../../buildcache/index/package-index.js';
import { BUILDINFO_PATH, findPackageRoot } from '../../buildcache/package-root.js';
import { parseSpecfile, type Specfile } from '../../buildcache/specfile/specfile.js';
import type { ByteSource } from '../../core/byte-source.js';
import { concatBytes, copyBytes } from '../../core/bytes.js';
import { BuildcacheError } from '../../core/errors.js';
import { JsEngine } from '../../relocation/engines/js.js';
import { findPathStrings, type PathStrings } from '../../relocation/strings/path-strings.js';
import { extractClearsigned } from '../../signature/clearsign/clearsign.js';
import { type Compression, detectCompression } from '../../stream/codec.js';
import { Decompressor } from '../../stream/decompress.js';
import type { TarEntry } from '../../tar/entry.js';
import { displayPath, parseSafePath, type SafePath } from '../../tar/safe-path.js';
import { TarReader } from '../../tar/tar-reader.js';

/** A file, wherever it is. */
export interface InspectedFile extends ByteSource {
  /** For messages. */
  readonly name: string;
  chunks(): AsyncIterable<Uint8Array>;
}

export type Inspection =
  | {
      readonly kind: 'elf';
      readonly elf: ElfFile;
      readonly contents: ElfContents;
      readonly paths: PathStrings;
    }
  | { readonly kind: 'mach-o'; readonly macho: MachoContents; readonly paths: PathStrings }
  | { readonly kind: 'script'; readonly firstLine: string; readonly paths: PathStrings }
  | { readonly kind: 'specfile'; readonly signed: boolean; readonly specfile: Specfile }
  | {
      readonly kind: 'package-index';
      readonly version: number;
      readonly packages: number;
      readonly records: number;
    }
  | { readonly kind: 'tarball'; readonly tarball: TarballFacts }
  | { readonly kind: 'other'; readonly paths: PathStrings };

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
/** A specfile or an index, and no other JSON. */
const METADATA_KEY = /"(spec|database)"\s*:/;
const LARGEST_METADATA = 512 << 20;

export interface InspectOptions {
  /** Prefixes that paths in the file may begin with, as byte strings. */
  readonly prefixes?: readonly string[];
  /** How many paths to show. */
  readonly limit?: number;
}

/** More paths are counted, not shown. */
export const SHOWN_PATHS = 1000;

/**
 * Looks into a file.
 * @throws BuildcacheError for a file that begins like a specfile, an index or a tarball, and is none
 */
export async function inspect(file: InspectedFile, options: InspectOptions = {}): Promise<Inspection> {
  const head = file.read(0, HEAD_SIZE).slice();
  return inspectBinary(file, options) ?? inspectMetadata(file, head) ?? inspectOther(file, head, options);
}

function pathsIn(file: InspectedFile, { prefixes = [], limit = SHOWN_PATHS }: InspectOptions) {
  return findPathStrings({ chunks: file.chunks(), prefixes, limit });
}

/** A program or a library; undefined for another file. */
function inspectBinary(file: InspectedFile, options: InspectOptions): Promise<Inspection> | undefined {
  const kind = detectFileKind(file.read(0, DETECT_BYTES));
  if (kind === 'elf') {
    const [elf, contents] = [readElf(file), readElfContents(file)];
    if (elf === undefined || contents === undefined) return undefined;
    return pathsIn(file, options).then((paths) => ({ kind: 'elf', elf, contents, paths }));
  }
  const macho = kind === 'macho' ? readMachoContents(file) : undefined;
  return macho && pathsIn(file, options).then((paths) => ({ kind: 'mach-o', macho, paths }));
}

async function inspectOther(
  file: InspectedFile,
  head: Uint8Array,
  options: InspectOptions,
): Promise<Inspection> {
  const paths = await pathsIn(file, options);
  return detectFileKind(head) === 'shebang'
    ? { kind: 'script', firstLine: firstLineOf(head), paths }
    : { kind: 'other', paths };
}

/** A file of a build cache; undefined for another one. */
function inspectMetadata(
  file: InspectedFile,
  head: Uint8Array,
): Promise<Inspection> | Inspection | undefined {
  if (detectFileKind(head) === 'shebang') return undefined;
  const text = Buffer.from(head).toString('latin1').trimStart();
  if (text.startsWith('-----BEGIN PGP SIGNED MESSAGE-----')) return inspectSpecfile(file, { signed: true });
  if (text.startsWith('{') && METADATA_KEY.test(text)) return inspectJson(file);
  if (detectCompression(head) !== 'none' || isTar(head))
    return inspectTarball(file, head).then((tarball) => ({ kind: 'tarball', tarball }));
  return undefined;
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

function inspectSpecfile(file: InspectedFile, { signed }: { readonly signed: boolean }): Inspection {
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
    return inspectSpecfile(file, { signed: false });
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

// Identifies a file of interest to build caches: a program, a specfile, a manifest, an index, a package's tarball.
import { gunzipSync, constants as zlib } from 'node:zlib';
import { DETECT_BYTES, detectFileKind } from '../../binfmt/detect.js';
import { type ElfFile, readElf } from '../../binfmt/elf/elf.js';
import { type ElfContents, readElfContents } from '../../binfmt/elf/elf-contents.js';
import { type MachoContents, readMachoContents } from '../../binfmt/macho/macho-contents.js';
import { type Buildinfo, parseBuildinfo } from '../../buildcache/buildinfo/buildinfo.js';
import { parsePackageIndex } from '../../buildcache/index/package-index.js';
import { type Manifest, parseManifest } from '../../buildcache/manifest/manifest.js';
import { BUILDINFO_PATH, findPackageRoot } from '../../buildcache/package-root.js';
import { parseSpecfile, type Specfile } from '../../buildcache/specfile/specfile.js';
import type { ByteSource } from '../../core/byte-source.js';
import { concatBytes, copyBytes } from '../../core/bytes.js';
import { BuildcacheError, IntegrityError } from '../../core/errors.js';
import { JsEngine } from '../../relocation/engines/js.js';
import { findPathStrings, type PathStrings } from '../../relocation/strings/path-strings.js';
import { Keyring } from '../../signature/keys/keyring.js';
import { type Compression, detectCompression } from '../../stream/codec.js';
import { Decompressor } from '../../stream/decompress.js';
import type { TarEntry } from '../../tar/entry.js';
import { displayPath, parseSafePath, type SafePath } from '../../tar/safe-path.js';
import { TarReader } from '../../tar/tar-reader.js';
import { type InspectedSignature, inspectSigned } from './inspect-signed.js';

/** A file, local or remote. */
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
  | {
      readonly kind: 'specfile';
      readonly signature: InspectedSignature | undefined;
      /** That of a spec blob; a specfile that is signed or in older layouts has none. */
      readonly compression: Compression;
      readonly specfile: Specfile;
    }
  | {
      readonly kind: 'manifest';
      readonly signature: InspectedSignature | undefined;
      readonly manifest: Manifest;
    }
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
  /** Total size of all files in bytes. */
  readonly bytes: number;
  readonly buildinfo: Buildinfo;
}

const HEAD_SIZE = 4096;
/** A specfile or an index, but no other JSON. */
const METADATA_KEY = /"(spec|database)"\s*:/;
/** Of layout 3; a manifest without records has no media type. */
const MANIFEST_KEYS = /"mediaType"\s*:|^\{\s*"version"\s*:\s*\d+\s*,\s*"data"\s*:/;
const LARGEST_METADATA = 512 << 20;

export interface InspectOptions {
  /** Prefixes of the paths to look for in the file, as byte strings. */
  readonly prefixes?: readonly string[];
  /** Maximum number of paths to show. */
  readonly limit?: number;
  /** The keys to verify signatures with; asked for only where there is one. */
  readonly keyring?: () => Promise<Keyring>;
}

/** Further paths are counted, not shown. */
export const SHOWN_PATHS = 1000;

/**
 * Identifies a file and describes its content.
 * @throws BuildcacheError for a file that starts like a specfile, a manifest, an index or a tarball, but is invalid
 */
export async function inspect(file: InspectedFile, options: InspectOptions = {}): Promise<Inspection> {
  const head = file.read(0, HEAD_SIZE).slice();
  const known = inspectBinary(file, options) ?? inspectMetadata(file, head, options);
  return known ?? inspectOther(file, head, options);
}

function pathsIn(file: InspectedFile, { prefixes = [], limit = SHOWN_PATHS }: InspectOptions) {
  return findPathStrings({ chunks: file.chunks(), prefixes, limit });
}

/** A program or a library; undefined for other files. */
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

/** A file of a build cache; undefined for other files. */
function inspectMetadata(
  file: InspectedFile,
  head: Uint8Array,
  { keyring = noKeys }: InspectOptions,
): Promise<Inspection> | Inspection | undefined {
  if (detectFileKind(head) === 'shebang') return undefined;
  const text = Buffer.from(head).toString('latin1').trimStart();
  if (text.startsWith('-----BEGIN PGP SIGNED MESSAGE-----')) return inspectClearsigned(file, keyring);
  if (text.startsWith('{') && METADATA_KEY.test(text)) return inspectJson(file);
  if (isManifest(text))
    return { kind: 'manifest', signature: undefined, manifest: parseManifest(wholeFile(file), file.name) };
  if (isGzippedJson(head)) return inspectSpecBlob(file);
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

function isManifest(text: string): boolean {
  return text.startsWith('{') && MANIFEST_KEYS.test(text);
}

async function inspectClearsigned(file: InspectedFile, keyring: () => Promise<Keyring>): Promise<Inspection> {
  const { text, signature } = await inspectSigned(wholeFile(file), file.name, await keyring());
  const head = Buffer.from(text.subarray(0, HEAD_SIZE)).toString('latin1').trimStart();
  if (!METADATA_KEY.test(head) && isManifest(head))
    return { kind: 'manifest', signature, manifest: parseManifest(text, file.name) };
  return { kind: 'specfile', signature, compression: 'none', specfile: readSpecfile(text, file) };
}

function readSpecfile(text: Uint8Array, { name }: InspectedFile): Specfile {
  return parseSpecfile(text, name, { newestLayout: Number.MAX_SAFE_INTEGER });
}

/** Whether the beginning of a file is gzip, and what is in it an object. */
function isGzippedJson(head: Uint8Array): boolean {
  if (detectCompression(head) !== 'gzip') return false;
  try {
    return gunzipSync(head, { finishFlush: zlib.Z_SYNC_FLUSH })[0] === '{'.charCodeAt(0);
  } catch {
    return false;
  }
}

/** Metadata in layout 3 is compressed. */
function inspectSpecBlob(file: InspectedFile): Inspection {
  const text = gunzipMetadata(wholeFile(file), file.name);
  return { kind: 'specfile', signature: undefined, compression: 'gzip', specfile: readSpecfile(text, file) };
}

function gunzipMetadata(bytes: Uint8Array, source: string): Uint8Array {
  try {
    return gunzipSync(bytes, { maxOutputLength: LARGEST_METADATA });
  } catch (cause) {
    throw new IntegrityError('gzip-truncated', `Cannot read "${source}": it is not whole gzip data`, {
      cause,
      data: { source },
    });
  }
}

function noKeys(): Promise<Keyring> {
  return Keyring.load({});
}

function inspectJson(file: InspectedFile): Inspection {
  try {
    const specfile = readSpecfile(wholeFile(file), file);
    return { kind: 'specfile', signature: undefined, compression: 'none', specfile };
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

/** Counts members and keeps the possible buildinfo. */
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

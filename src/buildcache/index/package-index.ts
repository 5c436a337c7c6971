// The package index of a build cache (`index.json`): a database of Spack with fewer facts per record, FORMATS.md §2.
// Reading finds the place of each record; a record is parsed on demand.

import { type ByteSource, sourceOfBytes } from '../../core/byte-source.js';
import { MetadataError } from '../../core/errors.js';
import { isDagHash } from '../../spec/dag-hash.js';
import { parseJsonDocument } from '../../spec/json/json-document.js';
import { parseNode } from '../../spec/json/spec-json.js';
import type { DagHash, SpecNode } from '../../spec/spec.js';
import { readCompactRecord } from './compact-record.js';
import { type IndexPlaces, PlacesBuilder, type RecordPlace } from './index-places.js';
import { JsonScanner } from './json-scanner.js';

/** Database version → the specfile version of its nodes. */
const NODE_FORMATS: Readonly<Record<string, number>> = { 5: 1, 6: 3, 7: 4, 8: 5 };
const NEWEST_VERSION = 8;

/** The record of one package in an index. */
export interface PackageRecord {
  readonly hash: DagHash;
  readonly name: string;
  /** False for packages that are only dependencies of others, such as externals. */
  readonly inBuildcache: boolean;
  /**
   * The node, parsed on first use.
   * @throws MetadataError `metadata-syntax`, `metadata-invalid`.
   */
  readonly node: SpecNode;
}

/** A record as it is stored. */
export interface StoredRecord {
  readonly hash: DagHash;
  readonly inBuildcache: boolean;
  /** The JSON of its node; empty where it has none. */
  readonly node: Uint8Array;
}

interface PackageIndexParts {
  readonly source: string;
  readonly bytes: ByteSource;
  readonly places: IndexPlaces;
}

/** A package with tens of thousands of dependencies takes a few megabytes. */
const LARGEST_RECORD = 16 * 1024 * 1024;

/** Number of parsed nodes to keep. A run needs a few hundred; listing everything must not keep them all. */
const KEPT_NODES = 1024;

/** The packages of one build cache. */
export class PackageIndex {
  /** URL or path of the index, for messages. */
  readonly source: string;
  readonly #bytes: ByteSource;
  readonly #places: IndexPlaces;
  /** Parsed nodes; the most recently used are last. */
  readonly #nodes = new Map<DagHash, SpecNode>();

  /** Use `parsePackageIndex` or `scanPackageIndex`. */
  constructor({ source, bytes, places }: PackageIndexParts) {
    this.source = source;
    this.#bytes = bytes;
    this.#places = places;
  }

  /** Database version, from 5 to 8. */
  get version(): number {
    return this.#places.version;
  }

  /** Number of records, including dependencies that the build cache does not have. */
  get size(): number {
    return this.#places.size;
  }

  /** The record of a hash, even if the build cache does not have the package itself. */
  get(hash: DagHash): PackageRecord | undefined {
    const row = this.#places.find(hash);
    return row < 0 ? undefined : this.#recordAt(row);
  }

  /** Tells whether the build cache has the package itself. */
  offers(hash: DagHash): boolean {
    return this.#places.isInBuildcache(this.#places.find(hash));
  }

  /** The hashes of the packages that the build cache has, sorted; `prefix` limits them to those that start with it. */
  *offeredHashes(prefix = ''): Iterable<DagHash> {
    for (const row of this.#places.rowsWithPrefix(prefix)) {
      if (this.#places.isInBuildcache(row)) yield this.#places.hashAt(row);
    }
  }

  /** The packages that the build cache has; `name` limits them to one package, and skips unreadable records. */
  *offered(name?: string): Iterable<PackageRecord> {
    const rows = name === undefined ? this.#places.rowsWithPrefix('') : this.#places.rowsNamed(name);
    for (const row of rows) {
      if (!this.#places.isInBuildcache(row)) continue;
      const record = this.#recordAt(row);
      if (name === undefined || nameOf(record) === name) yield record;
    }
  }

  /** All records as they are stored; the bytes of a node are valid until the next one. */
  *storedRecords(): Iterable<StoredRecord> {
    for (let row = 0; row < this.#places.size; row++) {
      const { offset, length, inBuildcache } = this.#places.placeAt(row);
      yield { hash: this.#places.hashAt(row), inBuildcache, node: this.#bytes.read(offset, length) };
    }
  }

  /** The specfile version of its nodes. */
  get nodeFormat(): number {
    return NODE_FORMATS[this.version] ?? 0;
  }

  #recordAt(row: number): PackageRecord {
    const hash = this.#places.hashAt(row);
    const place = this.#places.placeAt(row);
    return new LazyRecord(hash, place, () => this.#nodeOf(hash, place));
  }

  #nodeOf(hash: DagHash, place: RecordPlace): SpecNode {
    const node = this.#nodes.get(hash) ?? this.#readNode(hash, place);
    this.#nodes.delete(hash);
    this.#nodes.set(hash, node);
    const [oldest] = this.#nodes.keys();
    if (this.#nodes.size > KEPT_NODES && oldest !== undefined) this.#nodes.delete(oldest);
    return node;
  }

  #readNode(hash: DagHash, { offset, length }: RecordPlace): SpecNode {
    const { source } = this;
    const path = `database.installs.${hash}.spec`;
    if (length === 0) throw invalid(source, `"${path}" is missing`, path);
    if (length > LARGEST_RECORD) throw invalid(source, `"${path}" is too large (${length} bytes)`, path);
    const json = parseJsonDocument(this.#bytes.read(offset, length), source);
    const node = parseNode(json, this.nodeFormat, { source, path, hash });
    if (node.hash === hash) return node;
    throw invalid(source, `"${path}" has the hash "${node.hash}"`, path);
  }
}

class LazyRecord implements PackageRecord {
  readonly hash: DagHash;
  readonly inBuildcache: boolean;
  readonly #name: string | undefined;
  readonly #read: () => SpecNode;

  constructor(hash: DagHash, { inBuildcache, name }: RecordPlace, read: () => SpecNode) {
    this.hash = hash;
    this.inBuildcache = inBuildcache;
    this.#name = name;
    this.#read = read;
  }

  get name(): string {
    return this.#name ?? this.node.name;
  }

  get node(): SpecNode {
    return this.#read();
  }
}

function nameOf(record: PackageRecord): string | undefined {
  try {
    return record.name;
  } catch (error) {
    if (error instanceof MetadataError) return undefined;
    throw error;
  }
}

/**
 * Reads an index in memory.
 * @param source Where the bytes came from, for messages.
 * @throws as `scanPackageIndex`.
 */
export function parsePackageIndex(bytes: Uint8Array, source: string): PackageIndex {
  const content = sourceOfBytes(bytes);
  return new PackageIndex({ source, bytes: content, places: scanPackageIndex(content, source) });
}

/**
 * Finds the places of the records of an index in one pass over its bytes.
 * @param source Where the bytes came from, for messages.
 * @throws MetadataError `metadata-syntax`, `metadata-compressed`, `metadata-invalid`, and `index-version-unsupported` for an
 * index that is too new or too old.
 */
export function scanPackageIndex(bytes: ByteSource, source: string): IndexPlaces {
  try {
    return scan({ bytes, source, mayShorten: true });
  } catch (error) {
    // If the shortcut was misled, the exact scan reports the error, or succeeds.
    if (error instanceof MetadataError && error.code === 'metadata-syntax')
      return scan({ bytes, source, mayShorten: false });
    throw error;
  }
}

interface IndexScan {
  readonly bytes: ByteSource;
  readonly source: string;
  /** Whether records may be skipped without looking at every byte. */
  readonly mayShorten: boolean;
}

function scan({ bytes, source, mayShorten }: IndexScan): IndexPlaces {
  const scanner = new JsonScanner(bytes, source);
  requireObject(bytes, source);
  let version: number | undefined;
  let places: PlacesBuilder | undefined;
  scanner.readObject((section) => {
    if (section !== 'database' || !scanner.atObject) return;
    scanner.readObject((key) => {
      if (key === 'version') version = readVersion(scanner, source);
      else if (key === 'installs' && scanner.atObject)
        places = readPlaces({ scanner, source, version, mayShorten });
    });
  });
  scanner.expectEnd();
  if (version === undefined) throw invalid(source, '"database.version" is missing', 'database.version');
  if (places === undefined) throw invalid(source, '"database.installs" is missing', 'database.installs');
  return places.build(version);
}

/** Says what the file is when it is not a JSON object. */
function requireObject(bytes: ByteSource, source: string): void {
  const head = bytes.read(0, 4096);
  const start = head.findIndex((byte) => byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09);
  if (head[start] === 0x7b) return;
  parseJsonDocument(head, source);
  throw invalid(source, 'it is not a JSON object', '');
}

function readVersion(scanner: JsonScanner, source: string): number {
  const text = (scanner.readShortValue() ?? '').replace(/^"|"$/g, '');
  const version = Number(text);
  if (Object.hasOwn(NODE_FORMATS, text)) return version;
  const shown = /^[\w.-]{1,20}$/.test(text) ? text : 'unknown';
  const hint =
    version > NEWEST_VERSION ? 'A newer Spack wrote it: update regraft' : 'Update the index with Spack';
  throw new MetadataError(
    'index-version-unsupported',
    `Cannot read "${source}": its version is ${shown}, the supported versions are 5 to ${NEWEST_VERSION}`,
    { hint, data: { source, actual: shown, supported: NEWEST_VERSION } },
  );
}

interface PlacesRequest {
  readonly scanner: JsonScanner;
  readonly source: string;
  /** If already known, it tells how nodes begin. */
  readonly version: number | undefined;
  /** Records in the usual form need no byte-by-byte scan. */
  readonly mayShorten: boolean;
}

function readPlaces({ scanner, source, version, mayShorten }: PlacesRequest): PlacesBuilder {
  const places = new PlacesBuilder();
  const leadingName = version === 5 ? LEADING_KEY : LEADING_NAME;
  let chances = mayShorten ? SHORTCUT_CHANCES : 0;
  scanner.readObject((hash) => {
    if (!isDagHash(hash)) {
      throw invalid(source, `"${hash.slice(0, 80)}" is not a dag hash`, 'database.installs');
    }
    const place = chances > 0 ? readCompactPlace(scanner) : undefined;
    if (place === undefined) chances--;
    places.add(hash, place ?? readPlace(scanner, leadingName));
  });
  return places;
}

/** After this many misses the shortcut is given up for an index. */
const SHORTCUT_CHANCES = 64;
/** Minimum number of bytes to search for records. */
const RECORD_REACH = 64 * 1024;

function readCompactPlace(scanner: JsonScanner): RecordPlace | undefined {
  const { bytes, at, start } = scanner.window(RECORD_REACH);
  const record = readCompactRecord(bytes, at, start);
  if (record !== undefined) scanner.position = record.end;
  return record;
}

function readPlace(scanner: JsonScanner, leadingName: RegExp): RecordPlace {
  let offset = 0;
  let length = 0;
  let name: string | undefined;
  let inBuildcache = false;
  if (scanner.atObject) {
    scanner.readObject((key) => {
      if (key === 'spec') {
        offset = scanner.position;
        name = leadingName.exec(scanner.lookAhead(NAME_REACH))?.[1];
        scanner.skipValue();
        length = scanner.position - offset;
      } else if (key === 'in_buildcache') inBuildcache = scanner.readShortValue() === 'true';
    });
  }
  return { offset, length, inBuildcache, name };
}

/** Number of bytes to search for a name. */
const NAME_REACH = 128;
/** Spack writes the name first, so the first bytes are enough. */
const LEADING_NAME = /^\{\s*"name"\s*:\s*"([\w.-]+)"/;
/** In format 1 the name is the only key. */
const LEADING_KEY = /^\{\s*"([\w.-]+)"\s*:/;

function invalid(source: string, reason: string, path: string): MetadataError {
  return new MetadataError('metadata-invalid', `Cannot read "${source}": ${reason}`, {
    data: { source, path },
  });
}

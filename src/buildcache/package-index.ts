// The package index of a build cache (`index.json`): a database of Spack with fewer facts per record, FORMATS.md §2.
// Reading finds where each record lies; a record is parsed when somebody asks for it.

import { MetadataError } from '../core/errors.js';
import { isDagHash } from '../spec/dag-hash.js';
import { parseJsonDocument } from '../spec/json-document.js';
import type { DagHash, SpecNode } from '../spec/spec.js';
import { parseNode } from '../spec/spec-json.js';
import { JsonScanner } from './json-scanner.js';

/** Database version → the specfile version of its nodes. */
const NODE_FORMATS: Readonly<Record<string, number>> = { 5: 1, 6: 3, 7: 4, 8: 5 };
const NEWEST_VERSION = 8;

/** What an index says about one package. */
export interface PackageRecord {
  readonly hash: DagHash;
  readonly name: string;
  /** False for packages that are only dependencies of others, such as externals. */
  readonly inBuildcache: boolean;
  /**
   * The node, parsed at the first use.
   * @throws MetadataError `metadata-syntax`, `metadata-invalid`.
   */
  readonly node: SpecNode;
}

/** Where a record lies. Offsets in place of views: an index of 100,000 packages keeps one of these for each. */
interface RecordPlace {
  /** Offsets of the node; both 0 where the record has none. */
  readonly start: number;
  readonly end: number;
  readonly inBuildcache: boolean;
}

interface PackageIndexParts {
  readonly version: number;
  readonly bytes: Uint8Array;
  readonly places: ReadonlyMap<DagHash, RecordPlace>;
  readonly source: string;
}

/** The packages of one build cache. */
export class PackageIndex {
  /** Database version, from 5 to 8. */
  readonly version: number;
  /** Where the index came from, for messages. */
  readonly source: string;
  readonly #bytes: Uint8Array;
  readonly #places: ReadonlyMap<DagHash, RecordPlace>;
  readonly #parsed = new Map<DagHash, PackageRecord>();

  /** Use `parsePackageIndex`. */
  constructor({ version, bytes, places, source }: PackageIndexParts) {
    this.version = version;
    this.source = source;
    this.#bytes = bytes;
    this.#places = places;
  }

  /** How many records there are, mere dependencies included. */
  get size(): number {
    return this.#places.size;
  }

  /** The record of a hash, also of one that is a mere dependency. */
  get(hash: DagHash): PackageRecord | undefined {
    const known = this.#parsed.get(hash);
    if (known !== undefined) return known;
    const place = this.#places.get(hash);
    if (place === undefined) return undefined;
    const spec = this.#bytes.subarray(place.start, place.end);
    const record = new LazyRecord({ hash, inBuildcache: place.inBuildcache, spec, index: this });
    this.#parsed.set(hash, record);
    return record;
  }

  /** Tells whether the build cache has the package itself. */
  offers(hash: DagHash): boolean {
    return this.#places.get(hash)?.inBuildcache === true;
  }

  /** The hashes of the packages that the build cache has. */
  *offeredHashes(): Iterable<DagHash> {
    for (const [hash, { inBuildcache }] of this.#places) if (inBuildcache) yield hash;
  }

  /** The packages that the build cache has; `name` limits them to one package. */
  *offered(name?: string): Iterable<PackageRecord> {
    for (const hash of this.offeredHashes()) {
      const record = this.get(hash);
      if (record !== undefined && (name === undefined || record.name === name)) yield record;
    }
  }
}

interface LazyRecordParts {
  readonly hash: DagHash;
  readonly inBuildcache: boolean;
  readonly spec: Uint8Array;
  readonly index: PackageIndex;
}

class LazyRecord implements PackageRecord {
  readonly hash: DagHash;
  readonly inBuildcache: boolean;
  readonly #spec: Uint8Array;
  readonly #index: PackageIndex;
  #node: SpecNode | undefined;

  constructor({ hash, inBuildcache, spec, index }: LazyRecordParts) {
    this.hash = hash;
    this.inBuildcache = inBuildcache;
    this.#spec = spec;
    this.#index = index;
  }

  get name(): string {
    return this.#node?.name ?? this.#leadingName() ?? this.node.name;
  }

  get node(): SpecNode {
    this.#node ??= this.#parse();
    return this.#node;
  }

  /** Spack writes the name first (format 1: as the only key), so that a look at the first bytes answers. */
  #leadingName(): string | undefined {
    const head = Buffer.from(this.#spec.subarray(0, 256)).toString('latin1');
    const start = this.#index.version === 5 ? /^\{\s*"([\w.-]+)"/ : /^\{\s*"name"\s*:\s*"([\w.-]+)"/;
    return start.exec(head)?.[1];
  }

  #parse(): SpecNode {
    const { source, version } = this.#index;
    const path = `database.installs.${this.hash}.spec`;
    if (this.#spec.length === 0) throw invalid(source, `"${path}" is missing`, path);
    const json = parseJsonDocument(this.#spec, source);
    const node = parseNode(json, NODE_FORMATS[version] ?? 0, { source, path, hash: this.hash });
    if (node.hash === this.hash) return node;
    throw invalid(source, `"${path}" has the hash "${node.hash}"`, path);
  }
}

/**
 * Reads the index of a build cache, in time and memory for its records only when they are used.
 * @param source Where the bytes came from, for messages.
 * @throws MetadataError `metadata-syntax`, `metadata-compressed`, `metadata-invalid`, and `index-version-unsupported` for an
 * index that is too new or too old.
 */
export function parsePackageIndex(bytes: Uint8Array, source: string): PackageIndex {
  const scanner = new JsonScanner(bytes, source);
  requireObject(bytes, source);
  let version: number | undefined;
  let places: ReadonlyMap<DagHash, RecordPlace> | undefined;
  scanner.readObject((section) => {
    if (section !== 'database' || !scanner.atObject) return;
    scanner.readObject((key) => {
      if (key === 'version') version = readVersion(scanner, source);
      else if (key === 'installs' && scanner.atObject) places = readPlaces(scanner, source);
    });
  });
  scanner.expectEnd();
  if (version === undefined) throw invalid(source, '"database.version" is missing', 'database.version');
  if (places === undefined) throw invalid(source, '"database.installs" is missing', 'database.installs');
  return new PackageIndex({ version, bytes, places, source });
}

/** Names what the file is instead, when it is no JSON object. */
function requireObject(bytes: Uint8Array, source: string): void {
  const start = bytes.findIndex((byte) => byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09);
  if (bytes[start] === 0x7b) return;
  parseJsonDocument(bytes.subarray(0, 4096), source);
  throw invalid(source, 'it is not a JSON object', '');
}

function readVersion(scanner: JsonScanner, source: string): number {
  const text = Buffer.from(scanner.skipValue()).toString('latin1').replace(/^"|"$/g, '');
  const version = Number(text);
  if (Object.hasOwn(NODE_FORMATS, text)) return version;
  const shown = /^[\w.-]{1,20}$/.test(text) ? text : 'unknown';
  const hint =
    version > NEWEST_VERSION ? 'A newer Spack wrote it: update regraft' : 'Update the index with Spack';
  throw new MetadataError(
    'index-version-unsupported',
    `Cannot read "${source}": its version is ${shown}, the supported ones are 5 to ${NEWEST_VERSION}`,
    { hint, data: { source, actual: shown, supported: NEWEST_VERSION } },
  );
}

function readPlaces(scanner: JsonScanner, source: string): ReadonlyMap<DagHash, RecordPlace> {
  const places = new Map<DagHash, RecordPlace>();
  scanner.readObject((hash) => {
    if (!isDagHash(hash)) {
      throw invalid(source, `"${hash.slice(0, 80)}" is not a dag hash`, 'database.installs');
    }
    places.set(hash, readPlace(scanner));
  });
  return places;
}

function readPlace(scanner: JsonScanner): RecordPlace {
  let start = 0;
  let end = 0;
  let inBuildcache = false;
  if (scanner.atObject) {
    scanner.readObject((key) => {
      if (key === 'spec') {
        start = scanner.position;
        scanner.skipValue();
        end = scanner.position;
      } else if (key === 'in_buildcache') inBuildcache = isTrue(scanner.skipValue());
    });
  }
  return { start, end, inBuildcache };
}

function isTrue(bytes: Uint8Array): boolean {
  return bytes.length === 4 && bytes[0] === 0x74;
}

function invalid(source: string, reason: string, path: string): MetadataError {
  return new MetadataError('metadata-invalid', `Cannot read "${source}": ${reason}`, {
    data: { source, path },
  });
}

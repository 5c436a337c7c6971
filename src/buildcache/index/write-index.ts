// Builds the package index of a cache from its specfiles (FORMATS.md §2 "Index of a cache"; Spack `generate_package_index`).
// Nodes are kept outside of memory: a few hundred bytes per package remain, whatever the size of its node.

import { decodeUtf8, encodeUtf8 } from '../../core/bytes.js';
import { MetadataError } from '../../core/errors.js';
import { parseJsonDocument } from '../../spec/json/json-document.js';
import { parseNode } from '../../spec/json/spec-json.js';
import { type WritableFormat, writeNode } from '../../spec/json/write-node.js';
import type { DagHash, Spec, SpecNode } from '../../spec/spec.js';
import { allNodes } from '../../spec/traverse.js';
import type { PackageIndex } from './package-index.js';

/** Storage for the data that the builder does not keep in memory. */
export interface IndexSpool {
  /** Appends bytes and returns their offset. */
  append(bytes: Uint8Array): number;
  /** The bytes at an offset; the view is valid until the next call. */
  read(offset: number, length: number): Uint8Array;
}

/** Index version → the format of its nodes. The older one is used unless a node needs the newer. */
const OLDER = { version: '7', format: 4 } as const;
const NEWER = { version: '8', format: 5 } as const;

/** The oldest format of nodes that an index is written with. */
export const OLDEST_NODE_FORMAT = OLDER.format;

/** Formats of nodes that an index can have. */
export type IndexFormat = 4 | 5;

export interface IndexBuilderOptions {
  /** The oldest format that nodes are written in; 4 by default. */
  readonly oldestFormat?: IndexFormat | undefined;
}

/** Output is given in pieces of about this many bytes. */
const CHUNK_SIZE = 1 << 20;

interface IndexRecord {
  readonly hash: DagHash;
  offset: number;
  length: number;
  formatVersion: number;
  inBuildcache: boolean;
  /** Positions of the dependencies in the list of records, one per edge. */
  edges: Uint32Array;
}

interface RecordEdges {
  readonly record: IndexRecord;
  readonly node: SpecNode;
  /** Whether the record is that of the spec itself. */
  readonly isOwn: boolean;
}

/** Collects packages, and writes the index of them. */
export class IndexBuilder {
  readonly #spool: IndexSpool;
  readonly #records: IndexRecord[] = [];
  readonly #places = new Map<DagHash, number>();
  #packages = 0;

  readonly #oldestFormat: IndexFormat;

  constructor(spool: IndexSpool, { oldestFormat = 4 }: IndexBuilderOptions = {}) {
    this.#spool = spool;
    this.#oldestFormat = oldestFormat;
  }

  /** Number of packages in the cache. */
  get packageCount(): number {
    return this.#packages;
  }

  /** Number of records in the index, including dependencies that the cache does not have. */
  get recordCount(): number {
    return this.#records.length;
  }

  /**
   * Adds a package of the cache and its dependencies. A package's own specfile describes it; the specfile of another package
   * does so only if there is none.
   * @throws MetadataError `metadata-invalid` for a spec that lacks a node.
   */
  add(spec: Spec): void {
    const nodes = allNodes(spec);
    for (const node of nodes) {
      if (!this.#places.has(node.hash)) this.#create(node);
    }
    const root = this.#recordOf(spec.root.hash);
    if (!root.inBuildcache) {
      root.inBuildcache = true;
      this.#packages++;
      this.#describe(root, spec.root);
    }
    // Edges come last: they lead to records that now exist.
    for (const node of nodes)
      this.#connect({ record: this.#recordOf(node.hash), node, isOwn: node === spec.root });
  }

  /**
   * Takes over all records of another index as they are stored.
   * @throws MetadataError for an index of a format that is not written any more, and for a record that cannot be read.
   */
  keep(index: PackageIndex): void {
    const format = index.nodeFormat;
    if (format < OLDER.format) throw notKept(index.source, `its nodes have the format ${format}`);
    const stored = new Map<IndexRecord, readonly DagHash[]>();
    for (const { hash, inBuildcache, node } of index.storedRecords()) {
      if (this.#places.has(hash)) continue;
      const parsed = parseNode(parseJsonDocument(node, index.source), format, { source: index.source, hash });
      const offset = this.#spool.append(node);
      const record = {
        hash,
        offset,
        length: node.length,
        formatVersion: format,
        inBuildcache,
        edges: NO_EDGES,
      };
      this.#places.set(hash, this.#records.length);
      this.#records.push(record);
      if (inBuildcache) this.#packages++;
      const hashes = trackedEdges(parsed).map((edge) => edge.hash);
      if (hashes.length > 0) stored.set(record, hashes);
    }
    // Edges come last here, too.
    for (const [record, hashes] of stored)
      record.edges = Uint32Array.from(hashes, (hash) => this.#placeOf(hash));
  }

  /** The bytes of the index, the same for each call and for any order of adding packages. */
  *chunks(): Iterable<Uint8Array> {
    const isNewer = this.#oldestFormat === 5 || this.#records.some((record) => record.formatVersion > 4);
    const { version, format } = isNewer ? NEWER : OLDER;
    const counts = this.#countReferences();
    const order = [...this.#records.keys()].sort((a, b) => compareHashes(this.#hashAt(a), this.#hashAt(b)));
    const output = new ChunkedOutput();
    output.add(encodeUtf8(`{"database":{"version":"${version}","installs":{`));
    let separator = '';
    for (const place of order) {
      const record = this.#records[place];
      if (record === undefined) continue;
      output.add(encodeUtf8(`${separator}"${record.hash}":{"spec":`));
      output.add(this.#nodeBytes(record, format));
      output.add(encodeUtf8(`,"ref_count":${counts[place]},"in_buildcache":${record.inBuildcache}}`));
      separator = ',';
      if (output.length >= CHUNK_SIZE) yield output.take();
    }
    output.add(encodeUtf8('}}}'));
    yield output.take();
  }

  #create(node: SpecNode): void {
    const record = {
      hash: node.hash,
      offset: 0,
      length: 0,
      formatVersion: 0,
      inBuildcache: false,
      edges: NO_EDGES,
    };
    this.#places.set(node.hash, this.#records.length);
    this.#records.push(record);
    this.#describe(record, node);
  }

  #describe(record: IndexRecord, node: SpecNode): void {
    const format = node.formatVersion > 4 ? 5 : 4;
    const bytes = encodeUtf8(JSON.stringify(writeNode(node, format)));
    // Most packages were already added as a dependency, with the same node.
    if (
      record.length === bytes.length &&
      Buffer.compare(this.#spool.read(record.offset, record.length), bytes) === 0
    )
      return;
    record.offset = this.#spool.append(bytes);
    record.length = bytes.length;
    record.formatVersion = format;
    record.edges = NO_EDGES;
  }

  #connect({ record, node, isOwn }: RecordEdges): void {
    if (record.edges !== NO_EDGES || (record.inBuildcache && !isOwn)) return;
    const tracked = trackedEdges(node);
    if (tracked.length > 0) record.edges = Uint32Array.from(tracked, ({ hash }) => this.#placeOf(hash));
  }

  /** Counts the build, link and run edges of all records. */
  #countReferences(): Uint32Array {
    const counts = new Uint32Array(this.#records.length);
    for (const { edges } of this.#records)
      for (const place of edges) counts[place] = (counts[place] ?? 0) + 1;
    return counts;
  }

  #nodeBytes(record: IndexRecord, format: WritableFormat): Uint8Array {
    const bytes = this.#spool.read(record.offset, record.length);
    if (record.formatVersion === format) return bytes;
    const node = parseNode(JSON.parse(decodeUtf8(bytes)), record.formatVersion);
    return encodeUtf8(JSON.stringify(writeNode(node, format)));
  }

  #recordOf(hash: DagHash): IndexRecord {
    return this.#records[this.#placeOf(hash)] as IndexRecord; // since it has a place
  }

  /** @throws MetadataError for what an index that was kept names, and does not have. */
  #placeOf(hash: DagHash): number {
    const place = this.#places.get(hash);
    if (place === undefined) throw notKept(hash, 'another record depends on it, and it is not there');
    return place;
  }

  #hashAt(place: number): string {
    return this.#records[place]?.hash ?? '';
  }
}

const NO_EDGES = new Uint32Array(0);

/** Edges that are counted. */
function trackedEdges({ dependencies }: SpecNode) {
  return dependencies.filter(({ types }) => types.some((type) => type !== 'test'));
}

function notKept(source: string, reason: string): MetadataError {
  return new MetadataError('metadata-invalid', `Cannot keep "${source}" in an index: ${reason}`, {
    hint: 'Make the index anew from the packages',
    data: { source },
  });
}

function compareHashes(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/** Copies small pieces into one chunk. */
class ChunkedOutput {
  #buffer = new Uint8Array(CHUNK_SIZE + (CHUNK_SIZE >> 2));
  length = 0;

  add(bytes: Uint8Array): void {
    if (this.length + bytes.length > this.#buffer.length) this.#grow(this.length + bytes.length);
    this.#buffer.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** The bytes added since the last call; the view is valid until the next `add`. */
  take(): Uint8Array {
    const chunk = this.#buffer.subarray(0, this.length);
    this.length = 0;
    return chunk;
  }

  #grow(length: number): void {
    const larger = new Uint8Array(length * 2);
    larger.set(this.#buffer.subarray(0, this.length));
    this.#buffer = larger;
  }
}

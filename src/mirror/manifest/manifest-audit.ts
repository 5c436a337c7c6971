// What lies in a mirror of layout 3: manifests by name, and the blobs that they name.
import { parsePackageIndex } from '../../buildcache/index/package-index.js';
import { parseKeyIndex } from '../../buildcache/key-index.js';
import {
  type BlobRecord,
  type Manifest,
  parseManifest,
  requireRecord,
} from '../../buildcache/manifest/manifest.js';
import type { ContentKind } from '../../buildcache/manifest/media-types.js';
import type { WithSignal } from '../../core/with-signal.js';
import type { ListedObject, ObjectLister, ObjectStore, ObjectWriter } from '../../transport/object-store.js';
import { readAll, readBody } from '../../transport/read-object.js';
import { writePieces } from '../../transport/write-object.js';
import type { PackedIndex } from '../build-cache.js';
import type {
  AuditEntry,
  CacheAudit,
  ContentReference,
  IndexEntry,
  ReadIndex,
  RemovalNote,
  StoredContent,
  StoredThing,
  UnfinishedThing,
} from '../cache-audit.js';
import { storedThing } from '../stored-thing.js';
import { Blobs } from './blobs.js';
import {
  BLOBS,
  digestOfBlob,
  fingerprintOfKeyManifest,
  hashOfSpecManifest,
  INDEX_MANIFESTS,
  indexManifestPath,
  KEY_INDEX_MANIFEST,
  LAYOUT_PATH,
  MANIFESTS_ROOT,
  viewOfIndexManifest,
} from './paths.js';
import { noteRemoval } from './removal-notes.js';
import { LARGEST_MANIFEST, type SpecManifests } from './spec-manifests.js';
import { writeManifestIndex } from './write-content.js';

const LARGEST_INDEX = 2 ** 31 - 1;
const LARGEST_KEY = 16 << 20;
/** What could name a blob, in whatever a newer Spack may write. */
const DIGEST = /(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])/gi;

export interface ManifestAuditOptions {
  readonly store: ObjectStore;
  readonly lister: ObjectLister;
  readonly manifests: SpecManifests;
}

export class ManifestAudit implements CacheAudit {
  readonly layouts = '3';
  readonly #store: ObjectStore;
  readonly #lister: ObjectLister;
  readonly noteRemoval?: (options?: WithSignal) => Promise<RemovalNote>;
  readonly #manifests: SpecManifests;
  readonly #blobs: Blobs;

  constructor({ store, lister, manifests }: ManifestAuditOptions) {
    this.#store = store;
    this.#lister = lister;
    this.#manifests = manifests;
    this.#blobs = new Blobs(store);
    const { writer, isLocal } = store;
    if (writer && !isLocal) this.noteRemoval = (options) => noteRemoval({ lister, writer }, options);
  }

  async *entries(options: WithSignal = {}): AsyncIterable<AuditEntry> {
    for await (const listed of this.#list(MANIFESTS_ROOT, options)) yield this.#entryOf(listed);
    for await (const listed of this.#list(BLOBS, options))
      if (digestOfBlob(listed.path) === undefined)
        yield { ...storedThing(this.#store, listed), kind: 'other', isKnown: false };
  }

  async *contents(options: WithSignal = {}): AsyncIterable<StoredContent> {
    const store = this.#store;
    for await (const listed of this.#list(BLOBS, options)) {
      const { path } = listed;
      const id = digestOfBlob(path);
      if (id === undefined) continue;
      const open = (how: WithSignal = {}) => store.open(path, how);
      const { writer } = store;
      const restore =
        writer &&
        (async (pieces: AsyncIterable<Uint8Array>, how?: WithSignal) =>
          void (await writePieces(writer, { path, pieces }, how)));
      yield { ...storedThing(store, listed), id, open, ...(restore && { restore }) };
    }
  }

  async *views(options: WithSignal = {}): AsyncIterable<IndexEntry> {
    for await (const listed of this.#list(INDEX_MANIFESTS, options)) {
      const view = viewOfIndexManifest(listed.path);
      if (view) yield this.#indexEntry(listed.path, view, storedThing(this.#store, listed));
    }
  }

  async *unfinished(options: WithSignal = {}): AsyncIterable<UnfinishedThing> {
    const { writer } = this.#store;
    for (const folder of [BLOBS, MANIFESTS_ROOT])
      for await (const { path, ...object } of writer?.unfinished?.(folder, options) ?? [])
        yield { ...object, location: this.#store.location(path) };
  }

  async findIndex(view: string | undefined, options: WithSignal = {}): Promise<IndexEntry | undefined> {
    const path = indexManifestPath(view);
    const facts = await this.#store.stat(path, options);
    if (facts === undefined) return undefined;
    const thing = storedThing(this.#store, { path, size: facts.size, modified: undefined });
    return { ...this.#indexEntry(path, view, thing), foundTag: facts.tag };
  }

  #list(folder: string, { signal }: WithSignal): AsyncIterable<ListedObject> {
    return this.#lister.list(folder, { isRecursive: true, withSizes: true, signal });
  }

  #entryOf(listed: ListedObject): AuditEntry {
    const { path } = listed;
    const thing = {
      ...storedThing(this.#store, listed),
      mentions: (how?: WithSignal) => this.#mentions(path, how),
    };
    const hash = hashOfSpecManifest(path);
    if (hash !== undefined) return this.#packageEntry(path, hash, thing);
    const view = viewOfIndexManifest(path);
    if (view !== undefined) return this.#indexEntry(path, view === '' ? undefined : view, thing);
    if (path === KEY_INDEX_MANIFEST) return this.#keyIndexEntry(path, thing);
    const fingerprint = fingerprintOfKeyManifest(path);
    if (fingerprint !== undefined) return this.#keyEntry(path, fingerprint, thing);
    return { ...thing, kind: 'other', isKnown: path === LAYOUT_PATH };
  }

  #packageEntry(path: string, hash: string, thing: StoredThing): AuditEntry {
    return {
      ...thing,
      kind: 'package',
      hash,
      isSigned: undefined,
      read: async (options) => {
        const manifest = await this.#manifests.readManifest(path, options);
        const records = [requireRecord(manifest, 'tarball'), requireRecord(manifest, 'spec')];
        return {
          references: this.#references(records),
          spec: (how = {}) => this.#manifests.readSpecBlob(manifest, how),
        };
      },
    };
  }

  #indexEntry(path: string, view: string | undefined, thing: StoredThing): IndexEntry {
    const { writer } = this.#store;
    const write =
      writer &&
      ((index: PackedIndex, { tag }: Pick<ReadIndex, 'tag'>, how?: WithSignal) =>
        this.#writeIndex({ writer, path, index, tag, ...how }));
    return {
      ...thing,
      kind: 'index',
      view,
      ...(write && { rewrite: write }),
      read: async (how = {}) => {
        const { content, records, tag, source } = await this.#readNamed(path, 'index', {
          limit: LARGEST_INDEX,
          ...how,
        });
        const [{ size, sha256 }] = records;
        const packages = parsePackageIndex(content, source);
        return { references: this.#references(records), packages, size, sha256, tag };
      },
    };
  }

  #keyEntry(path: string, fingerprint: string, thing: StoredThing): AuditEntry {
    return {
      ...thing,
      kind: 'key',
      fingerprint,
      read: async (how = {}) => {
        const { content, records } = await this.#readNamed(path, 'key', { limit: LARGEST_KEY, ...how });
        return { references: this.#references(records), bytes: content };
      },
    };
  }

  #keyIndexEntry(path: string, thing: StoredThing): AuditEntry {
    return {
      ...thing,
      kind: 'key index',
      read: async (how = {}) => {
        const { content, records, source } = await this.#readNamed(path, 'key index', {
          limit: LARGEST_KEY,
          ...how,
        });
        return { references: this.#references(records), fingerprints: parseKeyIndex(content, source) };
      },
    };
  }

  async #readNamed(
    path: string,
    kind: ContentKind,
    { limit, signal }: WithSignal & { readonly limit: number },
  ) {
    const opened = await this.#store.open(path, { signal });
    const bytes = await readBody(opened, { limit: LARGEST_MANIFEST, signal });
    const source = this.#store.location(path);
    const manifest: Manifest = parseManifest(bytes, source);
    const record = requireRecord(manifest, kind);
    const content = await this.#blobs.read(record, source, { limit, signal });
    return { content, records: [record] as const, tag: opened.tag, source: this.#blobs.location(record) };
  }

  #references(records: readonly BlobRecord[]): ContentReference[] {
    return records.map((record) => {
      const { kind, size, sha256 } = record;
      return { id: sha256, location: this.#blobs.location(record), kind, size, sha256 };
    });
  }

  /** Everything in a manifest that looks like a digest. */
  async #mentions(path: string, { signal }: WithSignal = {}): Promise<ReadonlySet<string>> {
    const bytes = await readAll(this.#store, path, { limit: LARGEST_MANIFEST, signal });
    const text = Buffer.from(bytes).toString('latin1');
    return new Set([...text.matchAll(DIGEST)].map(([digest]) => digest.toLowerCase()));
  }

  async #writeIndex({ tag, ...written }: IndexWriting): Promise<void> {
    const condition = tag === undefined ? undefined : { ifTag: tag };
    await writeManifestIndex({ store: this.#store, condition, ...written });
  }
}

interface IndexWriting extends WithSignal {
  readonly writer: ObjectWriter;
  readonly path: string;
  readonly index: PackedIndex;
  readonly tag: string | undefined;
}

// What lies in a mirror of the layouts 0 to 2: specfiles, and the tarballs that belong to them by name.
import { createHash } from 'node:crypto';
import { parsePackageIndex } from '../../buildcache/index/package-index.js';
import { fingerprintOfKeyFile, parseKeyIndex } from '../../buildcache/key-index.js';
import { parseSpecfile, requireChecksum, type Specfile } from '../../buildcache/specfile/specfile.js';
import { IntegrityError } from '../../core/errors.js';
import type { WithSignal } from '../../core/with-signal.js';
import type { ListedObject, ObjectLister, ObjectStore } from '../../transport/object-store.js';
import { isNotFound, readAll, readBody } from '../../transport/read-object.js';
import type { DescribeOptions, PackedIndex } from '../build-cache.js';
import type {
  AuditEntry,
  CacheAudit,
  ContentReference,
  IndexEntry,
  ReadIndex,
  ReadPackage,
  StoredContent,
  StoredThing,
} from '../cache-audit.js';
import { storedThing } from '../stored-thing.js';
import {
  INDEX_HASH_PATH,
  INDEX_PATH,
  KEY_INDEX_PATH,
  KEYS_ROOT,
  LARGEST_SPECFILE,
  SIGNED_SPECFILE_ENDING,
  SPECFILE_ENDING,
  SPECFILES_ROOT,
  TARBALL_ENDING,
  tarballPath,
} from './paths.js';
import { writeClassicIndex } from './write-classic-index.js';

const LARGEST_INDEX = 2 ** 31 - 1;
const LARGEST_HASH_FILE = 4096;
const LARGEST_KEY = 16 << 20;

export interface ClassicAuditOptions {
  readonly store: ObjectStore;
  readonly lister: ObjectLister;
}

export class ClassicAudit implements CacheAudit {
  readonly layouts = '0-2';
  readonly #store: ObjectStore;
  readonly #lister: ObjectLister;

  constructor({ store, lister }: ClassicAuditOptions) {
    this.#store = store;
    this.#lister = lister;
  }

  async *entries(options: WithSignal = {}): AsyncIterable<AuditEntry> {
    for await (const listed of this.#list(options))
      if (!listed.path.endsWith(TARBALL_ENDING)) yield this.#entryOf(listed);
  }

  async *contents(options: WithSignal = {}): AsyncIterable<StoredContent> {
    const store = this.#store;
    for await (const listed of this.#list(options)) {
      const { path } = listed;
      if (!path.endsWith(TARBALL_ENDING)) continue;
      const open = (how: WithSignal = {}) => store.open(path, how);
      yield { ...storedThing(store, listed), id: path, package: hashInName(path, TARBALL_ENDING), open };
    }
  }

  async findIndex(view: string | undefined, options: WithSignal = {}): Promise<IndexEntry | undefined> {
    const facts = view === undefined ? await this.#store.stat(INDEX_PATH, options) : undefined;
    if (facts === undefined) return undefined;
    const found = { path: INDEX_PATH, size: facts.size, modified: undefined };
    return { ...this.#indexEntry(storedThing(this.#store, found)), foundTag: facts.tag };
  }

  #list({ signal }: WithSignal): AsyncIterable<ListedObject> {
    return this.#lister.list(SPECFILES_ROOT, { isRecursive: true, withSizes: true, signal });
  }

  #entryOf(listed: ListedObject): AuditEntry {
    const { path } = listed;
    const thing = storedThing(this.#store, listed);
    if (path === INDEX_PATH) return this.#indexEntry(thing);
    if (path === INDEX_HASH_PATH) return { ...thing, kind: 'other', isKnown: true };
    if (path === KEY_INDEX_PATH) return this.#keyIndexEntry(thing);
    if (path.startsWith(`${KEYS_ROOT}/`)) return this.#keyEntry(path, thing);
    const ending = [SIGNED_SPECFILE_ENDING, SPECFILE_ENDING].find((each) => path.endsWith(each));
    const isDirect = path.lastIndexOf('/') === SPECFILES_ROOT.length;
    if (ending === undefined || !isDirect) return { ...thing, kind: 'other', isKnown: false };
    return this.#packageEntry(path, ending, thing);
  }

  #indexEntry(thing: StoredThing): IndexEntry {
    const { writer } = this.#store;
    const rewrite =
      writer &&
      ((index: PackedIndex, { tag }: Pick<ReadIndex, 'tag'>, how?: WithSignal) => {
        const condition = tag === undefined ? undefined : { ifTag: tag };
        return writeClassicIndex({ writer, index, condition, ...how });
      });
    const read = (how?: WithSignal) => this.#readIndex(how);
    return { ...thing, kind: 'index', view: undefined, ...(rewrite && { rewrite }), read };
  }

  #packageEntry(path: string, ending: string, thing: StoredThing): AuditEntry {
    const isSigned = ending === SIGNED_SPECFILE_ENDING;
    return {
      ...thing,
      kind: 'package',
      hash: hashInName(path, ending),
      isSigned,
      read: (options) => this.#readPackage(path, { ...options, isSigned }),
    };
  }

  async #readPackage(
    path: string,
    options: DescribeOptions & { readonly isSigned: boolean },
  ): Promise<ReadPackage> {
    const { isSigned, trust, signal } = options;
    const location = this.#store.location(path);
    const bytes = await readAll(this.#store, path, { limit: LARGEST_SPECFILE, signal });
    const text = isSigned ? (await trust.open(bytes, location)).text : bytes;
    const specfile = parseSpecfile(text, location);
    // In layout 0 the signature may lie beside the tarball proper.
    if (!isSigned && specfile.layoutVersion > 0) await trust.openDetached(text, undefined, location);
    return { references: [this.#tarballOf(specfile)], spec: async () => specfile.spec };
  }

  /** In layout 0 the checksum is that of the tarball inside. */
  #tarballOf(specfile: Specfile): ContentReference {
    const { spec, layoutVersion } = specfile;
    const id = tarballPath(spec.root, spec);
    const sha256 = layoutVersion === 0 ? undefined : requireChecksum(specfile);
    return { id, location: this.#store.location(id), kind: 'tarball', size: undefined, sha256 };
  }

  async #readIndex({ signal }: WithSignal = {}): Promise<ReadIndex> {
    const location = this.#store.location(INDEX_PATH);
    const opened = await this.#store.open(INDEX_PATH, { signal });
    const bytes = await readBody(opened, { limit: LARGEST_INDEX, signal });
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    await this.#checkHashFile(sha256, { signal });
    const packages = parsePackageIndex(bytes, location);
    return { references: [], packages, size: bytes.length, sha256, tag: opened.tag };
  }

  /** An index without a hash file is fine: readers then fetch it each time. */
  async #checkHashFile(actual: string, { signal }: WithSignal): Promise<void> {
    const how = { limit: LARGEST_HASH_FILE, signal };
    const bytes = await readAll(this.#store, INDEX_HASH_PATH, how).catch((error: unknown) => {
      if (isNotFound(error)) return undefined;
      throw error;
    });
    const expected = bytes && Buffer.from(bytes).toString('latin1').trim();
    if (expected === undefined || expected === actual) return;
    const location = this.#store.location(INDEX_HASH_PATH);
    throw new IntegrityError(
      'checksum-mismatch',
      `Cannot rely on "${location}": it names another index than the one that is there`,
      { hint: 'Update the index', data: { location, expected: expected.slice(0, 80), actual } },
    );
  }

  #keyEntry(path: string, thing: StoredThing): AuditEntry {
    const fingerprint = fingerprintOfKeyFile(path.slice(KEYS_ROOT.length + 1));
    if (fingerprint === undefined) return { ...thing, kind: 'other', isKnown: false };
    const read = async ({ signal }: WithSignal = {}) => {
      const bytes = await readAll(this.#store, path, { limit: LARGEST_KEY, signal });
      return { references: [], bytes };
    };
    return { ...thing, kind: 'key', fingerprint, read };
  }

  #keyIndexEntry(thing: StoredThing): AuditEntry {
    const read = async ({ signal }: WithSignal = {}) => {
      const bytes = await readAll(this.#store, KEY_INDEX_PATH, { limit: LARGEST_KEY, signal });
      return { references: [], fingerprints: parseKeyIndex(bytes, thing.location) };
    };
    return { ...thing, kind: 'key index', read };
  }
}

function hashInName(path: string, ending: string): string {
  return path.slice(path.lastIndexOf('-') + 1, -ending.length);
}

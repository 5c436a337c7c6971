// The public keys of a mirror of layout 3: a manifest and a blob for each, and for their index.
import { formatKeyIndex, isFingerprint, parseKeyIndex } from '../../buildcache/key-index.js';
import { parseManifest, requireRecord } from '../../buildcache/manifest/manifest.js';
import type { ContentKind } from '../../buildcache/manifest/media-types.js';
import type { WithSignal } from '../../core/with-signal.js';
import type { ObjectLister, ObjectStore, ObjectWriter } from '../../transport/object-store.js';
import { isNotFound, readAll } from '../../transport/read-object.js';
import type { KeyPublisher, KeyShelf, ShelvedKey } from '../build-cache.js';
import { Blobs } from './blobs.js';
import { fingerprintOfKeyManifest, KEY_INDEX_MANIFEST, KEY_MANIFESTS, keyManifestPath } from './paths.js';
import { LARGEST_MANIFEST } from './spec-manifests.js';
import { writeContent } from './write-content.js';

const LARGEST_KEY_INDEX = 1 << 20;
/** Public keys with many signatures have some hundred kilobytes. */
const LARGEST_PUBLIC_KEY = 16 << 20;

export class ManifestKeys implements KeyShelf {
  readonly #store: ObjectStore;

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  async list({ signal }: WithSignal = {}): Promise<readonly ShelvedKey[]> {
    const request = { store: this.#store, path: KEY_INDEX_MANIFEST, kind: 'key index', signal } as const;
    try {
      const bytes = await readNamed({ ...request, limit: LARGEST_KEY_INDEX });
      const fingerprints = parseKeyIndex(bytes, this.#store.location(KEY_INDEX_MANIFEST));
      return fingerprints.map((fingerprint) => shelvedKey(this.#store, fingerprint));
    } catch (error) {
      if (isNotFound(error)) return [];
      throw error;
    }
  }
}

export interface ManifestKeyPublisherOptions {
  readonly store: ObjectStore;
  readonly writer: ObjectWriter;
  /** Makes the place known as one of this layout. */
  readonly ensureLayout: (options: WithSignal) => Promise<void>;
}

export class ManifestKeyPublisher implements KeyPublisher {
  readonly files?: (options?: WithSignal) => AsyncIterable<ShelvedKey>;
  readonly #store: ObjectStore;
  readonly #writer: ObjectWriter;

  readonly #ensureLayout: (options: WithSignal) => Promise<void>;

  constructor({ store, writer, ensureLayout }: ManifestKeyPublisherOptions) {
    this.#store = store;
    this.#writer = writer;
    this.#ensureLayout = ensureLayout;
    const { lister } = store;
    if (lister !== undefined) this.files = (options) => keyFiles(store, lister, options);
  }

  async write(
    { fingerprint, armored }: { readonly fingerprint: string; readonly armored: Uint8Array },
    options: WithSignal = {},
  ): Promise<void> {
    const { path, kind } = { path: keyManifestPath(fingerprint), kind: 'key' } as const;
    await this.#ensureLayout(options);
    await writeContent({
      store: this.#store,
      writer: this.#writer,
      path,
      kind,
      content: armored,
      ...options,
    });
  }

  async writeIndex(fingerprints: readonly string[], options: WithSignal = {}): Promise<void> {
    const content = formatKeyIndex(fingerprints);
    const kind = 'key index';
    await writeContent({
      store: this.#store,
      writer: this.#writer,
      path: KEY_INDEX_MANIFEST,
      kind,
      content,
      ...options,
    });
  }
}

async function* keyFiles(
  store: ObjectStore,
  lister: ObjectLister,
  options: WithSignal = {},
): AsyncIterable<ShelvedKey> {
  for await (const { path } of lister.list(KEY_MANIFESTS, options)) {
    const fingerprint = fingerprintOfKeyManifest(path);
    if (fingerprint !== undefined && isFingerprint(fingerprint)) yield shelvedKey(store, fingerprint);
  }
}

function shelvedKey(store: ObjectStore, fingerprint: string): ShelvedKey {
  const path = keyManifestPath(fingerprint);
  const read = ({ signal }: WithSignal = {}) =>
    readNamed({ store, path, kind: 'key', limit: LARGEST_PUBLIC_KEY, signal });
  return { fingerprint, location: store.location(path), read };
}

interface NamedContent extends WithSignal {
  readonly store: ObjectStore;
  /** Of the manifest. */
  readonly path: string;
  readonly kind: ContentKind;
  readonly limit: number;
}

/** The content that the manifest of a name stands for; `mirror-not-found` where there is no such manifest. */
async function readNamed({ store, path, kind, limit, signal }: NamedContent): Promise<Uint8Array> {
  const bytes = await readAll(store, path, { limit: LARGEST_MANIFEST, signal });
  const record = requireRecord(parseManifest(bytes, store.location(path)), kind);
  return new Blobs(store).read(record, store.location(path), { limit, signal });
}

// The public keys of a build cache in a registry, where Spack has none: one artifact with a tag, a layer for each key, and the index that
// names those that are offered in place of its config.

import { type ImageContent, parseImageManifest } from '../../buildcache/image/image-manifest.js';
import { KEY_COLLECTION, KEY_INDEX, OCI_MANIFEST, PUBLIC_KEY } from '../../buildcache/image/media-types.js';
import { KEYS_TAG } from '../../buildcache/image/tags.js';
import { fingerprintOfKeyFile, formatKeyIndex, parseKeyIndex } from '../../buildcache/key-index.js';
import { encodeUtf8 } from '../../core/bytes.js';
import { MirrorError } from '../../core/errors.js';
import type { WithSignal } from '../../core/with-signal.js';
import { JsonFact } from '../../spec/json/json-fact.js';
import type { JsonObject } from '../../spec/spec.js';
import type { Repository } from '../../transport/oci/repository.js';
import type { KeyPublisher, KeyShelf, ShelvedKey } from '../build-cache.js';
import { readContent } from './content/registry-content.js';
import { writeBlob } from './content/write-blob.js';

/** The name of the file that a layer is (OCI image specification 1.1, "Pre-Defined Annotation Keys"). */
const TITLE = 'org.opencontainers.image.title';
const LARGEST_KEY_INDEX = 1 << 20;
/** Public keys with many signatures have some hundred kilobytes. */
const LARGEST_PUBLIC_KEY = 16 << 20;
/** Nothing keeps others from writing at the same time: what they overwrite is written again. */
const ATTEMPTS = 20;

/** The artifact as it is. */
interface KeyCollection {
  readonly source: string;
  readonly fingerprints: readonly string[];
  /** By upper-case fingerprint. */
  readonly keys: ReadonlyMap<string, ImageContent>;
}

const NOTHING: KeyCollection = { source: '', fingerprints: [], keys: new Map() };

export class OciKeys implements KeyShelf {
  readonly #repository: Repository;

  constructor(repository: Repository) {
    this.#repository = repository;
  }

  async list(options: WithSignal = {}): Promise<readonly ShelvedKey[]> {
    const collection = await readCollection(this.#repository, options);
    return collection.fingerprints.flatMap((fingerprint) => {
      const key = collection.keys.get(fingerprint.toUpperCase());
      return key === undefined ? [] : [shelvedKey(this.#repository, { collection, fingerprint, key })];
    });
  }
}

export class OciKeyPublisher implements KeyPublisher {
  readonly #repository: Repository;

  constructor(repository: Repository) {
    this.#repository = repository;
  }

  async write(
    { fingerprint, armored }: { readonly fingerprint: string; readonly armored: Uint8Array },
    options: WithSignal = {},
  ): Promise<void> {
    const blob = await writeBlob(this.#repository, armored, options);
    const layer = {
      mediaType: PUBLIC_KEY,
      ...blob,
      annotations: { [TITLE]: `${fingerprint.toUpperCase()}.pub` },
    };
    const key = { mediaType: PUBLIC_KEY, ...blob, raw: layer };
    await this.#change(options, {
      isDone: ({ keys }) => keys.get(fingerprint.toUpperCase())?.digest === blob.digest,
      change: ({ keys, ...collection }) => ({
        ...collection,
        keys: new Map([...keys, [fingerprint.toUpperCase(), key]]),
      }),
    });
  }

  async *files(options: WithSignal = {}): AsyncIterable<ShelvedKey> {
    const collection = await readCollection(this.#repository, options);
    for (const [fingerprint, key] of collection.keys)
      yield shelvedKey(this.#repository, { collection, fingerprint, key });
  }

  async writeIndex(fingerprints: readonly string[], options: WithSignal = {}): Promise<void> {
    const wanted = formatKeyIndex(fingerprints);
    await this.#change(options, {
      isDone: (there) => Buffer.compare(formatKeyIndex(there.fingerprints), wanted) === 0,
      change: (collection) => ({ ...collection, fingerprints }),
    });
  }

  async #change(options: WithSignal, { isDone, change }: Change): Promise<void> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const collection = await readCollection(this.#repository, options);
      if (isDone(collection)) return;
      options.signal?.throwIfAborted();
      await this.#write(change(collection), options);
    }
    throw new MirrorError(
      'mirror-changed',
      `Cannot write the keys of "${this.#repository.url}": others write them again and again`,
      { hint: 'Run the command again', retryable: true, data: { mirror: this.#repository.url } },
    );
  }

  async #write({ fingerprints, keys }: KeyCollection, options: WithSignal): Promise<void> {
    const index = await writeBlob(this.#repository, formatKeyIndex(fingerprints), options);
    const layers = [...keys.values()].map(({ raw }) => raw);
    const bytes = encodeUtf8(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: OCI_MANIFEST,
        artifactType: KEY_COLLECTION,
        config: { mediaType: KEY_INDEX, ...index },
        layers,
      }),
    );
    await this.#repository.manifests.put(KEYS_TAG, { bytes, mediaType: OCI_MANIFEST }, options);
  }
}

interface Change {
  readonly isDone: (there: KeyCollection) => boolean;
  readonly change: (there: KeyCollection) => KeyCollection;
}

async function readCollection(repository: Repository, { signal }: WithSignal): Promise<KeyCollection> {
  const stored = await repository.manifests.get(KEYS_TAG, { signal });
  if (stored === undefined) return NOTHING;
  const source = stored.location;
  const { config, layers } = parseImageManifest(stored);
  const named = { repository, content: config, kind: 'key index', manifest: source };
  const index = await readContent(named, { limit: LARGEST_KEY_INDEX, signal });
  const keys = new Map<string, ImageContent>();
  for (const layer of layers) {
    const fingerprint = fingerprintOfKeyFile(titleOf(layer.raw, source));
    if (fingerprint !== undefined) keys.set(fingerprint.toUpperCase(), layer);
  }
  return { source, fingerprints: parseKeyIndex(index, source), keys };
}

function titleOf(raw: JsonObject, source: string): string {
  return new JsonFact(raw, source).find('annotations')?.find(TITLE)?.text() ?? '';
}

interface KeyInCollection {
  readonly collection: KeyCollection;
  readonly fingerprint: string;
  readonly key: ImageContent;
}

function shelvedKey(repository: Repository, { collection, fingerprint, key }: KeyInCollection): ShelvedKey {
  const named = { repository, content: key, kind: 'key', manifest: collection.source };
  return {
    fingerprint,
    location: repository.location(key.digest),
    read: ({ signal } = {}) => readContent(named, { limit: LARGEST_PUBLIC_KEY, signal }),
  };
}

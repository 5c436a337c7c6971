// The public keys beside the packages (Spack `get_keys`, `push_keys`, `generate_key_index`).
import { fingerprintOfKeyFile, formatKeyIndex, parseKeyIndex } from '../../buildcache/key-index.js';
import type { WithSignal } from '../../core/with-signal.js';
import type { ObjectLister, ObjectStore, ObjectWriter } from '../../transport/object-store.js';
import { isNotFound, readAll } from '../../transport/read-object.js';
import { writeObject } from '../../transport/write-object.js';
import type { KeyPublisher, KeyShelf, ShelvedKey } from '../build-cache.js';
import { KEY_INDEX_PATH, KEYS_ROOT, keyPath } from './paths.js';

const LARGEST_KEY_INDEX = 1 << 20;
/** Public keys with many signatures have some hundred kilobytes. */
const LARGEST_PUBLIC_KEY = 16 << 20;

export class ClassicKeys implements KeyShelf {
  readonly #store: ObjectStore;

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  async list({ signal }: WithSignal = {}): Promise<readonly ShelvedKey[]> {
    const store = this.#store;
    try {
      const bytes = await readAll(store, KEY_INDEX_PATH, { limit: LARGEST_KEY_INDEX, signal });
      const fingerprints = parseKeyIndex(bytes, store.location(KEY_INDEX_PATH));
      return fingerprints.map((fingerprint) => shelvedKey(store, fingerprint));
    } catch (error) {
      if (isNotFound(error)) return [];
      throw error;
    }
  }
}

export class ClassicKeyPublisher implements KeyPublisher {
  readonly files?: (options?: WithSignal) => AsyncIterable<ShelvedKey>;
  readonly #writer: ObjectWriter;

  constructor(store: ObjectStore, writer: ObjectWriter) {
    this.#writer = writer;
    const { lister } = store;
    if (lister !== undefined) this.files = (options) => keyFiles(store, lister, options);
  }

  async write(
    { fingerprint, armored }: { readonly fingerprint: string; readonly armored: Uint8Array },
    options: WithSignal = {},
  ): Promise<void> {
    await writeObject(this.#writer, { path: keyPath(fingerprint), bytes: armored }, options);
  }

  async writeIndex(fingerprints: readonly string[], options: WithSignal = {}): Promise<void> {
    const bytes = formatKeyIndex(fingerprints);
    await writeObject(this.#writer, { path: KEY_INDEX_PATH, bytes }, options);
  }
}

async function* keyFiles(
  store: ObjectStore,
  lister: ObjectLister,
  options: WithSignal = {},
): AsyncIterable<ShelvedKey> {
  for await (const { path } of lister.list(KEYS_ROOT, options)) {
    const fingerprint = fingerprintOfKeyFile(path.slice(KEYS_ROOT.length + 1));
    if (fingerprint !== undefined) yield shelvedKey(store, fingerprint);
  }
}

function shelvedKey(store: ObjectStore, fingerprint: string): ShelvedKey {
  const path = keyPath(fingerprint);
  const read = ({ signal }: WithSignal = {}) => readAll(store, path, { limit: LARGEST_PUBLIC_KEY, signal });
  return { fingerprint, location: store.location(path), read };
}

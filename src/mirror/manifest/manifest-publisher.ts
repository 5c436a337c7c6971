// Publishes packages, indexes and keys in layout 3.
import { LAYOUT_3_ARCHIVE } from '../../buildcache/archive-rules.js';
import type { BlobRecord } from '../../buildcache/manifest/manifest.js';
import { formatManifest } from '../../buildcache/manifest/write-manifest.js';
import { encodeUtf8 } from '../../core/bytes.js';
import type { WithSignal } from '../../core/with-signal.js';
import type { Spec } from '../../spec/spec.js';
import type { ObjectStore, ObjectWriter } from '../../transport/object-store.js';
import { writeObject } from '../../transport/write-object.js';
import type { KeyPublisher, PackedIndex, Publication, Publisher } from '../build-cache.js';
import { Blobs } from './blobs.js';
import { ManifestKeyPublisher } from './manifest-keys.js';
import { ManifestPublication } from './manifest-publication.js';
import { blobPath, indexManifestPath, LAYOUT_PATH, LAYOUT_TEXT, specManifestPath } from './paths.js';

export interface ManifestPublisherOptions {
  readonly store: ObjectStore;
  readonly writer: ObjectWriter;
  readonly view: string | undefined;
}

export class ManifestPublisher implements Publisher {
  readonly archive = LAYOUT_3_ARCHIVE;
  readonly indexFormat = 5;
  readonly keys: KeyPublisher;
  readonly #store: ObjectStore;
  readonly #writer: ObjectWriter;
  readonly #view: string | undefined;
  #layout: Promise<void> | undefined;

  constructor({ store, writer, view }: ManifestPublisherOptions) {
    this.keys = new ManifestKeyPublisher(store, writer);
    this.#store = store;
    this.#writer = writer;
    this.#view = view;
  }

  /** A manifest is written last: what it names is there. */
  async has(spec: Spec, options: WithSignal = {}): Promise<boolean> {
    return (await this.#store.stat(specManifestPath(spec.root), options)) !== undefined;
  }

  async begin(spec: Spec, options: WithSignal = {}): Promise<Publication> {
    const tarball = await this.#writer.begin(options);
    const ensureLayout = (how: WithSignal) => this.#ensureLayout(how);
    return new ManifestPublication({ store: this.#store, writer: this.#writer, tarball, spec, ensureLayout });
  }

  async writeIndex(index: PackedIndex, options: WithSignal = {}): Promise<void> {
    const { sha256, size } = index;
    const record: BlobRecord = { kind: 'index', size, compression: 'none', sha256 };
    if (!(await new Blobs(this.#store).has(record, options)))
      await this.#writeIndexBlob(record, index, options);
    await this.#ensureLayout(options);
    const manifest = { path: indexManifestPath(this.#view), bytes: formatManifest([record]) };
    await writeObject(this.#writer, manifest, options);
  }

  async #writeIndexBlob(record: BlobRecord, index: PackedIndex, options: WithSignal): Promise<void> {
    const pending = await this.#writer.begin({ path: blobPath(record.sha256), ...options });
    try {
      for (const chunk of index.chunks()) {
        options.signal?.throwIfAborted();
        await pending.write(chunk);
      }
      await new Blobs(this.#store).keep(pending, record, options);
    } finally {
      await pending.discard();
    }
  }

  /** Once in the life of a mirror. */
  #ensureLayout(options: WithSignal): Promise<void> {
    this.#layout ??= this.#writeLayout(options).catch((error: unknown) => {
      this.#layout = undefined;
      throw error;
    });
    return this.#layout;
  }

  async #writeLayout(options: WithSignal): Promise<void> {
    if ((await this.#store.stat(LAYOUT_PATH, options)) !== undefined) return;
    await writeObject(this.#writer, { path: LAYOUT_PATH, bytes: encodeUtf8(LAYOUT_TEXT) }, options);
  }
}

// Publishes packages, indexes and keys in layout 3.
import { LAYOUT_3_ARCHIVE } from '../../buildcache/archive-rules.js';
import { encodeUtf8 } from '../../core/bytes.js';
import type { WithSignal } from '../../core/with-signal.js';
import type { DagHash, Spec } from '../../spec/spec.js';
import type { ObjectStore, ObjectWriter } from '../../transport/object-store.js';
import { writeObject } from '../../transport/write-object.js';
import type {
  BeginPackageOptions,
  CopyPlan,
  IndexWriteOptions,
  KeyPublisher,
  PackageCopy,
  PackedIndex,
  Publication,
  Publisher,
  StoredFile,
} from '../build-cache.js';
import { Blobs } from './blobs.js';
import { ManifestCopies } from './manifest-copies.js';
import { ManifestKeyPublisher } from './manifest-keys.js';
import { ManifestPublication } from './manifest-publication.js';
import { indexManifestPath, LAYOUT_PATH, LAYOUT_TEXT, specManifestPath } from './paths.js';
import { UnsettledPackages } from './unsettled-packages.js';
import { writeManifestIndex } from './write-content.js';
import type { NewBlob } from './write-named-blobs.js';

export interface ManifestPublisherOptions {
  readonly store: ObjectStore;
  readonly writer: ObjectWriter;
  readonly view: string | undefined;
}

export class ManifestPublisher implements Publisher {
  readonly layout = 3;
  readonly archive = LAYOUT_3_ARCHIVE;
  readonly indexFormat = 5;
  readonly keys: KeyPublisher;
  readonly #store: ObjectStore;
  readonly #writer: ObjectWriter;
  readonly #copies: ManifestCopies;
  readonly #view: string | undefined;
  readonly #unsettled: UnsettledPackages;
  #layout: Promise<void> | undefined;

  /** Once in the life of a mirror. */
  readonly #ensureLayout = (options: WithSignal): Promise<void> => {
    this.#layout ??= this.#writeLayout(options).catch((error: unknown) => {
      this.#layout = undefined;
      throw error;
    });
    return this.#layout;
  };

  constructor({ store, writer, view }: ManifestPublisherOptions) {
    this.keys = new ManifestKeyPublisher({ store, writer, ensureLayout: this.#ensureLayout });
    this.#copies = new ManifestCopies({ store, writer, ensureLayout: this.#ensureLayout });
    this.#store = store;
    this.#writer = writer;
    this.#view = view;
    this.#unsettled = new UnsettledPackages({ store, writer });
  }

  /** A manifest is written last: what it names is there. */
  async has(spec: Spec, options: WithSignal = {}): Promise<boolean> {
    return (await this.#store.stat(specManifestPath(spec.root), options)) !== undefined;
  }

  compare(files: readonly StoredFile[], options: WithSignal = {}): Promise<CopyPlan> {
    return this.#copies.compare(files, options);
  }

  copy(copy: PackageCopy, options: WithSignal = {}): Promise<CopyPlan> {
    return this.#copies.copy(copy, options);
  }

  async begin(
    spec: Spec,
    { tarball: known, isSettledLater, signal }: BeginPackageOptions = {},
  ): Promise<Publication> {
    const before = isSettledLater ? await this.#unsettled.before({ signal }) : undefined;
    const [hash, manifestPath] = [spec.root.hash, specManifestPath(spec.root)];
    const settleLater =
      before && ((blobs: readonly NewBlob[]) => this.#unsettled.add({ hash, manifestPath, blobs, before }));
    const hasTarball = known !== undefined && (await new Blobs(this.#store).has(known, { signal }));
    const tarball = hasTarball ? undefined : await this.#writer.begin({ isRepeatable: true, signal });
    return new ManifestPublication({
      store: this.#store,
      writer: this.#writer,
      tarball,
      spec,
      ensureLayout: this.#ensureLayout,
      settleLater,
    });
  }

  settle(): Promise<readonly DagHash[]> {
    return this.#unsettled.settle();
  }

  async writeIndex(index: PackedIndex, { signal, mustBeNew }: IndexWriteOptions = {}): Promise<void> {
    const place = { store: this.#store, writer: this.#writer, path: indexManifestPath(this.#view) };
    const condition = mustBeNew ? 'absent' : undefined;
    await writeManifestIndex({ ...place, index, ensureLayout: this.#ensureLayout, condition, signal });
  }

  async #writeLayout(options: WithSignal): Promise<void> {
    if ((await this.#store.stat(LAYOUT_PATH, options)) !== undefined) return;
    await writeObject(this.#writer, { path: LAYOUT_PATH, bytes: encodeUtf8(LAYOUT_TEXT) }, options);
  }
}

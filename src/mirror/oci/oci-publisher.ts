// Publishes packages, indexes and keys in a registry, as Spack does; and what it cannot, signatures and keys.
import {
  type ArchiveRules,
  LAYOUT_1_ARCHIVE,
  LAYOUT_2_ARCHIVE,
  LAYOUT_3_ARCHIVE,
} from '../../buildcache/archive-rules.js';
import { packageTag, requireImageTag } from '../../buildcache/image/tags.js';
import type { WithSignal } from '../../core/with-signal.js';
import type { Spec } from '../../spec/spec.js';
import type { Repository } from '../../transport/oci/repository.js';
import type {
  BeginPackageOptions,
  CopyPlan,
  IndexWriteOptions,
  KeyPublisher,
  NamedImage,
  PackageCopy,
  PackedIndex,
  Publication,
  PublishedImage,
  PublishedLayout,
  Publisher,
  StoredFile,
} from '../build-cache.js';
import { hasBlob } from './content/write-blob.js';
import { type BaseImageSource, BaseImages } from './images/base-image.js';
import { ImageLayers } from './images/image-layers.js';
import { makeImage } from './images/make-image.js';
import { OciCopies } from './oci-copies.js';
import { OciKeyPublisher } from './oci-keys.js';
import { OciPublication } from './oci-publication.js';
import { writeImageIndex } from './write-image-index.js';

export interface OciPublisherOptions {
  readonly repository: Repository;
  /** Of what is published. */
  readonly layout: PublishedLayout;
  /** What images are made upon; nothing by default. */
  readonly baseImage?: BaseImageSource | undefined;
}

const ARCHIVES: Readonly<Record<PublishedLayout, ArchiveRules>> = {
  1: LAYOUT_1_ARCHIVE,
  2: LAYOUT_2_ARCHIVE,
  3: LAYOUT_3_ARCHIVE,
};

export class OciPublisher implements Publisher {
  readonly layout: PublishedLayout;
  readonly archive: ArchiveRules;
  readonly indexFormat: 4 | 5;
  readonly makesImages = true;
  readonly keys: KeyPublisher;
  readonly #repository: Repository;
  readonly #bases: BaseImages;
  readonly #layers: ImageLayers;
  readonly #copies: OciCopies;

  constructor({ repository, layout, baseImage }: OciPublisherOptions) {
    this.layout = layout;
    this.archive = ARCHIVES[layout];
    this.indexFormat = layout === 3 ? 5 : 4;
    this.keys = new OciKeyPublisher(repository);
    this.#repository = repository;
    this.#copies = new OciCopies(repository);
    this.#bases = new BaseImages(repository, baseImage);
    this.#layers = new ImageLayers(repository);
  }

  /** A manifest is written last: what it names is there. */
  async has(spec: Spec, options: WithSignal = {}): Promise<boolean> {
    return (await this.#repository.manifests.resolve(packageTag(spec.root), options)) !== undefined;
  }

  /** Packages of all layouts lie side by side. */
  takesSigned(): boolean {
    return true;
  }

  compare(files: readonly StoredFile[], options: WithSignal = {}): Promise<CopyPlan> {
    return this.#copies.compare(files, options);
  }

  copy(copy: PackageCopy, options: WithSignal = {}): Promise<CopyPlan> {
    return this.#copies.copy(copy, options);
  }

  async begin(spec: Spec, { tarball: known, signal }: BeginPackageOptions = {}): Promise<Publication> {
    const repository = this.#repository;
    const name = known && { digest: `sha256:${known.sha256}`, size: known.size };
    const isThere = name !== undefined && (await hasBlob(repository, name, { signal }));
    const tarball = isThere ? undefined : await repository.blobs.begin({ signal });
    return new OciPublication({ ...this.#making(), spec, tarball });
  }

  /** Errors as `makeImage`; UsageError `usage` for a tag that cannot be one, or that stands for a package. */
  async publishImage(
    { tag, specs, inspect }: NamedImage,
    { signal }: WithSignal = {},
  ): Promise<PublishedImage> {
    requireImageTag(tag);
    const image = await makeImage({ ...this.#making(), specs, inspect, specfile: undefined, signal });
    signal?.throwIfAborted();
    await this.#repository.manifests.put(tag, image, { signal });
    return { location: this.#repository.location(tag), digest: image.digest };
  }

  async writeIndex(index: PackedIndex, options: IndexWriteOptions = {}): Promise<void> {
    await writeImageIndex(this.#repository, index, options);
  }

  #making() {
    return {
      repository: this.#repository,
      bases: this.#bases,
      layers: this.#layers,
      layout: this.layout,
    };
  }
}

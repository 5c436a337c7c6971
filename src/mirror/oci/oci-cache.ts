// A build cache in a repository of a registry: an image for each package, found by its tag (FORMATS.md §6).
import { INDEX_TAG, packageTag } from '../../buildcache/image/tags.js';
import type { WithSignal } from '../../core/with-signal.js';
import type { Spec } from '../../spec/spec.js';
import type { Repository } from '../../transport/oci/repository.js';
import type {
  AbsentPackage,
  BuildCache,
  DescribeOptions,
  IndexPlace,
  KeyShelf,
  ListedPackage,
  ListPackagesOptions,
  MetadataKind,
  PackageDescription,
  Publisher,
} from '../build-cache.js';
import type { CacheAudit } from '../cache-audit.js';
import { openImageIndex } from './image-index.js';
import type { BaseImageSource } from './images/base-image.js';
import { OciAudit } from './oci-audit.js';
import { OciKeys } from './oci-keys.js';
import { OciPublisher, type OciPublisherOptions } from './oci-publisher.js';
import { PackageImages } from './package-images.js';

export interface OciCacheOptions {
  readonly repository: Repository;
  /** The configured name; the location by default. */
  readonly name?: string | undefined;
  /** How packages are published; missing where nothing will be. */
  readonly publishing?: Omit<OciPublisherOptions, 'repository'> | undefined;
}

export class OciCache implements BuildCache {
  readonly name: string;
  readonly url: string;
  readonly layouts = 'oci';
  readonly indexes: readonly IndexPlace[];
  readonly keys: KeyShelf;
  readonly publisher: Publisher | undefined;
  readonly audit: CacheAudit;
  readonly #repository: Repository;
  readonly #images: PackageImages;
  readonly #baseImage: BaseImageSource | undefined;

  constructor({ repository, name, publishing }: OciCacheOptions) {
    this.#repository = repository;
    this.#baseImage = publishing?.baseImage;
    this.#images = new PackageImages(repository);
    this.url = repository.url;
    this.name = name ?? repository.url;
    this.keys = new OciKeys(repository);
    this.audit = new OciAudit(repository);
    this.publisher = publishing && new OciPublisher({ repository, ...publishing });
    this.indexes = [
      {
        key: repository.url,
        location: repository.location(INDEX_TAG),
        open: (known, options = {}) => openImageIndex(repository, known, options),
      },
    ];
  }

  describe(
    spec: Spec,
    kind: MetadataKind,
    options: DescribeOptions,
  ): Promise<PackageDescription | AbsentPackage> {
    return this.#images.describe(spec, kind, options);
  }

  async has(spec: Spec, options: WithSignal = {}): Promise<boolean> {
    return (await this.#repository.manifests.resolve(packageTag(spec.root), options)) !== undefined;
  }

  packages(options: ListPackagesOptions = {}): AsyncIterable<ListedPackage> {
    return this.#images.list(options);
  }

  async close(): Promise<void> {
    await this.#repository.close();
    await this.#baseImage?.repository.close();
  }
}

// A build cache of layout 3 (Spack 1.x) over any object store: manifests by name, content by digest (FORMATS.md §1).
import type { WithSignal } from '../../core/with-signal.js';
import type { Spec } from '../../spec/spec.js';
import type { ObjectLister, ObjectStore } from '../../transport/object-store.js';
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
import { ManifestAudit } from './manifest-audit.js';
import { ManifestKeys } from './manifest-keys.js';
import { ManifestPublisher } from './manifest-publisher.js';
import { openManifestIndex } from './open-manifest-index.js';
import { hashOfSpecManifest, indexManifestPath, SPEC_MANIFESTS, specManifestPath } from './paths.js';
import { SpecManifests } from './spec-manifests.js';

export interface ManifestCacheOptions {
  readonly store: ObjectStore;
  /** The configured name; the location by default. */
  readonly name?: string | undefined;
  /** The view of the index; without it the index of everything. */
  readonly view?: string | undefined;
}

export class ManifestCache implements BuildCache {
  readonly name: string;
  readonly url: string;
  readonly layouts = '3';
  readonly indexes: readonly IndexPlace[];
  readonly view: string | undefined;
  readonly keys: KeyShelf;
  readonly publisher: Publisher | undefined;
  readonly audit: CacheAudit | undefined;
  readonly packages?: (options?: ListPackagesOptions) => AsyncIterable<ListedPackage>;
  readonly #store: ObjectStore;
  readonly #manifests: SpecManifests;

  constructor({ store, name, view }: ManifestCacheOptions) {
    const { lister, writer } = store;
    this.#store = store;
    this.#manifests = new SpecManifests(store);
    this.url = store.url;
    this.view = view;
    this.name = name ?? store.location('');
    this.indexes = [
      {
        key: view === undefined ? `${store.url}#3` : `${store.url}#3/${view}`,
        location: store.location(indexManifestPath(view)),
        open: (known, options = {}) => openManifestIndex({ store, view, known, ...options }),
      },
    ];
    this.keys = new ManifestKeys(store);
    this.publisher = writer && new ManifestPublisher({ store, writer, view });
    this.audit = lister && new ManifestAudit({ store, lister, manifests: this.#manifests });
    if (lister !== undefined) this.packages = (options) => this.#listPackages(lister, options);
  }

  describe(
    spec: Spec,
    kind: MetadataKind,
    options: DescribeOptions,
  ): Promise<PackageDescription | AbsentPackage> {
    return this.#manifests.describe(spec, kind, options);
  }

  async has(spec: Spec, options: WithSignal = {}): Promise<boolean> {
    return (await this.#store.stat(specManifestPath(spec.root), options)) !== undefined;
  }

  async close(): Promise<void> {
    await this.#store.close?.();
  }

  async *#listPackages(
    lister: ObjectLister,
    { hashPrefix = '', signal }: ListPackagesOptions = {},
  ): AsyncIterable<ListedPackage> {
    for await (const { path } of lister.list(SPEC_MANIFESTS, { isRecursive: true, signal })) {
      const hash = hashOfSpecManifest(path);
      if (hash?.startsWith(hashPrefix)) yield this.#listed(path, hash);
    }
  }

  #listed(path: string, hash: string): ListedPackage {
    return {
      hash,
      location: this.#store.location(path),
      read: (options) => this.#manifests.readSpec(path, options),
    };
  }
}

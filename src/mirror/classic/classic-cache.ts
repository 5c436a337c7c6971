// A build cache of the layouts 0 to 2 (FORMATS.md §1): file names are derived from the specs.
import type { WithSignal } from '../../core/with-signal.js';
import type { Spec } from '../../spec/spec.js';
import type { ObjectStore } from '../../transport/object-store.js';
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
import { ClassicAudit } from './classic-audit.js';
import { ClassicKeys } from './classic-keys.js';
import { type ClassicLayout, ClassicPublisher } from './classic-publisher.js';
import { describeClassic } from './describe-classic.js';
import { listSpecfiles } from './list-specfiles.js';
import { openClassicIndex } from './open-classic-index.js';
import { INDEX_PATH, specfilePath, tarballPath } from './paths.js';

export interface ClassicCacheOptions {
  readonly store: ObjectStore;
  /** The configured name; the location by default. */
  readonly name?: string | undefined;
  /** Of what is published; 1 by default. */
  readonly layout?: ClassicLayout | undefined;
}

export class ClassicCache implements BuildCache {
  readonly name: string;
  readonly url: string;
  readonly layouts = '0-2';
  readonly indexes: readonly IndexPlace[];
  readonly keys: KeyShelf;
  readonly publisher: Publisher | undefined;
  readonly audit: CacheAudit | undefined;
  readonly packages?: (options?: ListPackagesOptions) => AsyncIterable<ListedPackage>;
  readonly #store: ObjectStore;

  constructor({ store, name, layout = 1 }: ClassicCacheOptions) {
    const { lister, writer } = store;
    this.#store = store;
    this.url = store.url;
    this.name = name ?? store.location('');
    this.indexes = [
      {
        key: store.url,
        location: store.location(INDEX_PATH),
        open: (known, options = {}) => openClassicIndex(store, known, options),
      },
    ];
    this.keys = new ClassicKeys(store);
    this.publisher = writer && new ClassicPublisher({ store, writer, layout });
    this.audit = lister && new ClassicAudit({ store, lister });
    if (lister !== undefined) this.packages = (options) => listSpecfiles({ store, lister, ...options });
  }

  describe(
    spec: Spec,
    kind: MetadataKind,
    options: DescribeOptions,
  ): Promise<PackageDescription | AbsentPackage> {
    return describeClassic({ store: this.#store, spec, kind, ...options });
  }

  async has(spec: Spec, { signal }: WithSignal = {}): Promise<boolean> {
    for (const signed of [true, false]) {
      if (await this.#store.stat(specfilePath(spec.root, { signed, spec }), { signal })) return true;
    }
    return false;
  }

  sizeHint(spec: Spec): number | undefined {
    return this.#store.sizeHint?.(tarballPath(spec.root, spec));
  }

  async close(): Promise<void> {
    await this.#store.close?.();
  }
}

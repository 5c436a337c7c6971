// A place that may hold build caches of several layouts, the newest first, as Spack 1.x looks at them. A layout that is not there is not
// asked again and again: what the indexes say, and one look at the place, decide.
import type { WithSignal } from '../core/with-signal.js';
import type { Spec } from '../spec/spec.js';
import type {
  AbsentPackage,
  BuildCache,
  DescribeOptions,
  IndexPlace,
  KeyShelf,
  KnownIndex,
  ListedPackage,
  ListPackagesOptions,
  MetadataKind,
  PackageDescription,
  Publisher,
  ShelvedKey,
} from './build-cache.js';

/** One layout at a place. */
export interface Layer {
  readonly cache: BuildCache;
  /** Whether the place has anything of this layout; nothing but a look. */
  isThere(options: WithSignal): Promise<boolean>;
}

export interface LayeredCacheOptions {
  /** The newest layout first. */
  readonly layers: readonly Layer[];
  /** What publishes here. */
  readonly publisher: Publisher | undefined;
}

export class LayeredCache implements BuildCache {
  readonly name: string;
  readonly url: string;
  readonly keys: KeyShelf;
  readonly indexes: readonly IndexPlace[];
  readonly publisher: Publisher | undefined;
  readonly layers: readonly BuildCache[];
  readonly packages?: (options?: ListPackagesOptions) => AsyncIterable<ListedPackage>;
  readonly #layers: readonly Layer[];
  /** Layers whose index was found, or which were seen. */
  readonly #seen = new Set<Layer>();
  #present: Promise<readonly BuildCache[]> | undefined;

  constructor({ layers, publisher }: LayeredCacheOptions) {
    const [first] = layers;
    if (first === undefined) throw new TypeError('A place has at least one layout');
    this.#layers = layers;
    this.layers = layers.map(({ cache }) => cache);
    this.name = first.cache.name;
    this.url = first.cache.url;
    this.publisher = publisher;
    this.indexes = layers.flatMap((layer) => layer.cache.indexes.map((index) => this.#watched(index, layer)));
    this.keys = { list: (options) => this.#listKeys(options) };
    if (this.layers.some(({ packages }) => packages !== undefined))
      this.packages = (options) => this.#listPackages(options);
  }

  async describe(
    spec: Spec,
    kind: MetadataKind,
    options: DescribeOptions,
  ): Promise<PackageDescription | AbsentPackage> {
    let absent: AbsentPackage | undefined;
    for (const cache of await this.presentLayers(options)) {
      const found = await cache.describe(spec, kind, options);
      if (!('absence' in found)) return found;
      absent = found;
    }
    if (absent !== undefined) return absent;
    throw new TypeError('A place has at least one layout');
  }

  async has(spec: Spec, options: WithSignal = {}): Promise<boolean> {
    for (const cache of await this.presentLayers(options)) if (await cache.has(spec, options)) return true;
    return false;
  }

  sizeHint(spec: Spec): number | undefined {
    for (const cache of this.layers) {
      const size = cache.sizeHint?.(spec);
      if (size !== undefined) return size;
    }
    return undefined;
  }

  /** Layers that are there; all of them where none is to be seen. */
  presentLayers({ signal }: WithSignal = {}): Promise<readonly BuildCache[]> {
    this.#present ??= this.#look(signal).catch((error: unknown) => {
      this.#present = undefined;
      throw error;
    });
    return this.#present;
  }

  async close(): Promise<void> {
    for (const cache of this.layers) await cache.close?.();
  }

  async *#listPackages(options: ListPackagesOptions = {}): AsyncIterable<ListedPackage> {
    for (const cache of this.layers) yield* cache.packages?.(options) ?? [];
  }

  async #listKeys(options: WithSignal = {}): Promise<readonly ShelvedKey[]> {
    const keys = new Map<string, ShelvedKey>();
    for (const cache of this.layers)
      for (const key of await cache.keys.list(options))
        if (!keys.has(key.fingerprint.toUpperCase())) keys.set(key.fingerprint.toUpperCase(), key);
    return [...keys.values()];
  }

  /** Notes which layouts have an index. */
  #watched(index: IndexPlace, layer: Layer): IndexPlace {
    return {
      key: index.key,
      location: index.location,
      open: async (known: KnownIndex | undefined, options?: WithSignal) => {
        const opened = await index.open(known, options);
        if (opened !== undefined) this.#seen.add(layer);
        return opened;
      },
    };
  }

  async #look(signal: AbortSignal | undefined): Promise<readonly BuildCache[]> {
    const isThere = await Promise.all(
      this.#layers.map(async (layer) => this.#seen.has(layer) || layer.isThere({ signal })),
    );
    const present = this.layers.filter((_, i) => isThere[i]);
    return present.length === 0 ? this.layers : present;
  }
}

// Fetches and caches the package indexes of mirrors (FORMATS.md §7, Spack `BinaryCacheIndex.update`). The build cache decides
// whether a cached index is still current.

import type { IndexPlaces } from '../../buildcache/index/index-places.js';
import { PackageIndex, scanPackageIndex } from '../../buildcache/index/package-index.js';
import type { ByteSource } from '../../core/byte-source.js';
import { BuildcacheError, type ErrorCode, MetadataError, MirrorError } from '../../core/errors.js';
import type { IndexPlace, Mirror, OpenedIndex } from '../build-cache.js';
import { type CachedIndex, IndexCache } from './index-cache.js';
import { downloadIndex, type FetchedIndex } from './index-download.js';
import { type MirrorIndex, PackageCatalog, type RememberedPackages } from './package-catalog.js';

/** `binary_index_ttl`, in milliseconds. */
const DEFAULT_TTL = 600_000;

export interface IndexClientOptions {
  /** The folder that keeps indexes between runs; see `defaultIndexCacheFolder`. */
  readonly cacheFolder: string;
  /** In search order. */
  readonly mirrors: readonly Mirror[];
  /** Use only cached indexes; make no requests. */
  readonly offline?: boolean | undefined;
  /** Drop the cached indexes first. */
  readonly refresh?: boolean | undefined;
  /** How long one client does not ask a mirror again, in milliseconds; 600,000 by default. */
  readonly ttl?: number | undefined;
  /** The clock, in milliseconds. */
  readonly now?: (() => number) | undefined;
}

export interface IndexWarning {
  readonly code: ErrorCode;
  readonly message: string;
  readonly mirror: Mirror;
  readonly error: BuildcacheError;
}

export interface LoadedIndexes {
  /** The indexes of the mirrors that have one, in search order. */
  readonly indexes: readonly MirrorIndex[];
  /** All of them as one view. */
  readonly catalog: PackageCatalog;
  /** Mirrors that failed while others succeeded, and indexes that are too new. */
  readonly warnings: readonly IndexWarning[];
}

/** An index, and the mirror that it is of. */
interface MirrorPlace {
  readonly place: IndexPlace;
  readonly name: string;
  readonly url: string;
}

/** What is known about one index. */
interface IndexState {
  readonly checkedAt: number;
  /** Absent if the mirror has no usable index. */
  readonly index?: PackageIndex;
  /** Why the mirror could not be asked; `index` may still be the cached one. */
  readonly failure?: BuildcacheError;
  /** The mirror has an index of an unknown version. */
  readonly tooNew?: BuildcacheError;
  /** By its tag the mirror knew that the cached index is still current; a folder has no such tags, and costs no requests. */
  readonly isUnchanged?: boolean;
}

/** The package indexes of a list of mirrors. */
export class IndexClient {
  readonly #mirrors: readonly Mirror[];
  readonly #cache: IndexCache;
  readonly #offline: boolean;
  readonly #ttl: number;
  readonly #now: () => number;
  readonly #states = new Map<IndexPlace, IndexState>();
  readonly #remembered: RememberedPackages = new Map();
  /** Indexes whose cached form is to be dropped before its first use. */
  readonly #toDrop: Set<IndexPlace>;

  constructor(options: IndexClientOptions) {
    if (options.offline && options.refresh) throw new TypeError('An index cannot be refreshed offline');
    this.#mirrors = options.mirrors;
    this.#cache = new IndexCache(options.cacheFolder);
    this.#offline = options.offline ?? false;
    this.#ttl = options.ttl ?? DEFAULT_TTL;
    this.#now = options.now ?? Date.now;
    this.#toDrop = new Set(options.refresh ? options.mirrors.flatMap(({ cache }) => cache.indexes) : []);
  }

  /**
   * Brings the indexes up to date.
   * @throws MirrorError, MetadataError when every mirror failed (for several mirrors, one error that names every cause);
   * `index-not-cached` when offline and nothing is cached.
   */
  async load(signal?: AbortSignal): Promise<LoadedIndexes> {
    const states = await Promise.all(this.#mirrors.map((mirror) => this.#checkMirror(mirror, signal)));
    if (!this.#offline) await this.#cache.removeStale(this.#now());
    const failures = states.map((each) => each.flatMap(({ failure }) => failure ?? []));
    if (failures.length > 0 && failures.every(({ length }) => length > 0))
      throw this.#allFailed(states.flat());
    return this.#combine(states);
  }

  /** Of a mirror with several indexes those that were never cached do not count offline, as long as one was. */
  async #checkMirror({ cache }: Mirror, signal: AbortSignal | undefined): Promise<readonly IndexState[]> {
    const [newest, ...older] = cache.indexes.map((place) => ({ place, name: cache.name, url: cache.url }));
    if (newest === undefined) return [];
    const first = this.#check(newest, signal);
    const states = await Promise.all([
      first,
      ...older.map((mirror) => this.#checkOlder(mirror, first, signal)),
    ]);
    const isCached = states.some(({ index }) => index !== undefined);
    return states.filter(({ failure }) => failure?.code !== 'index-not-cached' || !isCached);
  }

  /**
   * The index of an older layout. Where there was none beside a newer one, it is not asked for again as long as that one does not change:
   * then a run costs one request.
   */
  async #checkOlder(
    mirror: MirrorPlace,
    newest: Promise<IndexState>,
    signal: AbortSignal | undefined,
  ): Promise<IndexState> {
    const { place } = mirror;
    const isKnownAbsent =
      !this.#offline && !this.#toDrop.has(place) && (await this.#cache.isKnownAbsent(place.key, this.#now()));
    if (isKnownAbsent && (await newest).isUnchanged) return { checkedAt: this.#now() };
    const state = await this.#check(mirror, signal);
    const isAbsent = !this.#offline && (state.index ?? state.failure ?? state.tooNew) === undefined;
    // A cache that cannot be written makes the next run slower, nothing else.
    if (isAbsent && (await newest).index !== undefined)
      await this.#cache.noteAbsence(place.key, this.#now()).catch(() => {});
    return state;
  }

  async #check(mirror: MirrorPlace, signal: AbortSignal | undefined): Promise<IndexState> {
    const known = this.#states.get(mirror.place);
    if (known !== undefined && this.#isCurrent(known)) return known;
    const state = this.#offline ? await this.#readCached(mirror) : await this.#ask(mirror, signal);
    this.#states.set(mirror.place, state);
    return state;
  }

  /** A failure is remembered if a cached index can stand in; otherwise the mirror is asked again. */
  #isCurrent({ checkedAt, failure, index }: IndexState): boolean {
    return this.#now() - checkedAt < this.#ttl && (failure === undefined || index !== undefined);
  }

  async #readCached(mirror: MirrorPlace): Promise<IndexState> {
    const cached = await this.#cache.read(mirror.place.key);
    if (cached !== undefined) return this.#use(mirror, cached);
    const failure = new MirrorError(
      'index-not-cached',
      `Cannot list mirror "${mirror.name}" offline: its index was never cached`,
      {
        hint: 'Run once without --offline',
        data: { mirror: mirror.url },
      },
    );
    return { checkedAt: this.#now(), failure };
  }

  async #ask(mirror: MirrorPlace, signal: AbortSignal | undefined): Promise<IndexState> {
    const cached = this.#toDrop.delete(mirror.place)
      ? await this.#drop(mirror)
      : await this.#cache.read(mirror.place.key);
    try {
      return await this.#update(mirror, cached, signal);
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof BuildcacheError)) throw error;
      if (isTooNew(error)) return { checkedAt: this.#now(), tooNew: error };
      const fallback = cached === undefined ? {} : await this.#use(mirror, cached);
      return { ...fallback, checkedAt: this.#now(), failure: error };
    }
  }

  /** Whether the file could be removed does not matter: it is not read here, and the next index replaces it. */
  async #drop(mirror: MirrorPlace): Promise<undefined> {
    await this.#cache.remove(mirror.place.key).catch(() => {});
  }

  async #update(
    mirror: MirrorPlace,
    cached: CachedIndex | undefined,
    signal: AbortSignal | undefined,
  ): Promise<IndexState> {
    const answer = await this.#fetch(mirror, cached, signal);
    if (answer === 'not-modified' && cached !== undefined) {
      const state = await this.#use(mirror, cached);
      await this.#cache.touch(mirror.place.key, this.#now());
      return { ...state, isUnchanged: cached.tag !== undefined };
    }
    if (typeof answer === 'object') return this.#keep(mirror, answer);
    await this.#drop(mirror);
    return { checkedAt: this.#now() };
  }

  /** The current index: the cached one if still current, undefined if the mirror has none. */
  async #fetch(
    mirror: MirrorPlace,
    cached: CachedIndex | undefined,
    signal: AbortSignal | undefined,
  ): Promise<FetchedIndex | 'not-modified' | undefined> {
    const { place, url } = mirror;
    const answer = await place.open(cached, { signal });
    if (typeof answer !== 'object') return answer;
    let opened: OpenedIndex | undefined = answer;
    const open = async () => {
      const object = opened ?? (await place.open(undefined, { signal }));
      opened = undefined;
      return object === 'not-modified' ? undefined : object;
    };
    return downloadIndex({ mirror: url, open, cache: this.#cache, signal });
  }

  /** Uses an index that was fetched, and puts it into the cache, unless it is broken. */
  async #keep(mirror: MirrorPlace, fetched: FetchedIndex): Promise<IndexState> {
    const { bytes, sha256, tag, file } = fetched;
    try {
      const { state, places } = this.#scan(mirror, bytes);
      if (file === undefined) return state;
      // A cache that cannot be written makes the next run slower, nothing else.
      const committed = await this.#cache.commit(mirror.place.key, file, { sha256, tag }).then(
        () => true,
        () => false,
      );
      if (committed && places !== undefined)
        await this.#cache.writePlaces({ bytes, sha256 }, places).catch(() => {});
      return state;
    } finally {
      await file?.discard();
    }
  }

  async #use(mirror: MirrorPlace, { bytes, sha256, places: known }: CachedIndex): Promise<IndexState> {
    if (known !== undefined) {
      const source = mirror.place.location;
      return { checkedAt: this.#now(), index: new PackageIndex({ source, bytes, places: known }) };
    }
    const { state, places } = this.#scan(mirror, bytes);
    if (places !== undefined) await this.#cache.writePlaces({ bytes, sha256 }, places).catch(() => {});
    return state;
  }

  #scan(mirror: MirrorPlace, bytes: ByteSource): { state: IndexState; places?: IndexPlaces } {
    const checkedAt = this.#now();
    const source = mirror.place.location;
    try {
      const places = scanPackageIndex(bytes, source);
      return { state: { checkedAt, index: new PackageIndex({ source, bytes, places }) }, places };
    } catch (error) {
      if (isTooNew(error)) return { state: { checkedAt, tooNew: error } };
      throw error;
    }
  }

  #combine(states: readonly (readonly IndexState[])[]): LoadedIndexes {
    const indexes: MirrorIndex[] = [];
    const warnings: IndexWarning[] = [];
    for (const [i, mirror] of this.#mirrors.entries()) {
      for (const { index, failure, tooNew } of states[i] ?? []) {
        if (index !== undefined) indexes.push({ mirror, index });
        for (const error of [failure, tooNew]) {
          if (error !== undefined) warnings.push({ code: error.code, message: error.message, mirror, error });
        }
      }
    }
    return { indexes, warnings, catalog: new PackageCatalog(indexes, this.#remembered) };
  }

  #allFailed(states: readonly IndexState[]): BuildcacheError {
    const failures = states.flatMap(({ failure }) => failure ?? []);
    const [first] = failures;
    if (first !== undefined && failures.length === 1) return first;
    const isCached = states.some(({ index }) => index !== undefined);
    const details = {
      cause: new AggregateError(failures),
      retryable: failures.some(({ retryable }) => retryable),
      ...(isCached && { hint: 'Use the cached indexes with --offline' }),
      data: { failures: failures.map(({ code, message, data }) => ({ code, message, data })) },
    };
    const message = `Cannot read the index of any mirror: ${failures.map((failure) => failure.message).join('; ')}`;
    if (first !== undefined && failures.every(({ code }) => code === first.code))
      return first.with({ message, ...details });
    return new MirrorError('mirror-unreachable', message, details);
  }
}

function isTooNew(error: unknown): error is MetadataError {
  return error instanceof MetadataError && error.code === 'index-version-unsupported';
}

// Builds the package index of a mirror from its specfiles (Spack `generate_package_index`).
import { createHash } from 'node:crypto';
import { IndexBuilder } from '../../buildcache/index/write-index.js';
import { BuildcacheError, MetadataError } from '../../core/errors.js';
import type { OperationOptions } from '../../core/progress.js';
import type { BuildCache, ListedPackage, Mirror, PackedIndex } from '../../mirror/build-cache.js';
import { FileSpool } from '../../mirror/index/index-spool.js';
import { requirePublisher } from '../../mirror/require-publisher.js';
import type { Spec } from '../../spec/spec.js';
import { inParallel } from '../in-parallel.js';
import { cannotList, indexKeys, type KeyIndexReport } from '../keys/publish-keys.js';
import { NO_TRUST } from '../keys/trust.js';

export interface IndexMirrorRequest {
  readonly mirror: Mirror;
  /** Also write the key index. */
  readonly keys?: boolean | undefined;
  /** Number of specfiles to read concurrently; 16 by default. */
  readonly jobs?: number | undefined;
}

export interface UnreadableSpecfile {
  readonly location: string;
  readonly error: BuildcacheError;
}

/** An index that was written. */
export interface WrittenIndex {
  readonly location: string;
  /** Packages that it offers. */
  readonly packages: number;
  /** Its records, with those of mere dependencies. */
  readonly records: number;
  /** In bytes. */
  readonly size: number;
  readonly sha256: string;
}

/** The numbers are those of the index of the newest layout. */
export interface IndexReport extends Omit<WrittenIndex, 'location'> {
  readonly mirror: string;
  /** One for each layout that has packages, the newest first. */
  readonly indexes: readonly WrittenIndex[];
  /** Specfiles that were left out. */
  readonly unreadable: readonly UnreadableSpecfile[];
  readonly keys: KeyIndexReport | undefined;
}

export const DEFAULT_JOBS = 16;

/**
 * Writes the index of each layout that has packages. A specfile that cannot be read becomes a warning, and is left out; when none of a
 * layout can be read, that is an error, and the old index stays.
 * @throws MirrorError `mirror-read-only`, `mirror-protocol` for a mirror that cannot be listed, and what listing and writing bring.
 */
export async function indexMirror(
  { mirror, keys, jobs = DEFAULT_JOBS }: IndexMirrorRequest,
  options: OperationOptions = {},
): Promise<IndexReport> {
  requirePublisher(mirror.cache);
  const indexes: WrittenIndex[] = [];
  const unreadable: UnreadableSpecfile[] = [];
  const refused: KeyIndexReport['refused'][number][] = [];
  const fingerprints = new Set<string>();
  for (const { cache, packages } of await layersToIndex(mirror, options.signal)) {
    const written = await writeIndexOf({ cache, packages, jobs, options });
    indexes.push(written.index);
    unreadable.push(...written.unreadable);
    if (!keys) continue;
    const named = await indexKeys({ ...mirror, cache }, options);
    for (const fingerprint of named.fingerprints) fingerprints.add(fingerprint);
    refused.push(...named.refused);
  }
  const [newest] = indexes;
  if (newest === undefined) throw new TypeError('A mirror has at least one layout');
  const { location: _, ...numbers } = newest;
  const named = keys ? { fingerprints: [...fingerprints], refused } : undefined;
  return { mirror: mirror.cache.url, ...numbers, indexes, unreadable, keys: named };
}

interface ListedLayer {
  readonly cache: BuildCache;
  readonly packages: readonly ListedPackage[];
}

/** The layouts that have packages; of a mirror without any package the one that is published in. */
async function layersToIndex(mirror: Mirror, signal: AbortSignal | undefined): Promise<ListedLayer[]> {
  const { cache } = mirror;
  const layers: ListedLayer[] = [];
  for (const layer of cache.layers ?? [cache])
    layers.push({ cache: layer, packages: await listPackages({ ...mirror, cache: layer }, signal) });
  const filled = layers.filter(({ packages }) => packages.length > 0);
  return filled.length > 0 ? filled : [{ cache, packages: [] }];
}

export interface IndexWriting {
  readonly cache: BuildCache;
  readonly packages: readonly ListedPackage[];
  /** Packages that it offers besides. */
  readonly known?: Iterable<Spec> | undefined;
  /** Gives the index its place; by default whatever is there is replaced. */
  readonly write?: ((packed: PackedIndex) => Promise<void>) | undefined;
  readonly jobs?: number | undefined;
  readonly options: OperationOptions;
}

/** Writes the index of one layout, or of its view. Errors as `indexMirror`. */
export async function writeIndexOf({
  cache,
  packages,
  known = [],
  write,
  jobs = DEFAULT_JOBS,
  options,
}: IndexWriting) {
  const publisher = requirePublisher(cache);
  const spool = new FileSpool();
  try {
    const builder = new IndexBuilder(spool, { oldestFormat: publisher.indexFormat });
    const onSpec = (spec: Spec) => builder.add(spec);
    const unreadable = await readPackages({ packages, onSpec, jobs, options });
    for (const spec of known) builder.add(spec);
    // An empty index must not replace a good one because the mirror is out of order.
    if (builder.packageCount === 0 && unreadable[0] !== undefined) throw unreadable[0].error;
    const packed = packIndex(builder);
    await (write?.(packed) ?? publisher.writeIndex(packed, { signal: options.signal }));
    const { packageCount, recordCount } = builder;
    const { size, sha256 } = packed;
    const location = cache.indexes[0]?.location ?? cache.url;
    const index: WrittenIndex = { location, packages: packageCount, records: recordCount, size, sha256 };
    return { index, unreadable };
  } finally {
    spool.close();
  }
}

export async function listPackages(
  { cache }: Mirror,
  signal: AbortSignal | undefined,
): Promise<readonly ListedPackage[]> {
  if (cache.packages === undefined) throw cannotList(cache);
  const packages: ListedPackage[] = [];
  for await (const listed of cache.packages({ signal })) packages.push(listed);
  return packages;
}

export interface Reading {
  readonly packages: readonly ListedPackage[];
  readonly onSpec: (spec: Spec) => void;
  readonly jobs: number;
  readonly options: OperationOptions;
}

/** Reads packages, several at a time; one that cannot be read becomes a warning. */
export async function readPackages({
  packages,
  onSpec,
  jobs,
  options,
}: Reading): Promise<UnreadableSpecfile[]> {
  const unreadable: UnreadableSpecfile[] = [];
  const { signal, onProgress } = options;
  const read = async (listed: ListedPackage): Promise<void> => {
    try {
      onSpec(await readSpec(listed, signal));
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof BuildcacheError)) throw error;
      unreadable.push({ location: listed.location, error });
      onProgress?.({ type: 'warning', code: error.code, message: `Left out: ${error.message}` });
    }
  };
  await inParallel({ items: packages, jobs, signal, work: read });
  return unreadable.sort((a, b) => (a.location < b.location ? -1 : 1));
}

/** Signatures are not verified: the installation does that, and the index is not signed. */
async function readSpec(listed: ListedPackage, signal: AbortSignal | undefined): Promise<Spec> {
  const spec = await listed.read({ trust: NO_TRUST, signal });
  const { hash: expected, location } = listed;
  const { name, hash: actual } = spec.root;
  if (actual === expected) return spec;
  throw new MetadataError('wrong-package', `Cannot index "${location}": it describes "${name}/${actual}"`, {
    hint: 'The package cannot be found by its hash: push it again',
    data: { location, actual, expected },
  });
}

/** The bytes are generated twice, first for the digest, which a cache may need before the content. */
export function packIndex(builder: IndexBuilder): PackedIndex {
  const hash = createHash('sha256');
  let size = 0;
  for (const chunk of builder.chunks()) {
    hash.update(chunk);
    size += chunk.length;
  }
  return {
    packages: builder.packageCount,
    chunks: () => builder.chunks(),
    size,
    sha256: hash.digest('hex'),
  };
}

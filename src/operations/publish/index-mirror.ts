// Builds the package index of a mirror from its specfiles (Spack `generate_package_index`).
import type { OperationOptions } from '../../core/progress.js';
import type { BuildCache, Mirror } from '../../mirror/build-cache.js';
import { requirePublisher } from '../../mirror/require-publisher.js';
import { indexKeys, type KeyIndexReport } from '../keys/publish-keys.js';
import { DEFAULT_JOBS, type UnreadableSpecfile } from './read-packages.js';
import { type IndexOutcome, type WrittenIndex, writeIndex } from './write-index.js';

export interface IndexMirrorRequest {
  readonly mirror: Mirror;
  /** Read only the specfiles that the index does not have yet; by default all are read, and it is made anew. */
  readonly isUpdate?: boolean | undefined;
  /** Also write the key index. */
  readonly keys?: boolean | undefined;
  /** Number of specfiles to read concurrently; 16 by default. */
  readonly jobs?: number | undefined;
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

/**
 * Writes the index of each layout that has packages. A specfile that cannot be read becomes a warning, and is left out; when none of a
 * layout can be read, that is an error, and the old index stays. What others add at the same time stays in it.
 * @throws MirrorError `mirror-read-only`, `mirror-protocol` for a mirror that cannot be listed, and what listing and writing bring.
 */
export async function indexMirror(
  request: IndexMirrorRequest,
  options: OperationOptions = {},
): Promise<IndexReport> {
  const { mirror, keys } = request;
  requirePublisher(mirror.cache);
  const layers = await writeIndexes(request, options);
  const [newest] = layers;
  if (newest === undefined) throw new TypeError('A mirror has at least one layout');
  const { location: _, ...numbers } = newest.index;
  return {
    mirror: mirror.cache.url,
    ...numbers,
    indexes: layers.map(({ index }) => index),
    unreadable: layers.flatMap(({ unreadable }) => unreadable),
    keys: keys ? await indexKeysOf(layers, mirror, options) : undefined,
  };
}

interface IndexedLayer extends IndexOutcome {
  readonly cache: BuildCache;
}

/** Of the layouts that have packages; of a mirror without any package that of the one that is published in. */
async function writeIndexes(
  { mirror: { cache: whole }, isUpdate = false, jobs = DEFAULT_JOBS }: IndexMirrorRequest,
  options: OperationOptions,
): Promise<IndexedLayer[]> {
  const layers = whole.layers ?? [whole];
  const indexed: IndexedLayer[] = [];
  const index = async (cache: BuildCache, skipsEmpty: boolean) => {
    const outcome = await writeIndex({ cache, isUpdate, skipsEmpty, jobs }, options);
    if (outcome !== undefined) indexed.push({ cache, ...outcome });
  };
  for (const cache of layers) await index(cache, true);
  const publishing = layers.find(({ publisher }) => publisher === whole.publisher);
  if (indexed.length === 0 && publishing !== undefined) await index(publishing, false);
  return indexed;
}

async function indexKeysOf(
  layers: readonly IndexedLayer[],
  mirror: Mirror,
  options: OperationOptions,
): Promise<KeyIndexReport> {
  const fingerprints = new Set<string>();
  const refused: KeyIndexReport['refused'][number][] = [];
  for (const { cache } of layers) {
    const named = await indexKeys({ ...mirror, cache }, options);
    for (const fingerprint of named.fingerprints) fingerprints.add(fingerprint);
    refused.push(...named.refused);
  }
  return { fingerprints: [...fingerprints], refused };
}

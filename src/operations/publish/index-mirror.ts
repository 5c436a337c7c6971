// Makes the package index of a mirror out of its specfiles (Spack `generate_package_index`).
import { createHash } from 'node:crypto';
import { IndexBuilder } from '../../buildcache/index/write-index.js';
import { BuildcacheError, MetadataError } from '../../core/errors.js';
import type { OperationOptions } from '../../core/progress.js';
import type { ListedPackage, Mirror, PackedIndex } from '../../mirror/build-cache.js';
import { FileSpool } from '../../mirror/index/index-spool.js';
import { requirePublisher } from '../../mirror/require-publisher.js';
import type { Spec } from '../../spec/spec.js';
import { cannotList, indexKeys, type KeyIndexReport } from '../keys/publish-keys.js';
import { NO_TRUST } from '../keys/trust.js';

export interface IndexMirrorRequest {
  readonly mirror: Mirror;
  /** Write the key index, too. */
  readonly keys?: boolean | undefined;
  /** Specfiles to read at a time; 16 by default. */
  readonly jobs?: number | undefined;
}

export interface UnreadableSpecfile {
  readonly location: string;
  readonly error: BuildcacheError;
}

export interface IndexReport {
  readonly mirror: string;
  /** Packages that the mirror has. */
  readonly packages: number;
  /** Records of the index, with those of mere dependencies. */
  readonly records: number;
  /** Of the index, in bytes. */
  readonly size: number;
  readonly sha256: string;
  /** Specfiles that were left out. */
  readonly unreadable: readonly UnreadableSpecfile[];
  readonly keys: KeyIndexReport | undefined;
}

const DEFAULT_JOBS = 16;

/**
 * Writes the index. A specfile that cannot be read becomes a warning, and is left out; when none can be read,
 * that is an error, and the old index stays.
 * @throws MetadataError `layout-unsupported`; MirrorError `mirror-read-only`, `mirror-protocol` for a mirror that cannot be listed, and what listing and writing bring.
 */
export async function indexMirror(
  { mirror, keys, jobs = DEFAULT_JOBS }: IndexMirrorRequest,
  options: OperationOptions = {},
): Promise<IndexReport> {
  const publisher = requirePublisher(mirror.cache);
  const spool = new FileSpool();
  try {
    const builder = new IndexBuilder(spool);
    const packages = await listPackages(mirror, options.signal);
    const unreadable = await readPackages({ packages, builder, jobs, options });
    // An empty index must not replace a good one because the mirror is out of order.
    if (builder.packageCount === 0 && unreadable[0] !== undefined) throw unreadable[0].error;
    const index = packIndex(builder);
    await publisher.writeIndex(index, { signal: options.signal });
    return {
      mirror: mirror.cache.url,
      packages: builder.packageCount,
      records: builder.recordCount,
      size: index.size,
      sha256: index.sha256,
      unreadable,
      keys: keys ? await indexKeys(mirror, options) : undefined,
    };
  } finally {
    spool.close();
  }
}

async function listPackages(
  { cache }: Mirror,
  signal: AbortSignal | undefined,
): Promise<readonly ListedPackage[]> {
  if (cache.packages === undefined) throw cannotList(cache);
  const packages: ListedPackage[] = [];
  for await (const listed of cache.packages({ signal })) packages.push(listed);
  return packages;
}

interface Reading {
  readonly packages: readonly ListedPackage[];
  readonly builder: IndexBuilder;
  readonly jobs: number;
  readonly options: OperationOptions;
}

/** Several readers take turns at one list. */
async function readPackages({ packages, builder, jobs, options }: Reading): Promise<UnreadableSpecfile[]> {
  const unreadable: UnreadableSpecfile[] = [];
  const queue = packages.values();
  const readOn = async (): Promise<void> => {
    for (const listed of queue) {
      options.signal?.throwIfAborted();
      try {
        builder.add(await readSpec(listed, options.signal));
      } catch (error) {
        options.signal?.throwIfAborted();
        if (!(error instanceof BuildcacheError)) throw error;
        unreadable.push({ location: listed.location, error });
        options.onProgress?.({ type: 'warning', code: error.code, message: `Left out: ${error.message}` });
      }
    }
  };
  await Promise.all(Array.from({ length: jobs }, readOn));
  return unreadable.sort((a, b) => (a.location < b.location ? -1 : 1));
}

/** Signatures are not verified: whoever installs does that, and the index is signed by nobody. */
async function readSpec(listed: ListedPackage, signal: AbortSignal | undefined): Promise<Spec> {
  const spec = await listed.read({ trust: NO_TRUST, signal });
  const { hash: expected, location } = listed;
  const { name, hash: actual } = spec.root;
  if (actual === expected) return spec;
  throw new MetadataError('wrong-package', `Cannot index "${location}": it describes "${name}/${actual}"`, {
    hint: 'Nobody could find the package by its hash: push it again',
    data: { location, actual, expected },
  });
}

/** The bytes are made twice: once for their digest, which a cache may need before them. */
function packIndex(builder: IndexBuilder): PackedIndex {
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

// The packages that an index gets: taken over from an older one, or read from their specfiles.
import { createHash } from 'node:crypto';
import type { PackageIndex } from '../../buildcache/index/package-index.js';
import { IndexBuilder, type IndexFormat } from '../../buildcache/index/write-index.js';
import type { OperationOptions } from '../../core/progress.js';
import type { ListedPackage, PackedIndex } from '../../mirror/build-cache.js';
import { FileSpool } from '../../mirror/index/index-spool.js';
import { readPackages, type UnreadableSpecfile } from './read-packages.js';

export interface Collecting {
  readonly jobs: number;
  readonly options: OperationOptions;
}

/** Close it after use. */
export class IndexCollection {
  readonly #spool = new FileSpool();
  readonly #builder: IndexBuilder;
  readonly #hashes = new Set<string>();
  readonly #unreadable = new Map<string, UnreadableSpecfile>();

  constructor(oldestFormat: IndexFormat) {
    this.#builder = new IndexBuilder(this.#spool, { oldestFormat });
  }

  /** Number of packages that it offers. */
  get packageCount(): number {
    return this.#builder.packageCount;
  }

  /** Number of records, with those of mere dependencies. */
  get recordCount(): number {
    return this.#builder.recordCount;
  }

  /** What could not be read, and is left out. */
  get unreadable(): UnreadableSpecfile[] {
    return [...this.#unreadable.values()].sort((a, b) => (a.location < b.location ? -1 : 1));
  }

  /** Whether it has no package that is not among these. */
  isWithin(packages: readonly ListedPackage[]): boolean {
    const there = new Set(packages.map(({ hash }) => hash));
    return [...this.#hashes].every((hash) => there.has(hash));
  }

  /** Takes over an index. Errors as `IndexBuilder.keep`. */
  keep(index: PackageIndex): void {
    this.#builder.keep(index);
    for (const hash of index.offeredHashes()) this.#hashes.add(hash);
  }

  /** Reads the packages that it does not have yet. */
  async read(packages: readonly ListedPackage[], { jobs, options }: Collecting): Promise<void> {
    const wanted = packages.filter(
      ({ hash, location }) => !this.#hashes.has(hash) && !this.#unreadable.has(location),
    );
    const onSpec = (spec: Parameters<IndexBuilder['add']>[0]) => {
      this.#builder.add(spec);
      this.#hashes.add(spec.root.hash);
    };
    for (const each of await readPackages({ packages: wanted, onSpec, jobs, options }))
      this.#unreadable.set(each.location, each);
  }

  /** The bytes are generated twice, first for the digest, which a cache may need before the content. */
  pack(): PackedIndex {
    return packIndex(this.#builder);
  }

  close(): void {
    this.#spool.close();
  }
}

/** As `IndexCollection.pack`. */
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

// The indexes of several mirrors as one view: all packages, and the mirrors that have each, in search order.

import type { PackageIndex, PackageRecord } from '../../buildcache/index/package-index.js';
import { MetadataError } from '../../core/errors.js';
import type { DagHash, SpecNode } from '../../spec/spec.js';
import type { Mirror } from '../build-cache.js';

export interface MirrorIndex {
  readonly mirror: Mirror;
  readonly index: PackageIndex;
}

/** A package that at least one mirror has. */
export interface CatalogEntry {
  readonly hash: DagHash;
  readonly name: string;
  /** The mirrors that have it, in search order. */
  readonly mirrors: readonly Mirror[];
  /**
   * The node, parsed on first use.
   * @throws MetadataError `metadata-invalid`, `metadata-syntax` when no mirror has a valid record.
   */
  readonly node: SpecNode;
}

/** Packages found on mirrors but not in their indexes. */
export type RememberedPackages = Map<DagHash, { readonly node: SpecNode; readonly mirrors: Mirror[] }>;

/** All packages of several build caches. */
export class PackageCatalog {
  readonly #indexes: readonly MirrorIndex[];
  readonly #remembered: RememberedPackages;

  constructor(indexes: readonly MirrorIndex[], remembered: RememberedPackages = new Map()) {
    this.#indexes = indexes;
    this.#remembered = remembered;
  }

  /** The package with this hash, if a mirror has it. */
  find(hash: DagHash): CatalogEntry | undefined {
    const mirrors = this.#mirrorsWith(hash);
    if (mirrors.length === 0) return undefined;
    return new LazyEntry(hash, mirrors, this);
  }

  /**
   * The node of a hash. Includes nodes that no mirror has as a package, such as externals.
   * @throws MetadataError when the record is invalid in every index that has it.
   */
  node(hash: DagHash): SpecNode | undefined {
    let failure: unknown;
    for (const record of this.#records(hash)) {
      try {
        return record.node;
      } catch (error) {
        if (!(error instanceof MetadataError)) throw error;
        failure ??= error;
      }
    }
    const remembered = this.#remembered.get(hash)?.node;
    if (remembered === undefined && failure !== undefined) throw failure;
    return remembered;
  }

  /** Every package of every mirror, each once; those of the first mirror first. `name` limits them to one package. */
  *entries(name?: string): Iterable<CatalogEntry> {
    for (const hash of name === undefined ? this.#offeredHashes() : this.#hashesNamed(name)) {
      const entry = this.find(hash);
      if (entry !== undefined) yield entry;
    }
  }

  /** The nodes of all packages that a mirror has. */
  *nodes(): Iterable<SpecNode> {
    for (const entry of this.entries()) yield entry.node;
  }

  /** The packages whose hash starts with the prefix. */
  *withHashPrefix(prefix: string): Iterable<CatalogEntry> {
    for (const hash of this.#offeredHashes(prefix)) {
      const entry = this.find(hash);
      if (entry !== undefined) yield entry;
    }
  }

  /** Adds a package found on a mirror whose index does not list it. */
  remember(mirror: Mirror, node: SpecNode): void {
    const known = this.#remembered.get(node.hash);
    if (known === undefined) this.#remembered.set(node.hash, { node, mirrors: [mirror] });
    else if (!known.mirrors.includes(mirror)) known.mirrors.push(mirror);
  }

  /** The name of a package, without parsing its node if the index allows it. */
  nameOf(hash: DagHash): string | undefined {
    for (const record of this.#records(hash)) {
      try {
        return record.name;
      } catch (error) {
        if (!(error instanceof MetadataError)) throw error;
      }
    }
    return this.#remembered.get(hash)?.node.name;
  }

  #mirrorsWith(hash: DagHash): readonly Mirror[] {
    const offers = this.#indexes.filter(({ index }) => index.offers(hash)).map(({ mirror }) => mirror);
    const mirrors = [...new Set(offers)];
    const more = this.#remembered.get(hash)?.mirrors ?? [];
    return [...mirrors, ...more.filter((mirror) => !mirrors.includes(mirror))];
  }

  /** The records of a hash, those of mirrors that have the package first. */
  #records(hash: DagHash): readonly PackageRecord[] {
    const records = this.#indexes.flatMap(({ index }) => index.get(hash) ?? []);
    return [
      ...records.filter((record) => record.inBuildcache),
      ...records.filter((record) => !record.inBuildcache),
    ];
  }

  #offeredHashes(prefix = ''): ReadonlySet<DagHash> {
    const hashes = new Set<DagHash>();
    for (const { index } of this.#indexes) for (const hash of index.offeredHashes(prefix)) hashes.add(hash);
    for (const hash of this.#remembered.keys()) if (hash.startsWith(prefix)) hashes.add(hash);
    return hashes;
  }

  #hashesNamed(name: string): ReadonlySet<DagHash> {
    const hashes = new Set<DagHash>();
    for (const { index } of this.#indexes) for (const { hash } of index.offered(name)) hashes.add(hash);
    for (const [hash, { node }] of this.#remembered) if (node.name === name) hashes.add(hash);
    return hashes;
  }
}

class LazyEntry implements CatalogEntry {
  readonly hash: DagHash;
  readonly mirrors: readonly Mirror[];
  readonly #catalog: PackageCatalog;

  constructor(hash: DagHash, mirrors: readonly Mirror[], catalog: PackageCatalog) {
    this.hash = hash;
    this.mirrors = mirrors;
    this.#catalog = catalog;
  }

  get name(): string {
    return this.#catalog.nameOf(this.hash) ?? this.node.name;
  }

  get node(): SpecNode {
    const node = this.#catalog.node(this.hash);
    if (node !== undefined) return node;
    throw new MetadataError(
      'metadata-invalid',
      `Cannot describe "${this.hash}": no index has its record anymore`,
      {
        data: { hash: this.hash },
      },
    );
  }
}

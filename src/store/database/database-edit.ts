// Changes to a store's database in memory: adds a package with all its dependencies, removes one, and keeps the reference counts
// right. FORMATS.md §2 "Store database"; Spack `Database._add`, `_remove`. Pure.
import type { DagHash, DependencyType, JsonObject, Spec, SpecNode } from '../../spec/spec.js';
import { childrenOf } from '../../spec/traverse.js';
import {
  type DatabaseContent,
  type InstallRecord,
  nodeFormat,
  type RecordMap,
  recordOf,
  tryNodeOfRecord,
} from './database-file.js';
import { databaseNode } from './database-node.js';

const TRACKED: readonly DependencyType[] = ['build', 'link', 'run'];

export interface InstalledPackage {
  /** The package is the root. */
  readonly spec: Spec;
  readonly prefix: string;
  readonly explicit: boolean;
  /** Seconds since 1970. */
  readonly installationTime: number;
  /** The prefix, present or future, of a dependency that has no record. */
  readonly pathOf: (node: SpecNode) => string;
  /** Says whether an upstream store has the dependency; then it gets no record here. */
  readonly isUpstream?: (node: SpecNode) => boolean;
  /** Says whether a dependency without a record is installed anyway. */
  readonly isPresent?: (node: SpecNode, path: string) => boolean;
}

/** A copy of a database's records, to edit and then write as a whole. */
export class DatabaseEdit {
  readonly #base: DatabaseContent;
  readonly #records: Map<DagHash, InstallRecord>;
  #references: Map<DagHash, number> | undefined;
  #isChanged = false;

  constructor(base: DatabaseContent) {
    this.#base = base;
    this.#records = new Map(base.records);
  }

  get isChanged(): boolean {
    return this.#isChanged;
  }

  get records(): RecordMap {
    return this.#records;
  }

  get(hash: DagHash): InstallRecord | undefined {
    return this.#records.get(hash);
  }

  /** The edited database. */
  content(): DatabaseContent {
    return { ...this.#base, records: this.#records };
  }

  /** Records a package as installed, and its dependencies of any type but test, recursively. */
  addInstalled(added: InstalledPackage): InstallRecord {
    this.#addDependencies(added);
    const { root } = added.spec;
    const known = this.#records.get(root.hash);
    const facts: NewFacts = {
      path: added.prefix,
      installed: true,
      // A package installed explicitly stays explicit when it is installed again as a dependency.
      explicit: added.explicit || (known?.installed === true && known.explicit),
      installationTime: added.installationTime,
    };
    return known === undefined ? this.#addRecord(root, facts) : this.#update(known, facts);
  }

  /** Marks an installed package as explicit; returns whether that changed anything. */
  markExplicit(hash: DagHash): boolean {
    const record = this.#records.get(hash);
    if (record === undefined || !record.installed || record.explicit) return false;
    this.#set(record, { explicit: true });
    return true;
  }

  /**
   * Removes a package, as an uninstallation does. If others depend on it, its record stays, marked as not installed; dependencies
   * that were recorded only for it are removed too.
   *
   * @returns false if there is no such record.
   */
  removeRecord(hash: DagHash): boolean {
    const record = this.#records.get(hash);
    if (record === undefined) return false;
    if (record.refCount > 0) {
      this.#set(record, { installed: false });
      return true;
    }
    this.#drop(record);
    return true;
  }

  /** Dependencies come before their dependents. The dependencies of a recorded one are not visited, as in Spack. */
  #addDependencies(added: InstalledPackage): void {
    const { spec } = added;
    const seen = new Set<DagHash>([spec.root.hash]);
    const frames = [{ node: spec.root, rest: childrenOf(spec, spec.root, TRACKED).reverse() }];
    for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
      const child = frame.rest.pop();
      if (child === undefined) {
        if (frame.node !== spec.root) this.#addRecord(frame.node, dependencyFacts(frame.node, added));
        frames.pop();
        continue;
      }
      if (seen.has(child.hash) || this.#records.has(child.hash) || added.isUpstream?.(child)) continue;
      seen.add(child.hash);
      frames.push({ node: child, rest: childrenOf(spec, child, TRACKED).reverse() });
    }
  }

  #addRecord(node: SpecNode, facts: NewFacts): InstallRecord {
    const record = recordOf(node.hash, {
      spec: databaseNode(node, nodeFormat(this.#base.version)),
      ref_count: this.#countReferences(node.hash),
      path: facts.path ?? null,
      installed: facts.installed,
      explicit: facts.explicit,
      installation_time: facts.installationTime,
      deprecated_for: null,
    });
    for (const hash of trackedHashes(node)) {
      this.#changeReference(hash, 1);
      const dependency = this.#records.get(hash);
      if (dependency !== undefined) this.#set(dependency, { ref_count: dependency.refCount + 1 });
    }
    this.#put(record);
    return record;
  }

  /**
   * How many records depend on a package that has no record: they may be older, if it was in an upstream store or its record was lost.
   * Counted once, then kept up to date by this edit.
   */
  #countReferences(hash: DagHash): number {
    this.#references ??= this.#countAllReferences();
    return this.#references.get(hash) ?? 0;
  }

  #countAllReferences(): Map<DagHash, number> {
    const counts = new Map<DagHash, number>();
    for (const record of this.#records.values())
      for (const hash of this.#trackedOf(record)) counts.set(hash, (counts.get(hash) ?? 0) + 1);
    return counts;
  }

  #changeReference(hash: DagHash, change: 1 | -1): void {
    this.#references?.set(hash, (this.#references.get(hash) ?? 0) + change);
  }

  #trackedOf(record: InstallRecord): ReadonlySet<DagHash> {
    return referencesOf(record, this.#base);
  }

  #update(record: InstallRecord, facts: NewFacts): InstallRecord {
    return this.#set(record, {
      path: facts.path ?? null,
      installed: facts.installed,
      explicit: facts.explicit,
      installation_time: facts.installationTime,
    });
  }

  #drop(first: InstallRecord): void {
    const pending = [first];
    for (let record = pending.pop(); record !== undefined; record = pending.pop()) {
      this.#records.delete(record.hash);
      this.#isChanged = true;
      for (const hash of this.#trackedOf(record)) {
        this.#changeReference(hash, -1);
        const dependency = this.#release(hash);
        if (dependency !== undefined) pending.push(dependency);
      }
      if (record.deprecatedFor === undefined) continue;
      const replacement = this.#release(record.deprecatedFor);
      if (replacement !== undefined) pending.push(replacement);
    }
  }

  /** Decrements the reference count; returns the record if nothing keeps it any longer. */
  #release(hash: DagHash): InstallRecord | undefined {
    const record = this.#records.get(hash);
    if (record === undefined) return undefined;
    const left = this.#set(record, { ref_count: Math.max(0, record.refCount - 1) });
    return left.refCount === 0 && !left.installed ? left : undefined;
  }

  #set(record: InstallRecord, changes: JsonObject): InstallRecord {
    const changed = recordOf(record.hash, { ...record.raw, ...changes });
    this.#put(changed);
    return changed;
  }

  #put(record: InstallRecord): void {
    this.#records.set(record.hash, record);
    this.#isChanged = true;
  }
}

interface NewFacts {
  readonly path: string | undefined;
  readonly installed: boolean;
  readonly explicit: boolean;
  readonly installationTime: number;
}

function dependencyFacts(node: SpecNode, added: InstalledPackage): NewFacts {
  const { installationTime } = added;
  if (node.external !== undefined)
    return { path: node.external.path, installed: true, explicit: false, installationTime };
  const path = added.pathOf(node);
  return { path, installed: added.isPresent?.(node, path) ?? false, explicit: false, installationTime };
}

function trackedHashes(node: SpecNode): ReadonlySet<DagHash> {
  const tracked = node.dependencies.filter(({ types }) => types.some((type) => TRACKED.includes(type)));
  return new Set(tracked.map(({ hash }) => hash));
}

const references = new WeakMap<object, ReadonlySet<DagHash>>();

/** The hashes a record depends on. The node is parsed once, however often the rest of the record changes. */
function referencesOf(record: InstallRecord, { version }: DatabaseContent): ReadonlySet<DagHash> {
  const { spec } = record.raw;
  if (typeof spec !== 'object' || spec === null) return new Set();
  const known = references.get(spec);
  if (known !== undefined) return known;
  const node = tryNodeOfRecord(record, version);
  const found = node === undefined ? new Set<DagHash>() : trackedHashes(node);
  references.set(spec, found);
  return found;
}

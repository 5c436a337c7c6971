// A Spack store: where packages are, and how they are added and removed. Brings together the database, the locks, the upstream stores
// and the paths of prefixes. DESIGN.md §4, FORMATS.md §1 "Prefix of a node".
import { isAbsolute, join, normalize, resolve } from 'node:path';
import type { PackagePermissions } from '../config/package-permissions.js';
import type { LockTimeouts } from '../config/store-settings.js';
import { MetadataError, StoreError, UsageError } from '../core/errors.js';
import type { WithSignal } from '../core/with-signal.js';
import { specFromRecords } from '../spec/json/spec-json.js';
import type { DagHash, Spec, SpecNode } from '../spec/spec.js';
import { type CommittedPrefix, commitPrefix } from './commit/commit.js';
import { recoverCommits } from './commit/commit-recovery.js';
import { StoreDatabase } from './database/database.js';
import { type DatabaseVersion, type InstallRecord, versionForFormat } from './database/database-file.js';
import { holdsPackage, isThere } from './database/installed-prefix.js';
import { Upstreams } from './database/upstreams.js';
import { StoreLocks } from './locks/locks.js';
import type { RecordLocks } from './locks/record-lock.js';
import { groupId } from './prefix/group.js';
import { directoryMode, type PermissionPolicy, permissionPolicy } from './prefix/permissions.js';
import { unpaddedRoot } from './root/padding.js';
import { ensureSbang, sbangPath } from './root/sbang.js';
import { prepareRoot, requireReadableRoot } from './root/store-root.js';
import { removeLeftovers } from './staging/private-folder.js';
import { StorePaths } from './store-layout.js';

export interface StoreOptions {
  readonly root: string;
  /** The root before padding; by default derived from the placeholder in `root`. */
  readonly unpaddedRoot?: string;
  /** The path of a node below the root (`Projections`); the default depends on the version of the database. */
  readonly projectPath: (node: SpecNode, spec: Spec, version: DatabaseVersion) => string;
  /** Roots of upstream stores, in order. */
  readonly upstreams?: readonly string[];
  readonly permissions?: PackagePermissions;
  /** `config:allow_sgid`. */
  readonly allowSetGroupId?: boolean;
  /** The prefix of the Spack that uses this tree. */
  readonly spackPrefix?: string | undefined;
  readonly noLock?: boolean;
  readonly lockTimeouts?: LockTimeouts;
  /** The system's record locks; by default those of the optional addon. */
  readonly recordLocks?: RecordLocks | undefined;
}

export interface Registration {
  /** The installed package is the root. */
  readonly spec: Spec;
  readonly prefix: string;
  readonly explicit: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface PrefixCommit {
  /** The finished tree. */
  readonly stage: string;
  readonly hash: DagHash;
  readonly prefix: string;
  readonly force?: boolean;
}

export class Store {
  readonly root: string;
  readonly unpaddedRoot: string;
  readonly spackPrefix: string | undefined;
  readonly paths: StorePaths;
  readonly locks: StoreLocks;
  readonly database: StoreDatabase;
  readonly upstreams: Upstreams;
  readonly #options: StoreOptions;

  private constructor(options: StoreOptions) {
    this.#options = options;
    this.root = normalRoot(options);
    this.unpaddedRoot = options.unpaddedRoot ?? unpaddedRoot(this.root);
    this.spackPrefix = options.spackPrefix;
    this.paths = new StorePaths(this.root);
    this.locks = new StoreLocks({
      paths: this.paths,
      noLock: options.noLock ?? false,
      timeouts: options.lockTimeouts ?? {},
      ...('recordLocks' in options ? { recordLocks: options.recordLocks } : {}),
    });
    this.database = new StoreDatabase(this.paths, this.locks);
    this.upstreams = new Upstreams(options.upstreams ?? []);
  }

  /**
   * Opens a store for reading.
   *
   * @throws StoreError `root-unusable`, `database-unreadable`, `database-version`.
   */
  static open(options: StoreOptions): Store {
    const store = new Store(options);
    requireReadableRoot(store.root);
    store.database.content();
    return store;
  }

  /**
   * Opens a store for writing: makes it if it does not exist, and removes what dead runs left behind.
   *
   * @throws StoreError `root-unusable`, `database-unreadable`, `database-version`, `locks-unavailable`, `database-locked`,
   * `disk-full`.
   */
  static async openForWriting(options: StoreOptions, { signal }: WithSignal = {}): Promise<Store> {
    const store = new Store(options);
    prepareRoot(store.paths, { withLocks: store.locks.kind === 'record' });
    store.database.content();
    store.locks.requireUsable();
    await recoverCommits({
      paths: store.paths,
      locks: store.locks,
      isInstalled: (hash) => store.database.installed(hash),
      signal,
    });
    removeLeftovers(store.paths);
    return store;
  }

  /** A store without a database gets one that holds these specs as they are: Spack 1.x reads no older one, older ones not its own. */
  beginWith(specs: readonly Spec[]): void {
    this.database.beginWith(versionForFormat(Math.max(0, ...specs.map(({ root }) => root.formatVersion))));
  }

  /** The path of the store's `sbang` for `#!` lines; throws RelocationError `sbang-path-too-long`. */
  get sbangPath(): string {
    return sbangPath(this.unpaddedRoot);
  }

  /** Installs `sbang` unless it exists. */
  ensureSbang(): string {
    const policy = this.permissionsOf('all');
    const fileMode = directoryMode(policy);
    if (policy.group === undefined) return ensureSbang(this.unpaddedRoot, { fileMode });
    return ensureSbang(this.unpaddedRoot, { fileMode, folderMode: fileMode, groupId: groupId(policy.group) });
  }

  /** The modes of a package's files; throws UsageError `config`. */
  permissionsOf(packageName: string): PermissionPolicy {
    return permissionPolicy({
      packageName,
      permissions: this.#options.permissions ?? {},
      allowSetGroupId: this.#options.allowSetGroupId ?? true,
    });
  }

  /**
   * The prefix of a node of a spec, installed or not: from the database, else from an upstream store, else its projection below the
   * root; for an external, its path.
   *
   * @throws UsageError `projection`; MetadataError `metadata-invalid` for an external that has no path.
   */
  prefixOf(node: SpecNode, spec: Spec): string {
    if (node.external !== undefined) return externalPath(node);
    const recorded = this.database.pathOf(node.hash) ?? this.upstreams.find(node.hash)?.record.path;
    return recorded ?? this.#projectedPrefix(node, spec);
  }

  /** The prefix to install a package to, in this store, whatever upstream stores have. Throws the same errors as `prefixOf`. */
  ownPrefixOf(node: SpecNode, spec: Spec): string {
    if (node.external !== undefined) return externalPath(node);
    return this.database.pathOf(node.hash) ?? this.#projectedPrefix(node, spec);
  }

  /** The prefix of an installed package, in this store or upstream. */
  installedPrefix(hash: DagHash): string | undefined {
    return this.isInstalled(hash) === undefined ? undefined : this.#record(hash)?.path;
  }

  /** Says where a package is installed. A record of this store decides, whatever upstream stores have. */
  isInstalled(hash: DagHash): 'here' | 'upstream' | undefined {
    const own = this.database.get(hash);
    const record = own ?? this.upstreams.find(hash)?.record;
    if (record === undefined || !isThere(record)) return undefined;
    return own === undefined ? 'upstream' : 'here';
  }

  /**
   * A recorded package with everything it depends on, upstream records included.
   *
   * @throws MetadataError `metadata-invalid` if there is no such record, or it cannot be read.
   */
  specOf(hash: DagHash): Spec {
    const lookup = (wanted: DagHash): SpecNode | undefined => {
      const own = this.database.get(wanted);
      if (own !== undefined) return this.database.nodeOf(own);
      const upstream = this.upstreams.find(wanted);
      return upstream?.database.nodeOf(upstream.record);
    };
    return specFromRecords(hash, lookup, this.paths.index);
  }

  /** Runs `use` while no other process works on the package's prefix; throws StoreError `database-locked`. */
  async withPrefixLock<Result>(
    hash: DagHash,
    use: () => Promise<Result> | Result,
    { signal }: WithSignal = {},
  ): Promise<Result> {
    const lock = await this.locks.prefix(hash, { signal });
    try {
      return await use();
    } finally {
      lock.release();
    }
  }

  /**
   * Puts a finished tree at its prefix; the caller then registers it, and finishes or rolls back.
   *
   * @throws StoreError `prefix-exists`, `prefix-conflict`, `store-io`, `disk-full`.
   */
  commit({ stage, hash, prefix, force = false }: PrefixCommit): CommittedPrefix {
    this.#refuseForeignPrefix(prefix, hash);
    return commitPrefix({ root: this.root, hash, stage, prefix, force });
  }

  /** Records a package as installed, with records for its dependencies. Throws the same errors as `StoreDatabase.transaction`. */
  register({ spec, prefix, explicit, signal }: Registration): Promise<InstallRecord> {
    return this.database.transaction(
      (edit) =>
        edit.addInstalled({
          spec,
          prefix,
          explicit,
          installationTime: Date.now() / 1000,
          pathOf: (node) => this.#projectedPrefix(node, spec),
          isUpstream: (node) => this.upstreams.find(node.hash) !== undefined,
          isPresent: holdsPackage,
        }),
      { signal },
    );
  }

  /**
   * Marks a package as explicitly installed; has no effect if it is not installed in this store.
   *
   * @returns whether anything changed.
   */
  markExplicit(hash: DagHash, { signal }: WithSignal = {}): Promise<boolean> {
    return this.database.transaction((edit) => edit.markExplicit(hash), { signal });
  }

  /** Removes a package from the database; the caller removes its files. */
  unregister(hash: DagHash, { signal }: WithSignal = {}): Promise<boolean> {
    return this.database.transaction((edit) => edit.removeRecord(hash), { signal });
  }

  #record(hash: DagHash): InstallRecord | undefined {
    return this.database.get(hash) ?? this.upstreams.find(hash)?.record;
  }

  #projectedPrefix(node: SpecNode, spec: Spec): string {
    const path = this.#options.projectPath(node, spec, this.database.content().version);
    const isInside =
      path !== '' &&
      !isAbsolute(path) &&
      normalize(path) === path &&
      /^(?!\.\.?(\/|$)|\.spack-db(\/|$))/.test(path);
    if (isInside && !path.endsWith('/')) return join(this.root, path);
    throw new UsageError(
      'projection',
      `Cannot use the projection of "${node.name}": "${path}" is not a path below the root`,
      {
        hint: 'Check "config:install_tree:projections" or --projection',
        data: { package: node.name, hash: node.hash, path },
      },
    );
  }

  /** Packages with the same projection must not replace each other, even with `force`, nor anything in another store. */
  #refuseForeignPrefix(prefix: string, hash: DagHash): void {
    const records = this.database.records();
    if (!prefix.startsWith(join(this.root, '/')) && records.get(hash)?.path !== prefix)
      throw new StoreError('prefix-conflict', `Cannot install to "${prefix}": it is outside "${this.root}"`, {
        hint: 'Upstream stores are read-only: install the package to a prefix in this store',
        data: { path: prefix, hash, root: this.root },
      });
    for (const record of records.values()) {
      if (record.path !== prefix || record.hash === hash || !record.installed) continue;
      throw new StoreError(
        'prefix-conflict',
        `Cannot install to "${prefix}": "/${record.hash}" is installed there`,
        {
          hint: 'Use a projection that tells them apart, for example with {hash:7}',
          data: { path: prefix, hash, other: record.hash },
        },
      );
    }
  }
}

/** Padding may end in a `/`, which is part of the root for Spack; any other trailing slash is dropped. */
function normalRoot({ root, unpaddedRoot }: StoreOptions): string {
  return unpaddedRoot !== undefined && unpaddedRoot !== root && isAbsolute(root)
    ? normalize(root)
    : resolve(root);
}

function externalPath(node: SpecNode): string {
  const path = node.external?.path;
  if (path !== undefined) return path;
  throw new MetadataError(
    'metadata-invalid',
    `Cannot find the external package "${node.name}": its spec has no path`,
    {
      data: { package: node.name, hash: node.hash },
    },
  );
}

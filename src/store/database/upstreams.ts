// Upstream stores: other trees whose packages serve as dependencies. They are read-only. FORMATS.md §1 "Prefix of a node".
import { existsSync } from 'node:fs';
import type { DagHash } from '../../spec/spec.js';
import { StorePaths } from '../store-layout.js';
import { StoreDatabase } from './database.js';
import type { InstallRecord } from './database-file.js';

interface Upstream {
  readonly paths: StorePaths;
  readonly database: StoreDatabase;
}

export interface UpstreamRecord {
  readonly root: string;
  readonly record: InstallRecord;
  readonly database: StoreDatabase;
}

/** The upstream stores, in search order. */
export class Upstreams {
  readonly #stores: readonly Upstream[];

  constructor(roots: readonly string[]) {
    this.#stores = roots.map((root) => {
      const paths = new StorePaths(root);
      return { paths, database: new StoreDatabase(paths) };
    });
  }

  /** Roots without a database: worth a warning, since the path may be wrong. */
  missing(): string[] {
    return this.#stores.filter(({ paths }) => !existsSync(paths.index)).map(({ paths }) => paths.root);
  }

  /**
   * The first record of a package.
   *
   * @throws StoreError `database-unreadable`, `database-version`, `root-unusable`.
   */
  find(hash: DagHash): UpstreamRecord | undefined {
    for (const { paths, database } of this.#stores) {
      const record = database.get(hash);
      if (record !== undefined) return { root: paths.root, record, database };
    }
    return undefined;
  }
}

// A store's database on disk. It is read again when it has changed, and changed only in transactions under its lock.
// FORMATS.md §2 "Store database"; Spack `Database`.
import { randomUUID } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { StoreError } from '../../core/errors.js';
import { systemErrorCode } from '../../host/system-error.js';
import type { DagHash, SpecNode } from '../../spec/spec.js';
import type { HeldLock, StoreLocks } from '../locks/locks.js';
import { replaceStoreFile, storeIoError } from '../store-io.js';
import { StorePaths } from '../store-layout.js';
import { DatabaseEdit } from './database-edit.js';
import {
  type DatabaseContent,
  type DatabaseVersion,
  emptyDatabase,
  formatDatabase,
  type InstallRecord,
  nodeOfRecord,
  type RecordMap,
  readDatabaseFile,
  tryNodeOfRecord,
} from './database-file.js';

/**
 * Reads the database of a store. No lock is needed: the file is always replaced as a whole.
 *
 * @returns undefined if the store has none.
 * @throws StoreError `database-unreadable`, `database-version`, `root-unusable`.
 */
export function readDatabase(root: string): DatabaseContent | undefined {
  return readDatabaseFile(new StorePaths(root).index);
}

interface PendingChange {
  readonly signal: AbortSignal | undefined;
  reject(error: unknown): void;
  /** Returns the changed content, and what to call once it is written. */
  apply(content: DatabaseContent): { readonly content: DatabaseContent; readonly done: () => void };
}

export class StoreDatabase {
  readonly #paths: StorePaths;
  /** Undefined for an upstream store, which is read-only. */
  readonly #locks: StoreLocks | undefined;
  #content: DatabaseContent = emptyDatabase();
  /** Of a database that is not there yet. */
  #newVersion: DatabaseVersion | undefined;
  #seen: string | undefined;
  readonly #pending: PendingChange[] = [];
  #isWriting = false;

  constructor(paths: StorePaths, locks?: StoreLocks) {
    this.#paths = paths;
    this.#locks = locks;
  }

  /** The current content; throws the same errors as `readDatabase`. */
  content(): DatabaseContent {
    const state = this.#stateOnDisk();
    if (state !== this.#seen) {
      this.#content = readDatabaseFile(this.#paths.index) ?? emptyDatabase(this.#newVersion);
      this.#seen = state;
    }
    return this.#content;
  }

  /** Chooses the version that a database gets which is not there yet; one that is there keeps its own. */
  beginWith(version: DatabaseVersion): void {
    this.#newVersion = version;
    this.#seen = undefined;
  }

  get(hash: DagHash): InstallRecord | undefined {
    return this.content().records.get(hash);
  }

  /** Says whether the package is recorded as installed in this store. */
  installed(hash: DagHash): boolean {
    return this.get(hash)?.installed ?? false;
  }

  /** All records, in the order of the file. */
  records(): RecordMap {
    return this.content().records;
  }

  /** The recorded path, even of a package that is not installed, or no longer. */
  pathOf(hash: DagHash): string | undefined {
    return this.get(hash)?.path;
  }

  /** The spec node of a record; throws MetadataError if it cannot be read. */
  nodeOf(record: InstallRecord): SpecNode {
    return nodeOfRecord(record, this.content().version);
  }

  /** The namespaces of the recorded packages, without those whose node cannot be read. */
  namespaces(): ReadonlySet<string> {
    const { records, version } = this.content();
    const found = new Set<string>();
    for (const record of records.values()) {
      const namespace = tryNodeOfRecord(record, version)?.namespace;
      if (namespace !== undefined) found.add(namespace);
    }
    return found;
  }

  /**
   * Changes the database under its lock. If `change` throws, nothing of it is written. Changes that arrive while another one
   * waits for the lock are written together with it, since each write writes the whole file.
   *
   * @throws StoreError `database-locked`, `locks-unavailable`, `database-unreadable`, `database-version`, `store-io`, `disk-full`.
   */
  async transaction<Result>(
    change: (edit: DatabaseEdit) => Result,
    { signal }: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<Result> {
    if (this.#locks === undefined) throw new TypeError(`The store "${this.#paths.root}" is read-only`);
    const locks = this.#locks;
    return new Promise<Result>((resolve, reject) => {
      this.#pending.push({
        signal,
        reject,
        apply: (content) => {
          const edit = new DatabaseEdit(content);
          const result = change(edit);
          return { content: edit.isChanged ? edit.content() : content, done: () => resolve(result) };
        },
      });
      this.#isWriting ||= this.#writePending(locks);
    });
  }

  /** Starts writing the pending changes, batch by batch; always returns true. */
  #writePending(locks: StoreLocks): true {
    const run = async () => {
      while (this.#pending.length > 0) await this.#writeBatch(locks);
      this.#isWriting = false;
    };
    void run();
    return true;
  }

  /** Everything pending when the lock is taken goes into one write. */
  async #writeBatch(locks: StoreLocks): Promise<void> {
    const { signal } = this.#pending[0] ?? {};
    const isShared = this.#pending.every((each) => each.signal === signal);
    let lock: HeldLock;
    try {
      lock = await locks.database({ signal: isShared ? signal : undefined });
    } catch (error) {
      for (const change of this.#pending.splice(0)) change.reject(error);
      return;
    }
    const batch = this.#pending.splice(0);
    try {
      for (const done of this.#applyAll(batch)) done();
    } catch (error) {
      for (const change of batch) change.reject(error);
    } finally {
      lock.release();
    }
  }

  /** Applies changes one after the other and writes the result, without those that throw. */
  #applyAll(batch: readonly PendingChange[]): (() => void)[] {
    const before = this.content();
    let content = before;
    const done: (() => void)[] = [];
    for (const change of batch) {
      try {
        const applied = change.apply(content);
        content = applied.content;
        done.push(applied.done);
      } catch (error) {
        change.reject(error);
      }
    }
    if (content !== before) this.#write(content);
    return done;
  }

  #write(content: DatabaseContent): void {
    const { index, verifier } = this.#paths;
    const own = `${hostname()}.${process.pid}.temp`;
    replaceStoreFile({ path: index, content: formatDatabase(content), temporary: `${index}.${own}` });
    // A running Spack reads the index again only if this differs.
    replaceStoreFile({ path: verifier, content: randomUUID(), temporary: `${verifier}.${own}`, sync: false });
    this.#content = content;
    this.#seen = this.#stateOnDisk();
  }

  /** Changes with every write: the file is new each time, and so is the text of its verifier. */
  #stateOnDisk(): string {
    const { index, verifier } = this.#paths;
    try {
      const file = statSync(index, { bigint: true });
      if (!file.isFile())
        throw new StoreError(
          'database-unreadable',
          `Cannot read the store database "${index}": it is not a file`,
          {
            data: { path: index },
          },
        );
      return [file.dev, file.ino, file.size, file.mtimeNs, readVerifier(verifier)].join(' ');
    } catch (cause) {
      if (systemErrorCode(cause) === 'ENOENT') return 'absent';
      throw storeIoError('read', index, cause, 'root-unusable');
    }
  }
}

function readVerifier(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

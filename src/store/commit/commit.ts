// Puts a finished tree at its prefix with one rename, so that a prefix is complete or absent. What `--force` replaces is moved aside
// first, and moved back if anything fails. DESIGN.md §2.
import { lstatSync, readdirSync, renameSync } from 'node:fs';
import { isAbsolute, normalize } from 'node:path';
import { StoreError } from '../../core/errors.js';
import { removeTree } from '../../host/remove-tree.js';
import { isAbsent, systemErrorCode } from '../../host/system-error.js';
import type { DagHash } from '../../spec/spec.js';
import { privatePath } from '../staging/private-folder.js';
import { storeIo, storeIoError } from '../store-io.js';
import { StorePaths } from '../store-layout.js';
import { type CommitNote, identityOf, removeNote, writeNote } from './commit-note.js';
import { makeParents, removeEmptyParents } from './parent-folders.js';

export interface CommitRequest {
  /** Root of the store. */
  readonly root: string;
  readonly hash: DagHash;
  /** The finished tree, on the file system of the prefix. */
  readonly stage: string;
  readonly prefix: string;
  /** Replace an existing prefix. */
  readonly force?: boolean;
}

/** A prefix that is in place, but can still be rolled back. */
export interface CommittedPrefix {
  /** Keeps the new prefix and removes what it replaced. */
  finish(): void;
  /** Removes the new prefix and moves back what it replaced. */
  rollback(): void;
}

/**
 * Renames a finished tree to its prefix.
 *
 * @throws StoreError `prefix-exists` if there is anything but an empty directory at the prefix and `force` is not set,
 * `prefix-conflict`, `store-io`, `disk-full`; then everything is as before, the tree included.
 */
export function commitPrefix(request: CommitRequest): CommittedPrefix {
  const { prefix, force = false } = request;
  if (!isAbsolute(prefix) || normalize(prefix) !== prefix)
    throw new TypeError(`Not a normal absolute path: "${prefix}"`);
  const present = whatIsAt(prefix);
  if (present === 'something' && !force) throw prefixExists(prefix);
  const paths = new StorePaths(request.root);
  const parents = makeParents(prefix);
  let change: PrefixChange;
  try {
    change = new PrefixChange(paths, noteOf(request, paths, parents));
  } catch (cause) {
    removeEmptyParents(parents);
    throw cause;
  }
  change.apply(request.stage, { replace: present === 'something' });
  return change;
}

function noteOf(request: CommitRequest, paths: StorePaths, parents: readonly string[]): CommitNote {
  const { hash, prefix, stage } = request;
  const tree = identityOf(stage);
  if (tree === undefined) throw new TypeError(`There is no tree at "${stage}"`);
  return { hash, prefix, tree, parents, replaced: privatePath(paths, hash, 'replaced') };
}

class PrefixChange implements CommittedPrefix {
  readonly #paths: StorePaths;
  readonly #note: CommitNote;
  readonly #notePath: string;
  #hasReplaced = false;

  constructor(paths: StorePaths, note: CommitNote) {
    this.#paths = paths;
    this.#note = note;
    this.#notePath = writeNote(paths, note);
  }

  apply(stage: string, { replace }: { readonly replace: boolean }): void {
    const { prefix } = this.#note;
    try {
      if (replace) {
        moveTo(prefix, this.#note.replaced);
        this.#hasReplaced = true;
      }
      moveTo(stage, prefix);
    } catch (cause) {
      this.#restore();
      throw cause;
    }
  }

  finish(): void {
    try {
      if (this.#hasReplaced) removeTree(this.#note.replaced);
      removeNote(this.#notePath);
    } catch {
      // The package is installed; the note stays, and a later run does the rest.
    }
  }

  rollback(): void {
    const { prefix, hash } = this.#note;
    const trash = privatePath(this.#paths, hash, 'trash');
    moveTo(prefix, trash);
    this.#restore();
    storeIo('remove', trash, () => removeTree(trash));
  }

  #restore(): void {
    if (this.#hasReplaced) moveTo(this.#note.replaced, this.#note.prefix);
    removeEmptyParents(this.#note.parents);
    removeNote(this.#notePath);
  }
}

/** Says what is at a prefix; a symbolic link is something, whatever its target. */
function whatIsAt(prefix: string): 'nothing' | 'something' {
  try {
    if (!lstatSync(prefix).isDirectory()) return 'something';
    // rename(2) replaces an empty directory.
    return readdirSync(prefix).length === 0 ? 'nothing' : 'something';
  } catch (cause) {
    if (isAbsent(cause)) return 'nothing';
    throw storeIoError('look at', prefix, cause);
  }
}

/** Renames a file, a link or a directory; both paths must be on one file system. */
export function moveTo(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (cause) {
    const code = systemErrorCode(cause);
    if (code === 'EXDEV') throw otherFileSystem(from, to, cause);
    if (code === 'ENOTEMPTY' || code === 'EEXIST' || code === 'ENOTDIR') throw prefixExists(to, cause);
    throw storeIoError(`move "${from}" to`, to, cause);
  }
}

function prefixExists(prefix: string, cause?: unknown): StoreError {
  return new StoreError('prefix-exists', `Cannot install to "${prefix}": it already exists`, {
    hint: 'Use --force to replace it',
    cause,
    data: { path: prefix },
  });
}

function otherFileSystem(from: string, to: string, cause: unknown): StoreError {
  return new StoreError('store-io', `Cannot move "${from}" to "${to}": they are on different file systems`, {
    hint: 'The prefixes of a store must be on the file system of its ".spack-db"',
    cause,
    data: { path: to, from, errno: 'EXDEV' },
  });
}

// A note on disk about a prefix that is being put in place, so that the next run can finish or undo it after a crash.
import { lstatSync, readFileSync } from 'node:fs';
import { removeTree } from '../../host/remove-tree.js';
import type { DagHash, JsonObject } from '../../spec/spec.js';
import { privatePath } from '../staging/private-folder.js';
import { replaceStoreFile, storeIo } from '../store-io.js';
import type { StorePaths } from '../store-layout.js';

/** A directory keeps this when it is renamed. */
export interface FolderIdentity {
  readonly device: string;
  readonly inode: string;
}

export interface CommitNote {
  readonly hash: DagHash;
  readonly prefix: string;
  /** The tree that becomes the prefix. */
  readonly tree: FolderIdentity;
  /** Where the old content of the prefix is moved. */
  readonly replaced: string;
  /** Directories that were made above the prefix, topmost first. */
  readonly parents: readonly string[];
}

/** The identity of a file, without following links; undefined if it does not exist. */
export function identityOf(path: string): FolderIdentity | undefined {
  const found = storeIo('look at', path, () => lstatSync(path, { bigint: true, throwIfNoEntry: false }));
  return found && { device: String(found.dev), inode: String(found.ino) };
}

export function isSameFolder(a: FolderIdentity | undefined, b: FolderIdentity): boolean {
  return a !== undefined && a.device === b.device && a.inode === b.inode;
}

/** Writes a note; returns its path. */
export function writeNote(paths: StorePaths, note: CommitNote): string {
  const path = privatePath(paths, note.hash, 'commits');
  const temporary = privatePath(paths, note.hash, 'trash');
  replaceStoreFile({ path, content: JSON.stringify(note), temporary, sync: false });
  return path;
}

/** Reads a note; undefined if it is not readable as one. */
export function readNote(path: string): CommitNote | undefined {
  try {
    const note = JSON.parse(readFileSync(path, 'utf8')) as JsonObject;
    return isNote(note) ? note : undefined;
  } catch {
    return undefined;
  }
}

export function removeNote(path: string): void {
  storeIo('remove', path, () => removeTree(path));
}

function isNote(value: unknown): value is CommitNote {
  if (typeof value !== 'object' || value === null) return false;
  const note = value as Partial<CommitNote>;
  return (
    [note.hash, note.prefix, note.replaced, note.tree?.device, note.tree?.inode].every(
      (text) => typeof text === 'string',
    ) &&
    Array.isArray(note.parents) &&
    note.parents.every((parent) => typeof parent === 'string')
  );
}

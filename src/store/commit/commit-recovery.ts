// Recovery after a crash: a prefix that was put in place but not recorded is removed, what it replaced is moved back, and a recorded
// one stays. The notes of `commit.ts` say where to look.

import { removeTree } from '../../host/remove-tree.js';
import type { DagHash } from '../../spec/spec.js';
import type { StoreLocks } from '../locks/locks.js';
import { abandonedPaths, privatePath } from '../staging/private-folder.js';
import { storeIo } from '../store-io.js';
import type { StorePaths } from '../store-layout.js';
import { moveTo } from './commit.js';
import { type CommitNote, identityOf, isSameFolder, readNote, removeNote } from './commit-note.js';
import { removeEmptyParents } from './parent-folders.js';

export interface RecoveryRequest {
  readonly paths: StorePaths;
  readonly locks: StoreLocks;
  /** Says whether the database has the package as installed. */
  readonly isInstalled: (hash: DagHash) => boolean;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Finishes or undoes the commits of dead processes; a prefix that another process is working on is left for later.
 *
 * @returns the prefixes that were recovered.
 */
export async function recoverCommits(request: RecoveryRequest): Promise<string[]> {
  const recovered: string[] = [];
  for (const path of abandonedPaths(request.paths, 'commits')) {
    const note = readNote(path);
    if (note === undefined) removeNote(path);
    else if (await recoverUnderLock(request, note, path)) recovered.push(note.prefix);
  }
  return recovered;
}

async function recoverUnderLock(request: RecoveryRequest, note: CommitNote, path: string): Promise<boolean> {
  const { locks, paths, isInstalled, signal } = request;
  const lock = await locks.prefix(note.hash, { signal, timeout: 0 }).catch((cause: unknown) => {
    if (signal?.aborted) throw cause;
    return undefined;
  });
  if (lock === undefined) return false;
  try {
    // Another process may have recovered it before the lock was taken.
    if (identityOf(path) === undefined) return false;
    settle(note, { paths, isRecorded: isInstalled(note.hash) });
    removeNote(path);
    return true;
  } finally {
    lock.release();
  }
}

function settle(
  note: CommitNote,
  { paths, isRecorded }: { readonly paths: StorePaths; readonly isRecorded: boolean },
): void {
  const present = identityOf(note.prefix);
  const hasReplaced = identityOf(note.replaced) !== undefined;
  const isOurs = isSameFolder(present, note.tree);
  if (isOurs && isRecorded) {
    if (hasReplaced) storeIo('remove', note.replaced, () => removeTree(note.replaced));
    return;
  }
  if (isOurs) discard(note, paths);
  if (hasReplaced && (isOurs || present === undefined)) moveTo(note.replaced, note.prefix);
  removeEmptyParents(note.parents);
}

/** Renamed away first, so that no half-removed prefix is ever visible. */
function discard({ hash, prefix }: CommitNote, paths: StorePaths): void {
  const trash = privatePath(paths, hash, 'trash');
  moveTo(prefix, trash);
  storeIo('remove', trash, () => removeTree(trash));
}

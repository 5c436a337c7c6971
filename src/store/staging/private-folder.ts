// `.spack-db/regraft/`: the private folder of regraft in a store. Each folder in it belongs to one process; those of dead processes are
// removed when the next run begins. DESIGN.md §4.
import { mkdirSync, readdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { pidExists } from '../../host/process-id.js';
import { removeTree } from '../../host/remove-tree.js';
import { systemErrorCode } from '../../host/system-error.js';
import { isAbandonedName, temporaryName } from '../../host/temporary-name.js';
import { storeIo, storeIoError } from '../store-io.js';
import { StorePaths } from '../store-layout.js';

/**
 * What the folders hold: packages being staged, prefixes that `--force` moved aside, trees being removed, and notes about prefixes
 * being put in place.
 */
export type PrivatePurpose = 'stage' | 'replaced' | 'trash' | 'commits';

/** `recoverCommits` needs these after a process has died; all else can be removed at once. */
const DISPOSABLE: readonly PrivatePurpose[] = ['stage', 'trash'];
const OWN_NAME = /^[^-]+-\d+-[0-9a-f]{16}$/;

/**
 * Makes a private folder, mode 0700, on the file system of the store.
 *
 * @returns its path: `.spack-db/regraft/stage/<hash>-<pid>-<random>`.
 * @throws StoreError `store-io`, `disk-full`.
 */
export function createPrivateFolder(
  storeRoot: string,
  hash: string,
  purpose: PrivatePurpose = 'stage',
): string {
  const path = privatePath(new StorePaths(storeRoot), hash, purpose);
  storeIo('create', path, () => mkdirSync(path, { mode: 0o700 }));
  return path;
}

/** A new path for a private file or folder of this process; only its parent is made. */
export function privatePath(paths: StorePaths, hash: string, purpose: PrivatePurpose): string {
  const folder = purposeFolder(paths, purpose);
  storeIo('create', folder, () => mkdirSync(folder, { recursive: true }));
  return join(folder, temporaryName(hash));
}

function purposeFolder(paths: StorePaths, purpose: PrivatePurpose): string {
  return join(paths.privateFolder, purpose);
}

/** What dead processes of this host left in one of the folders; names that regraft did not make are ignored. */
export function abandonedPaths(paths: StorePaths, purpose: PrivatePurpose): string[] {
  const folder = purposeFolder(paths, purpose);
  return list(folder)
    .filter((name) => OWN_NAME.test(name) && isAbandonedName(name))
    .map((name) => join(folder, name));
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (cause) {
    if (systemErrorCode(cause) === 'ENOENT') return [];
    throw storeIoError('list', folder, cause);
  }
}

/**
 * Removes what dead processes left behind: stages, trash and half-written databases. Safe while other processes run.
 *
 * @returns the removed paths.
 */
export function removeLeftovers(paths: StorePaths): string[] {
  const abandoned = DISPOSABLE.flatMap((purpose) => abandonedPaths(paths, purpose));
  return [...abandoned, ...halfWrittenFiles(paths)].filter(tryRemove);
}

/** `index.json.<host>.<pid>.temp`, regraft's or Spack's, of a process of this host that is gone. */
function halfWrittenFiles(paths: StorePaths): string[] {
  const name = /^index(?:\.json|_verifier)\.(?<host>.+)\.(?<pid>\d+)\.temp$/;
  return list(paths.databaseFolder)
    .filter((entry) => {
      const parts = name.exec(entry)?.groups;
      return parts !== undefined && parts.host === hostname() && !pidExists(Number(parts.pid));
    })
    .map((entry) => join(paths.databaseFolder, entry));
}

/** Another process may be removing it too, or it belongs to another user: neither is a reason to stop. */
function tryRemove(path: string): boolean {
  try {
    removeTree(path);
    return true;
  } catch {
    return false;
  }
}

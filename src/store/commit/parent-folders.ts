// The directories above a prefix: made with the mode and group of the nearest existing one, whatever the umask, and removed again if
// the installation fails. FORMATS.md §5 "modes".
import { chmodSync, chownSync, mkdirSync, rmdirSync, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { StoreError } from '../../core/errors.js';
import { isAbsent, systemErrorCode } from '../../host/system-error.js';
import { storeIo, storeIoError } from '../store-io.js';

const MODE_BITS = 0o7777;

/**
 * Makes the directories above `prefix` that are missing.
 *
 * @returns those that this call made, topmost first.
 * @throws StoreError `prefix-conflict` if part of the path is not a directory, `store-io`, `disk-full`.
 */
export function makeParents(prefix: string): string[] {
  const { existing, missing } = splitExisting(dirname(prefix));
  const made: string[] = [];
  try {
    for (const folder of missing) if (makeLike(folder, existing)) made.push(folder);
  } catch (cause) {
    removeEmptyParents(made);
    throw cause;
  }
  return made;
}

/** Removes the directories again, except those that are no longer empty. */
export function removeEmptyParents(made: readonly string[]): void {
  for (const folder of made.toReversed()) {
    try {
      rmdirSync(folder);
    } catch {
      return;
    }
  }
}

function splitExisting(folder: string): { existing: Stats; missing: string[] } {
  const missing: string[] = [];
  for (let current = folder; ; current = dirname(current)) {
    const existing = statIfThere(current);
    if (existing?.isDirectory()) return { existing, missing };
    if (existing !== undefined) throw notDirectory(current);
    missing.unshift(current);
  }
}

function statIfThere(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch (cause) {
    if (isAbsent(cause)) return undefined;
    throw storeIoError('look at', path, cause);
  }
}

/** @returns false if another process was faster. */
function makeLike(folder: string, model: Stats): boolean {
  return storeIo('create', folder, () => {
    try {
      mkdirSync(folder);
    } catch (cause) {
      if (systemErrorCode(cause) !== 'EEXIST') throw cause;
      if (statIfThere(folder)?.isDirectory()) return false;
      throw notDirectory(folder);
    }
    takeGroup(folder, model);
    chmodSync(folder, model.mode & MODE_BITS);
    return true;
  });
}

/** Only members of a group can give files to it; for others the group stays that of the user, as in Spack. */
function takeGroup(folder: string, model: Stats): void {
  const { gid, uid } = statSync(folder);
  if (gid === model.gid) return;
  try {
    chownSync(folder, uid, model.gid);
  } catch (cause) {
    if (systemErrorCode(cause) !== 'EPERM') throw cause;
  }
}

function notDirectory(path: string): StoreError {
  return new StoreError('prefix-conflict', `Cannot make a prefix below "${path}": it is not a directory`, {
    hint: 'Move it away, or use another projection',
    data: { path },
  });
}

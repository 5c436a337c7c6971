// A lock file of our own, for systems without record locks: it is there while somebody holds the lock, and says who. Spack does not
// look at it.
import { readFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { isAlive, type ProcessId } from '../../host/process-id.js';
import { systemErrorCode } from '../../host/system-error.js';

/** How old the mark of a process that takes a stale lock away gets before it counts as stale itself, in milliseconds. */
const BREAKING_TIMEOUT = 30_000;

/** Creates the lock file if nobody who is alive holds it. */
export function tryLockFile(path: string): boolean {
  if (create(path)) return true;
  if (!isStale(path)) return false;
  breakLock(path);
  return create(path);
}

/** Removes a lock file that this process created. */
export function unlockFile(path: string): void {
  try {
    unlinkSync(path);
  } catch (cause) {
    if (systemErrorCode(cause) !== 'ENOENT') throw cause;
  }
}

/** Who holds a lock file, as far as it says; undefined when it is gone or not readable. */
export function lockFileOwner(path: string): ProcessId | undefined {
  try {
    const [pid = '', host = ''] = readFileSync(path, 'utf8').trim().split(' ');
    return /^\d+$/.test(pid) && host !== '' ? { pid: Number(pid), host } : undefined;
  } catch {
    return undefined;
  }
}

function create(path: string): boolean {
  try {
    writeFileSync(path, `${process.pid} ${hostname()}\n`, { flag: 'wx' });
    return true;
  } catch (cause) {
    if (systemErrorCode(cause) === 'EEXIST') return false;
    throw cause;
  }
}

/** What names no owner may be in the making: it is left alone. */
function isStale(path: string): boolean {
  const owner = lockFileOwner(path);
  return owner !== undefined && !isAlive(owner);
}

/** Two processes may find the same lock stale: only the one that makes the mark looks again and removes it. */
function breakLock(path: string): void {
  const mark = `${path}.breaking`;
  if (!create(mark)) {
    removeOldMark(mark);
    return;
  }
  try {
    if (isStale(path)) unlockFile(path);
  } finally {
    unlockFile(mark);
  }
}

function removeOldMark(mark: string): void {
  if (isStale(mark) && ageOf(mark) > BREAKING_TIMEOUT) unlockFile(mark);
}

function ageOf(path: string): number {
  try {
    return Date.now() - statSync(path).mtimeMs;
  } catch {
    return 0;
  }
}

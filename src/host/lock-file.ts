// A lock file of regraft's own: it exists while a process holds the lock, and names that process. Spack
// ignores it.
import { readFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { isAlive, type ProcessId } from './process-id.js';
import { systemErrorCode } from './system-error.js';

/** Age in milliseconds from which the mark of a process that removes a stale lock, or an empty lock file, is stale itself. */
const BREAKING_TIMEOUT = 30_000;

/** Creates the lock file if no living process holds it. */
export function tryLockFile(path: string): boolean {
  if (create(path)) return true;
  if (!isStale(path)) return false;
  breakLock(path);
  return create(path);
}

/** Removes a lock file created by this process. */
export function unlockFile(path: string): void {
  try {
    unlinkSync(path);
  } catch (cause) {
    if (systemErrorCode(cause) !== 'ENOENT') throw cause;
  }
}

/** The holder of a lock file; undefined if the file is gone or not readable. */
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

/** A file without an owner may still be being written, unless it is old: then its writer was killed in between. */
function isStale(path: string): boolean {
  const owner = lockFileOwner(path);
  if (owner !== undefined) return !isAlive(owner);
  return sizeOf(path) === 0 && ageOf(path) > BREAKING_TIMEOUT;
}

/** Two processes may find the same lock stale: only the one that creates the mark checks again and removes it. */
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

function sizeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.size;
}

function ageOf(path: string): number {
  try {
    return Date.now() - statSync(path).mtimeMs;
  } catch {
    return 0;
  }
}

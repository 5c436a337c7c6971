// Lets one process at a time compare a file and replace it, since no system call does both. The lock is held for as long as a stat and a
// rename take.
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { MirrorError } from '../../core/errors.js';
import { tryLockFile, unlockFile } from '../../host/lock-file.js';
import { systemErrorCode } from '../../host/system-error.js';

/** Milliseconds. Only a process that died meanwhile on another host, or just when it made the file, makes anybody wait for so long. */
const PATIENCE = 60_000;
const LONGEST_POLL = 20;

/**
 * Runs work while this process alone has the lock file.
 * @throws MirrorError `mirror-write-failed` when another process keeps it, and what the work throws
 */
export async function withReplaceLock<T>(lock: string, work: () => Promise<T>): Promise<T> {
  const end = performance.now() + PATIENCE;
  while (!(await tryLock(lock))) {
    if (performance.now() > end) throw isHeld(lock);
    await delay(Math.random() * LONGEST_POLL);
  }
  try {
    return await work();
  } finally {
    unlockFile(lock);
  }
}

/** The folder may be removed by another process between the two steps. */
async function tryLock(lock: string): Promise<boolean> {
  await mkdir(dirname(lock), { recursive: true });
  try {
    return tryLockFile(lock);
  } catch (cause) {
    if (systemErrorCode(cause) === 'ENOENT') return false;
    throw cause;
  }
}

function isHeld(lock: string): MirrorError {
  return new MirrorError('mirror-write-failed', `Cannot lock the mirror: another process keeps "${lock}"`, {
    hint: 'If no other process writes to the mirror, remove that file',
    retryable: true,
    data: { lock },
  });
}

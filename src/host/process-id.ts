// Names a process so that others can later tell whether it is still running.
import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { systemErrorCode } from './system-error.js';

export interface ProcessId {
  readonly pid: number;
  readonly host: string;
}

/** Says whether a process may still be running. Nothing is known of a process on another host, so it counts as running. */
export function isAlive({ pid, host }: ProcessId): boolean {
  if (host !== hostname()) return true;
  return pidExists(pid);
}

/** Says whether this host has a process with that number. */
export function pidExists(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return systemErrorCode(cause) !== 'ESRCH';
  }
}

/** Identifies this host in eight hexadecimal digits, for file names. */
export function hostTag(): string {
  return createHash('sha256').update(hostname()).digest('hex').slice(0, 8);
}

// Coded errors for the files of a store.
import { MirrorError, type MirrorErrorCode } from '../../core/errors.js';
import { systemErrorCode } from '../../host/system-error.js';

const WRITE_CODES: Readonly<Record<string, MirrorErrorCode>> = {
  EACCES: 'mirror-read-only',
  EPERM: 'mirror-read-only',
  EROFS: 'mirror-read-only',
  ENOSPC: 'mirror-full',
  EDQUOT: 'mirror-full',
};
const WRITE_HINTS: Readonly<Partial<Record<MirrorErrorCode, string>>> = {
  'mirror-read-only': 'Check the permissions of the mirror folder',
  'mirror-full': 'Free some space, then run the same command again',
};

export function unreadable(location: string, cause: unknown): MirrorError {
  const reason = systemErrorCode(cause) ?? String(cause);
  return new MirrorError('mirror-unreachable', `Cannot read "${location}": ${reason}`, {
    cause,
    data: { location, reason },
  });
}

/** A file that ended early, because it was truncated during the read. */
export function shrunk({ location, size, position }: Shrunk): MirrorError {
  return new MirrorError(
    'mirror-truncated',
    `Cannot read "${location}": it ended after ${position} of ${size} bytes`,
    { retryable: true, data: { location, expected: size, actual: position } },
  );
}

interface Shrunk {
  readonly location: string;
  readonly size: number;
  readonly position: number;
}

export function missing(location: string): MirrorError {
  return new MirrorError('mirror-not-found', `Cannot read "${location}": no such file`, {
    hint: 'The mirror is incomplete: push the package again, or update its index',
    data: { location },
  });
}

/** The file that a request depends on was replaced, or a file exists where none may. */
export function changed(location: string, action: 'read' | 'write' | 'remove'): MirrorError {
  return new MirrorError('mirror-changed', `Cannot ${action} "${location}": it was changed by someone else`, {
    data: { location },
  });
}

export function writeError(location: string, cause: unknown, action = 'write'): MirrorError {
  if (cause instanceof MirrorError) return cause;
  const reason = systemErrorCode(cause) ?? String(cause);
  const code = WRITE_CODES[reason] ?? 'mirror-write-failed';
  const hint = WRITE_HINTS[code];
  return new MirrorError(code, `Cannot ${action} "${location}": ${reason}`, {
    ...(hint === undefined ? {} : { hint }),
    retryable: code === 'mirror-full',
    cause,
    data: { location, reason },
  });
}

/** Whether an error means that a path does not exist. */
export function isAbsence(cause: unknown): boolean {
  const code = systemErrorCode(cause);
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENAMETOOLONG';
}

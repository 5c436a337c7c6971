// File operations of the store, with the errors that they end in, and the one way in which its files are replaced:
// written beside their place, synced, renamed.
import {
  chmodSync,
  closeSync,
  fchmodSync,
  fsyncSync,
  lstatSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { BuildcacheError, StoreError, type StoreErrorCode } from '../core/errors.js';

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: 'no space is left on the device',
  EDQUOT: 'the disk quota is exceeded',
  EACCES: 'permission denied',
  EPERM: 'the operation is not permitted',
  EROFS: 'the file system is read only',
  ENOENT: 'it does not exist',
  ENOTDIR: 'a part of its path is not a directory',
  EISDIR: 'it is a directory',
  ELOOP: 'too many symbolic links',
  ENAMETOOLONG: 'the path is too long',
  EXDEV: 'it lies on another file system',
};

const SLASH = Buffer.from('/');

/** The `code` of a failed system call; undefined for any other error. */
export function errorNumber(cause: unknown): string | undefined {
  if (!(cause instanceof Error) || !('code' in cause)) return undefined;
  return typeof cause.code === 'string' ? cause.code : undefined;
}

/** What a failed system call means, in words. */
export function reasonOf(cause: unknown): string {
  const number = errorNumber(cause);
  return (number && (REASONS[number] ?? number)) || String(cause);
}

/**
 * Makes the error of a file operation that failed.
 *
 * @param action - what could not be done, as in `Cannot <action> "<path>"`.
 * @param code - what a failure for any other reason than a full disk is called; `store-io` unless given.
 * @returns a StoreError `disk-full` or `code`; a coded error stays what it is.
 */
export function storeIoError(
  action: string,
  path: string,
  cause: unknown,
  code: StoreErrorCode = 'store-io',
): BuildcacheError {
  if (cause instanceof BuildcacheError) return cause;
  const number = errorNumber(cause);
  const isFull = number === 'ENOSPC' || number === 'EDQUOT';
  return new StoreError(isFull ? 'disk-full' : code, `Cannot ${action} "${path}": ${reasonOf(cause)}`, {
    ...(isFull ? { hint: 'Free some space, then run the same command again', retryable: true } : {}),
    cause,
    data: { path, errno: number },
  });
}

/** Runs a file operation, and gives the error that it may end in its place in the store. */
export function storeIo<Result>(action: string, path: string, operation: () => Result): Result {
  try {
    return operation();
  } catch (cause) {
    throw storeIoError(action, path, cause);
  }
}

export interface ReplacedFile {
  readonly path: string;
  readonly content: string;
  /** Where the content is written before it gets its name; on the same file system. */
  readonly temporary: string;
  /** Exact mode; without one the umask decides. */
  readonly mode?: number;
  /** False: the content need not survive a loss of power. */
  readonly sync?: boolean;
}

/**
 * Replaces a file in one step: a reader sees the old content or the new one, also after a crash.
 *
 * @throws StoreError `disk-full` or `store-io`; nothing is left of the temporary file.
 */
export function replaceFile(file: ReplacedFile): void {
  const { path, temporary } = file;
  try {
    writeTemporary(file);
    renameSync(temporary, path);
  } catch (cause) {
    removeIfThere(temporary);
    throw storeIoError('write', path, cause);
  }
}

function writeTemporary({ temporary, content, mode, sync = true }: ReplacedFile): void {
  const descriptor = openSync(temporary, 'w', 0o666);
  try {
    writeFileSync(descriptor, content);
    if (mode !== undefined) fchmodSync(descriptor, mode);
    if (sync) fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function removeIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // The write failed before there was a file, or the folder is gone: the first error is the one to tell.
  }
}

/** Removes a file or a whole tree, also where its directories do not let their owner write; symbolic links are not followed. */
export function removeTree(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch (cause) {
    const number = errorNumber(cause);
    if (number !== 'EACCES' && number !== 'EPERM') throw cause;
    unlockDirectories(Buffer.from(path));
    rmSync(path, { recursive: true, force: true });
  }
}

/** Names are bytes: not every one is UTF-8. */
function unlockDirectories(path: Buffer): void {
  if (!lstatSync(path).isDirectory()) return;
  chmodSync(path, 0o700);
  for (const name of readdirSync(path, { encoding: 'buffer' }))
    unlockDirectories(Buffer.concat([path, SLASH, name]));
}

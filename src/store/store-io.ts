// File operations of the store, with the errors that they end in.
import { BuildcacheError, StoreError, type StoreErrorCode } from '../core/errors.js';
import { type ReplacedFile, replaceFile } from '../host/replace-file.js';
import { describeSystemError, isDiskFull, systemErrorCode } from '../host/system-error.js';

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
  const isFull = isDiskFull(cause);
  return new StoreError(
    isFull ? 'disk-full' : code,
    `Cannot ${action} "${path}": ${describeSystemError(cause)}`,
    {
      ...(isFull ? { hint: 'Free some space, then run the same command again', retryable: true } : {}),
      cause,
      data: { path, errno: systemErrorCode(cause) },
    },
  );
}

/** Runs a file operation, and gives the error that it may end in its place in the store. */
export function storeIo<Result>(action: string, path: string, operation: () => Result): Result {
  try {
    return operation();
  } catch (cause) {
    throw storeIoError(action, path, cause);
  }
}

/**
 * Replaces a file of the store in one step (`host/replace-file.ts`).
 *
 * @throws StoreError `disk-full` or `store-io`; nothing is left of the temporary file.
 */
export function replaceStoreFile(file: ReplacedFile): void {
  storeIo('write', file.path, () => replaceFile(file));
}

// File operations of the store, with coded errors.
import { BuildcacheError, StoreError, type StoreErrorCode } from '../core/errors.js';
import { type ReplacedFile, replaceFile } from '../host/replace-file.js';
import { describeSystemError, isDiskFull, systemErrorCode } from '../host/system-error.js';

/**
 * Makes the error for a failed file operation.
 *
 * @param action - what could not be done, as in `Cannot <action> "<path>"`.
 * @param code - the code for any failure but a full disk; `store-io` by default.
 * @returns a StoreError `disk-full` or `code`; a coded error is returned unchanged.
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

/** Runs a file operation, and turns a system error into a StoreError with the path. */
export function storeIo<Result>(action: string, path: string, operation: () => Result): Result {
  try {
    return operation();
  } catch (cause) {
    throw storeIoError(action, path, cause);
  }
}

/**
 * Replaces a file of the store atomically (`host/replace-file.ts`).
 *
 * @throws StoreError `disk-full` or `store-io`; the temporary file is then removed.
 */
export function replaceStoreFile(file: ReplacedFile): void {
  storeIo('write', file.path, () => replaceFile(file));
}

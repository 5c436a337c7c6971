// A kernel's error knows the bytes but not the file, and an offset in its window but not in the file: both are added here.
import { RelocationError } from '../../core/errors.js';

/** Runs a kernel on part of a file that begins at `offset`; its errors name the file and the place in it. */
export function namingFile<Result>(path: string, run: () => Result, offset = 0): Result {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof RelocationError)) throw error;
    const place = error.data.offset;
    const data = { ...error.data, path, ...(typeof place === 'number' ? { offset: place + offset } : {}) };
    throw new RelocationError(error.code, `Cannot relocate "${path}": ${error.message}`, {
      cause: error.cause ?? error,
      retryable: error.retryable,
      data,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
  }
}

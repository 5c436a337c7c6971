// Exit codes of the command line (DESIGN.md §6): 0 done, 1 failed, 2 wrong usage, 3 not found, 4 verification failed, 130 interrupted.
import {
  BuildcacheError,
  type ErrorCode,
  IntegrityError,
  SignatureError,
  UsageError,
} from '../core/errors.js';

export const EXIT = { done: 0, failed: 1, usage: 2, notFound: 3, verification: 4, interrupted: 130 } as const;

const NOT_FOUND: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'spec-not-found',
  'not-installed',
  'mirror-not-found',
  'index-not-cached',
]);
const USAGE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'mirror-protocol',
  'root-unusable',
  'alias-root-unusable',
  'key-unreadable',
  'key-missing',
  'key-ambiguous',
  'key-unusable',
  'key-locked',
  'engine-unavailable',
]);

/** The exit code that an error stands for. */
export function exitCodeOf(error: unknown): number {
  if (isInterruption(error)) return EXIT.interrupted;
  if (!(error instanceof BuildcacheError)) return EXIT.failed;
  if (NOT_FOUND.has(error.code)) return EXIT.notFound;
  if (error instanceof UsageError || USAGE.has(error.code)) return EXIT.usage;
  return error instanceof IntegrityError || error instanceof SignatureError ? EXIT.verification : EXIT.failed;
}

/** Says whether an error is the abort reason of a user's interruption. */
export function isInterruption(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}

// Coded errors for bodies that cannot go on.
import { MirrorError } from '../../core/errors.js';

/** Retryable: from its beginning it may be read. */
export function changedMeanwhile(location: string, cause?: unknown): MirrorError {
  return new MirrorError('mirror-changed', `Cannot go on reading "${location}": it has changed meanwhile`, {
    cause,
    retryable: true,
    hint: 'Somebody writes to the mirror: run the same command again',
    data: { location },
  });
}

interface OtherLength {
  readonly location: string;
  readonly announced: number;
  readonly actual: number;
}

/** A server that announces another length than its object has. */
export function otherLength({ location, announced, actual }: OtherLength): MirrorError {
  return new MirrorError(
    'mirror-length',
    `Cannot read "${location}": the server announced ${announced} bytes, but it has ${actual}`,
    {
      hint: 'A proxy or cache before the mirror is broken: ask its operator, or use another mirror',
      data: { location, announced, actual },
    },
  );
}

interface SlowBody {
  readonly location: string;
  readonly bytes: number;
  readonly milliseconds: number;
  readonly lowestRate: number;
}

/** Not to be tried again at once: `attempts` says so. */
export function tooSlow({ location, bytes, milliseconds, lowestRate }: SlowBody): MirrorError {
  const seconds = Math.round(milliseconds / 1000);
  return new MirrorError(
    'mirror-too-slow',
    `Cannot read "${location}": the server sent ${bytes} bytes in ${seconds} s, less than ${lowestRate} bytes per second`,
    {
      retryable: true,
      hint: 'Use another mirror, or allow a lower rate with REGRAFT_LOWEST_RATE',
      data: { location, bytes, milliseconds, lowestRate, attempts: 1 },
    },
  );
}

/** As `tooSlow`. */
export function tooLong({
  location,
  limit,
}: {
  readonly location: string;
  readonly limit: number;
}): MirrorError {
  return new MirrorError(
    'mirror-timeout',
    `Cannot read "${location}": it took longer than ${limit / 1000} s`,
    {
      retryable: true,
      hint: 'Use another mirror, or allow more time with REGRAFT_TOTAL_TIMEOUT',
      data: { location, limit, attempts: 1 },
    },
  );
}

interface FailingMirror {
  readonly mirror: string;
  readonly failures: number;
  readonly cause: MirrorError;
}

/** A mirror that failed too often in a row. */
export function leftAlone({ mirror, failures, cause }: FailingMirror): MirrorError {
  return new MirrorError(
    'mirror-left-alone',
    `Cannot read mirror "${mirror}": it failed ${failures} times in a row, and is left alone for this run`,
    { cause, retryable: true, data: { mirror, failures, reason: cause.message, attempts: 1 } },
  );
}

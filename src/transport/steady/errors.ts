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

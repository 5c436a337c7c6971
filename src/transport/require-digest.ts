// The digest that fetched bytes must have.
import { IntegrityError } from '../core/errors.js';

export interface Digests {
  readonly location: string;
  /** If undefined, any digest is accepted. */
  readonly expected: string | undefined;
  readonly actual: string;
}

/** @throws IntegrityError `checksum-mismatch` */
export function requireDigest({ location, expected, actual }: Digests): void {
  if (expected === undefined || actual === expected) return;
  throw new IntegrityError(
    'checksum-mismatch',
    `Cannot use "${location}": its sha256 is ${actual}, not ${expected}`,
    {
      hint: 'The file is damaged or was replaced: push the package again',
      data: { location, expected, actual },
    },
  );
}

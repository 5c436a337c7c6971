// The dag hash, which identifies a concrete package of Spack. FORMATS.md §1: 32 characters of lower-case base32 (RFC 4648 §6).

import { MetadataError } from '../core/errors.js';
import type { DagHash } from './spec.js';

const DAG_HASH = /^[a-z2-7]{32}$/;
const HASH_PREFIX = /^[a-z2-7]{1,32}$/;

/** Tells whether the text is a complete dag hash. */
export function isDagHash(text: string): text is DagHash {
  return DAG_HASH.test(text);
}

/** Tells whether the text can be the beginning of a dag hash, or a complete one. */
export function isHashPrefix(text: string): boolean {
  return HASH_PREFIX.test(text);
}

/**
 * Converts a text to a dag hash.
 *
 * @throws MetadataError `metadata-invalid` when it is not 32 characters of lower-case base32.
 */
export function parseDagHash(text: string): DagHash {
  if (isDagHash(text)) return text;
  throw new MetadataError('metadata-invalid', `Cannot read the dag hash "${text.slice(0, 80)}"`, {
    hint: 'A dag hash has 32 characters from a-z and 2-7',
    data: { actual: text.slice(0, 80), expected: '32 characters of lower-case base32' },
  });
}

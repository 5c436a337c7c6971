// The C string rule: FORMATS §5 "C strings", that is the expression (PREFIX)([^\0]{0,7}\0)? of Spack's
// `BinaryFilePrefixReplacer`, and what it writes in place of a match. Linkers let strings share their ends, so the last
// bytes of a string must stay as they are.
import { equalBytes, toLatin1 } from '../../core/bytes.js';
import { RelocationError } from '../../core/errors.js';
import type { PrefixMapping } from '../engine.js';
import type { PrefixSearch } from '../prefixes/prefix-search.js';

/** How many bytes at the end of a string other strings may share. */
export const SUFFIX_SAFETY = 7;

const SLASH = 0x2f;

/** What the rule does with one match. */
export type CStringDecision = 'pad' | 'terminate' | 'cannot-grow' | 'cannot-shrink';

/** A window must overlap the next one by this much: the longest prefix, 7 bytes of suffix and a NUL, less one. */
export function seamFor(longestPrefix: number): number {
  return longestPrefix + SUFFIX_SAFETY;
}

/**
 * Decides one match: `pad` = slashes in front of the new prefix, `terminate` = new prefix, suffix and NUL, the old tail stays.
 * @param suffixLength bytes between the prefix and the NUL; undefined when no NUL comes within 7 bytes
 */
export function decideCString(
  old: Uint8Array,
  replacement: Uint8Array,
  suffixLength: number | undefined,
): CStringDecision {
  const shorter = old.length - replacement.length;
  if (shorter < 0) return 'cannot-grow';
  if (suffixLength === undefined || suffixLength >= SUFFIX_SAFETY) return 'pad';
  const shared = SUFFIX_SAFETY - suffixLength;
  if (equalBytes(old.slice(-shared), replacement.slice(-shared))) return 'pad';
  return shorter > SUFFIX_SAFETY ? 'terminate' : 'cannot-shrink';
}

/** Where to search, and where the bytes end. */
export interface CStringRange {
  readonly start: number;
  /** Matches must begin before this offset. */
  readonly limit: number;
}

/**
 * Replaces, in place, every match that begins in the range; `next` is where the search ended.
 * @throws RelocationError `cannot-grow-string`, `cannot-shrink-string`
 */
export function replaceCStrings(
  bytes: Uint8Array,
  range: CStringRange,
  search: PrefixSearch,
  mapping: PrefixMapping,
): { readonly next: number; readonly replaced: number } {
  const cursor = search.cursor(bytes);
  let position = range.start;
  let replaced = 0;
  while (cursor.advance(position, range.limit)) {
    const [old, replacement] = mapping[cursor.index] ?? [];
    if (old === undefined || replacement === undefined)
      throw new TypeError('The search is for another mapping');
    position = replaceMatch(bytes, cursor.offset, old, replacement);
    replaced++;
  }
  return { next: Math.max(position, range.limit), replaced };
}

/** Returns where the match ends. */
function replaceMatch(bytes: Uint8Array, offset: number, old: Uint8Array, replacement: Uint8Array): number {
  const end = offset + old.length;
  const suffixLength = findTerminator(bytes, end);
  const decision = decideCString(old, replacement, suffixLength);
  // The match takes the NUL with it.
  const suffix = suffixLength === undefined ? 0 : suffixLength + 1;
  if (decision === 'pad') {
    bytes.fill(SLASH, offset, end - replacement.length);
    bytes.set(replacement, end - replacement.length);
  } else if (decision === 'terminate') {
    bytes.copyWithin(offset + replacement.length, end, end + suffix);
    bytes.set(replacement, offset);
  } else {
    const string = bytes.subarray(offset, end + (suffixLength ?? 0));
    throw cStringError(decision, { offset, old, replacement, string });
  }
  return end + suffix;
}

function findTerminator(bytes: Uint8Array, start: number): number | undefined {
  const limit = Math.min(bytes.length, start + SUFFIX_SAFETY + 1);
  for (let i = start; i < limit; i++) if (bytes[i] === 0) return i - start;
  return undefined;
}

/** The error for a match that cannot be replaced, with the prefixes as latin1 text. */
export function cStringError(
  decision: 'cannot-grow' | 'cannot-shrink',
  match: {
    readonly offset: number;
    readonly old: Uint8Array;
    readonly replacement: Uint8Array;
    readonly string: Uint8Array;
  },
): RelocationError {
  const oldPrefix = toLatin1(match.old);
  const newPrefix = toLatin1(match.replacement);
  const grow = decision === 'cannot-grow';
  const reason = grow
    ? `the new prefix is ${match.replacement.length - match.old.length} bytes longer`
    : `the string is too short to change from "${oldPrefix}" to "${newPrefix}"`;
  return new RelocationError(
    grow ? 'cannot-grow-string' : 'cannot-shrink-string',
    `Cannot replace "${oldPrefix}" in a C string: ${reason}`,
    {
      hint: 'Push with more padding, or install to a shorter root',
      data: { offset: match.offset, oldPrefix, newPrefix, string: toLatin1(match.string) },
    },
  );
}

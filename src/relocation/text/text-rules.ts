// The text rule: FORMATS §5 "text", that is the byte expression (?<![\w\-_/])([\w\-_]*?)PREFIX([\w\-_/]*) of
// Spack's `_byte_strings_to_single_binary_regex`, decided here on the hits of a prefix search.
import { RelocationError } from '../../core/errors.js';
import type { PrefixMapping } from '../engine.js';
import type { PrefixSearch } from '../prefixes/prefix-search.js';

/** Text is replaced in pieces of at most this size; larger files are cut after newlines (`text-chunks.ts`). */
export const TEXT_LIMIT = 64 * 1024 * 1024;

/** Against prefixes of a byte or two that turn into long ones: what one piece may grow to. */
export const TEXT_RESULT_LIMIT = 512 * 1024 * 1024;

const OTHER = 0;
const WORD = 1;
const SLASH = 2;

/** `[A-Za-z0-9_-]` are word bytes: a prefix may stand behind a run of them; with `/` they make the tail. */
const BYTE_CLASS = Uint8Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte);
  if (character === '/') return SLASH;
  return /[A-Za-z0-9_-]/.test(character) ? WORD : OTHER;
});

/** The hits that the rule accepts: `[offset, prefixIndex, …]`, ascending. */
export function findTextMatches(text: Uint8Array, search: PrefixSearch): number[] {
  const matches: number[] = [];
  const cursor = search.cursor(text);
  // What stands left of `anchor` is known: `free` says whether a match may begin there (its run included).
  let anchor = 0;
  let free = true;
  let position = 0;
  while (cursor.advance(position, text.length)) {
    const { offset, index } = cursor;
    free = isFreeAt(text, { offset, anchor, isFreeAtAnchor: free });
    anchor = offset;
    position = offset + 1;
    if (!free) continue;
    matches.push(offset, index);
    position = tailEnd(text, offset + (search.prefixes[index]?.length ?? 1));
    anchor = position;
    free = classAt(text, position - 1) === OTHER;
  }
  return matches;
}

/** Says whether a match may begin with a prefix at `offset`; `isFreeAtStart` says it for the first byte of a text that has a beginning. */
export function isFreePlace(
  text: Uint8Array,
  { offset, isFreeAtStart }: { readonly offset: number; readonly isFreeAtStart: boolean },
): boolean {
  return isFreeAt(text, { offset, anchor: 0, isFreeAtAnchor: isFreeAtStart });
}

interface TextPlace {
  readonly offset: number;
  readonly anchor: number;
  readonly isFreeAtAnchor: boolean;
}

/** Goes left over the run of word bytes: free unless a `/` stands before it, or the run began before `anchor`, which was not free. */
function isFreeAt(text: Uint8Array, { offset, anchor, isFreeAtAnchor }: TextPlace): boolean {
  let start = offset;
  while (start > anchor && classAt(text, start - 1) === WORD) start--;
  return start === anchor ? isFreeAtAnchor : classAt(text, start - 1) !== SLASH;
}

function tailEnd(text: Uint8Array, start: number): number {
  let end = start;
  while (end < text.length && classAt(text, end) !== OTHER) end++;
  return end;
}

function classAt(text: Uint8Array, offset: number): number {
  return BYTE_CLASS[text[offset] ?? 0] ?? OTHER;
}

/**
 * The text with the prefixes at `matches` (`[offset, prefixIndex, …]`) replaced.
 * @throws RelocationError `text-too-large`
 */
export function rewriteText(
  text: Uint8Array,
  matches: ArrayLike<number>,
  mapping: PrefixMapping,
): Uint8Array {
  const result = Buffer.allocUnsafe(rewrittenLength(text, matches, mapping));
  let from = 0;
  let to = 0;
  forEachMatch(matches, mapping, (offset, old, replacement) => {
    result.set(text.subarray(from, offset), to);
    to += offset - from;
    result.set(replacement, to);
    to += replacement.length;
    from = offset + old.length;
  });
  result.set(text.subarray(from), to);
  return result;
}

function rewrittenLength(text: Uint8Array, matches: ArrayLike<number>, mapping: PrefixMapping): number {
  let length = text.length;
  forEachMatch(matches, mapping, (_, old, replacement) => {
    length += replacement.length - old.length;
  });
  if (length > TEXT_RESULT_LIMIT) throw textTooLarge('rewritten text', length, TEXT_RESULT_LIMIT);
  return length;
}

function forEachMatch(
  matches: ArrayLike<number>,
  mapping: PrefixMapping,
  visit: (offset: number, old: Uint8Array, replacement: Uint8Array) => void,
): void {
  for (let i = 0; i + 1 < matches.length; i += 2) {
    const entry = mapping[matches[i + 1] ?? -1];
    if (entry !== undefined) visit(matches[i] ?? 0, entry[0], entry[1]);
  }
}

/**
 * Refuses a piece of text that must not be buffered.
 * @throws RelocationError `text-too-large`
 */
export function checkTextSize(text: Uint8Array): void {
  if (text.length > TEXT_LIMIT) throw textTooLarge('text', text.length, TEXT_LIMIT);
}

export function textTooLarge(what: string, size: number, limit: number): RelocationError {
  return new RelocationError(
    'text-too-large',
    `Cannot relocate ${what} of ${size} bytes: the limit is ${limit}`,
    {
      hint: 'A text file is cut only after newlines; this one has too long a line',
      data: { size, limit },
    },
  );
}

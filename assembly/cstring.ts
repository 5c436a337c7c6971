// The C string rule (FORMATS "C strings"; in TypeScript: src/relocation/strings/binary-rules.ts), in place.
import { findNext, foundIndex, newLength, newPlace, oldLength, oldPlace, setNext } from './scan';

/** How many bytes at the end of a string may be shared with other strings. */
const SUFFIX_SAFETY: i32 = 7;
const SLASH: u8 = 0x2f;

export const CANNOT_GROW: i32 = -1;
export const CANNOT_SHRINK: i32 = -2;

/** The match that an error is about. */
export let failedPlace: i32 = 0;
export let failedIndex: i32 = 0;
/** Bytes of the failed match between the prefix and the NUL. */
export let failedSuffix: i32 = 0;

/**
 * Replaces every match that begins in `[start, limit)`; a match's window ends within `length`. Returns how many, or an error.
 * `next` is where the search ended.
 */
export function cstring(table: usize, pointer: usize, length: i32, start: i32, limit: i32): i32 {
  let replaced: i32 = 0;
  let at = start;
  for (;;) {
    const hit = findNext(table, pointer, length, at, limit);
    if (hit < 0) break;
    const index = foundIndex;
    const end = hit + oldLength(table, index);
    const suffix = suffixLength(pointer, length, end);
    const status = replaceMatch(table, index, pointer + hit, suffix);
    at = end + suffix + 1;
    if (status < 0) {
      failedPlace = hit;
      failedIndex = index;
      failedSuffix = max(suffix, 0);
      return status;
    }
    replaced++;
  }
  setNext(max(at, limit));
  return replaced;
}

/** Bytes up to the NUL, or -1 if there is none within the safety window. */
function suffixLength(pointer: usize, length: i32, end: i32): i32 {
  const limit = min(length, end + SUFFIX_SAFETY + 1);
  for (let i = end; i < limit; i++) if (load<u8>(pointer + i) == 0) return i - end;
  return -1;
}

function replaceMatch(table: usize, index: i32, match: usize, suffix: i32): i32 {
  const oldSize = oldLength(table, index);
  const newSize = newLength(table, index);
  const shorter = oldSize - newSize;
  if (shorter < 0) return CANNOT_GROW;
  if (suffix < 0 || suffix >= SUFFIX_SAFETY || sameEnd(table, index, SUFFIX_SAFETY - suffix)) {
    memory.fill(match, SLASH, shorter);
    memory.copy(match + shorter, newPlace(table, index), newSize);
    return 0;
  }
  if (shorter <= SUFFIX_SAFETY) return CANNOT_SHRINK;
  memory.copy(match + newSize, match + oldSize, suffix + 1);
  memory.copy(match, newPlace(table, index), newSize);
  return 0;
}

/** Whether the last `count` bytes of the old and new prefix are equal; a shorter prefix is compared as a whole. */
function sameEnd(table: usize, index: i32, count: i32): bool {
  const oldSize = oldLength(table, index);
  const newSize = newLength(table, index);
  const oldCount = min(oldSize, count);
  if (oldCount != min(newSize, count)) return false;
  const oldEnd = oldPlace(table, index) + oldSize - oldCount;
  const newEnd = newPlace(table, index) + newSize - oldCount;
  return memory.compare(oldEnd, newEnd, oldCount) == 0;
}

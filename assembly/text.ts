// The text rule (FORMATS "text"; in TypeScript: src/relocation/text/text-rules.ts) on windows: which hits of the search it accepts.
// A window need not end at a newline: two flags keep what must be known about the bytes before it.
import { findNext, foundIndex, longestPrefix, oldLength, setNext } from './scan';

const OTHER: i32 = 0;
const WORD: i32 = 1;
const SLASH: i32 = 2;

/** Whether a match may begin at the window's first byte, the run of word bytes before it included. */
let freeAtStart: bool = true;
/** Whether the tail of the last match continues in this window. */
let inTail: bool = false;

function classOf(byte: u8): i32 {
  const letter: u8 = byte | 0x20;
  if (letter >= 0x61 && letter <= 0x7a) return WORD;
  if (byte >= 0x30 && byte <= 0x39) return WORD;
  if (byte == 0x5f || byte == 0x2d) return WORD;
  return byte == 0x2f ? SLASH : OTHER;
}

/** Starts another text. */
export function textBegin(): void {
  freeAtStart = true;
  inTail = false;
}

/**
 * Writes `[place, prefix]` pairs of the accepted hits; returns how many. The next window must begin at `next`; when `next` is
 * not beyond what was searched, `capacity` was full.
 */
export function text(
  table: usize,
  pointer: usize,
  length: i32,
  isLast: bool,
  out: usize,
  capacity: i32,
): i32 {
  const limit = isLast ? length : length - longestPrefix(table) + 1;
  let count: i32 = 0;
  let at: i32 = 0;
  // Everything left of `anchor` is known: `free` says whether a match may begin there.
  let anchor: i32 = 0;
  let free = freeAtStart;
  if (inTail) {
    at = tailEnd(pointer, length, 0);
    if (at > 0) free = false;
    anchor = at;
  }
  inTail = at == length && inTail;
  while (count < capacity && !inTail) {
    const hit = findNext(table, pointer, length, at, limit);
    if (hit < 0) {
      at = max(at, limit);
      free = isFree(pointer, at, anchor, free);
      break;
    }
    free = isFree(pointer, hit, anchor, free);
    anchor = hit;
    at = hit + 1;
    if (!free) continue;
    store<u32>(out, hit);
    store<u32>(out, foundIndex, 4);
    out += 8;
    count++;
    at = tailEnd(pointer, length, hit + oldLength(table, foundIndex));
    anchor = at;
    free = classOf(load<u8>(pointer + at - 1)) == OTHER;
    inTail = at == length;
  }
  freeAtStart = free;
  setNext(at);
  return count;
}

function tailEnd(pointer: usize, length: i32, from: i32): i32 {
  let end = from;
  while (end < length && classOf(load<u8>(pointer + end)) != OTHER) end++;
  return end;
}

function isFree(pointer: usize, place: i32, anchor: i32, freeAtAnchor: bool): bool {
  let start = place;
  while (start > anchor && classOf(load<u8>(pointer + start - 1)) == WORD) start--;
  return start == anchor ? freeAtAnchor : classOf(load<u8>(pointer + start - 1)) != SLASH;
}

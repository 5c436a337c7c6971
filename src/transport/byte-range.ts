// Parts of an object: which bytes a range means once the size of the object is known.
import { MirrorError } from '../core/errors.js';
import type { ByteRange } from './object-store.js';

/** Wrong use by a caller; an empty range has no form in HTTP. */
export function checkRange({ start, end = Number.MAX_SAFE_INTEGER }: ByteRange): void {
  if (Number.isSafeInteger(start) && Number.isSafeInteger(end) && 0 <= start && start < end) return;
  throw new TypeError(`Not a range of bytes: ${start} to ${end}`);
}

/**
 * The bytes of an object that a range means: its end is cut at the object's end, where it may also begin.
 * @throws MirrorError `mirror-range` when it begins beyond the object's end.
 */
export function rangeWithin(
  { start, end }: ByteRange,
  { size, location }: { readonly size: number; readonly location: string },
): { readonly start: number; readonly end: number } {
  if (start > size) throw beyondEnd({ start, size, location });
  return { start, end: Math.min(end ?? size, size) };
}

/** A range that begins beyond the end of its object. */
export function beyondEnd(data: {
  readonly start: number;
  readonly size: number | undefined;
  readonly location: string;
}): MirrorError {
  const { start, size, location } = data;
  const there = size === undefined ? 'it ends before' : `it has ${size} bytes`;
  return new MirrorError('mirror-range', `Cannot read "${location}" from byte ${start}: ${there}`, { data });
}

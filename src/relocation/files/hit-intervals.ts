// The parts of a file with known hits that must be read again: what lies around the hits, and around edits.
import type { Edit } from '../../core/byte-source.js';

export interface Interval {
  readonly start: number;
  /** Exclusive: matches that begin before it count. */
  readonly end: number;
}

export interface HitIntervalsRequest {
  /** Where a prefix may begin, ascending. */
  readonly hits: readonly number[];
  /** What was written over the file since: hits in it may be gone, others may have come. */
  readonly edits: readonly Edit[];
  /** The longest match begins this far before its end. */
  readonly seam: number;
  /** Of the file. */
  readonly size: number;
}

/** A file that has a hit in every page or so is faster read as a whole. */
const BYTES_PER_HIT = 8192;

/** Whether looking at the hits alone is worth it. */
export function hasFewHits(hits: readonly number[], size: number): boolean {
  return hits.length * BYTES_PER_HIT <= size;
}

/** Places to look at, ascending and apart. */
export function hitIntervals({ hits, edits, seam, size }: HitIntervalsRequest): readonly Interval[] {
  const around = edits.map(({ offset, bytes }) => ({
    start: Math.max(0, offset - seam),
    end: Math.min(size, offset + bytes.length),
  }));
  const all = [...hits.map((hit) => ({ start: hit, end: hit + 1 })), ...around].sort(
    (a, b) => a.start - b.start,
  );
  const merged: Interval[] = [];
  for (const interval of all) {
    const last = merged.at(-1);
    if (last !== undefined && interval.start <= last.end) {
      merged[merged.length - 1] = { start: last.start, end: Math.max(last.end, interval.end) };
    } else if (interval.start < size) merged.push(interval);
  }
  return merged;
}

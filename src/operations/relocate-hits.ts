// C strings of a file whose hits are known: only what lies around them, and around edits, is read again.
import type { Edit } from '../core/byte-source.js';
import type { CStringReplacer } from '../relocation/engine.js';
import { namingFile } from '../relocation/naming-file.js';
import type { StagedFile } from '../store/staging/staged-file.js';

export interface HitRequest {
  /** For messages. */
  readonly name: string;
  readonly file: StagedFile;
  readonly replacer: CStringReplacer;
  /** Where a prefix may begin, ascending. */
  readonly hits: readonly number[];
  /** What was written over the file since: hits in it may be gone, others may have come. */
  readonly edits: readonly Edit[];
}

interface Interval {
  readonly start: number;
  /** Exclusive: matches that begin before it count. */
  readonly end: number;
}

/** A file that has a hit in every page or so is faster read as a whole. */
const BYTES_PER_HIT = 8192;

/** Whether looking at the hits alone is worth it. */
export function hasFewHits(hits: readonly number[], size: number): boolean {
  return hits.length * BYTES_PER_HIT <= size;
}

/** Replaces C strings around the hits; returns how many. */
export function replaceAtHits(request: HitRequest): number {
  const { name, file, replacer } = request;
  let position = 0;
  let total = 0;
  for (const interval of intervals(request)) {
    const start = Math.max(interval.start, position);
    if (start >= interval.end) continue;
    const bytes = file.read(start, interval.end - start + replacer.seam);
    const isLast = start + bytes.length >= file.size;
    const { next, replaced } = namingFile(name, () => replacer.replace(bytes, 0, isLast), start);
    if (replaced > 0) file.write(start, bytes);
    total += replaced;
    position = start + next;
  }
  return total;
}

/** Places to look at, ascending and apart. */
function intervals({ hits, edits, replacer, file }: HitRequest): Interval[] {
  const around = edits.map(({ offset, bytes }) => ({
    start: Math.max(0, offset - replacer.seam),
    end: Math.min(file.size, offset + bytes.length),
  }));
  const all = [...hits.map((hit) => ({ start: hit, end: hit + 1 })), ...around].sort(
    (a, b) => a.start - b.start,
  );
  const merged: Interval[] = [];
  for (const interval of all) {
    const last = merged.at(-1);
    if (last !== undefined && interval.start <= last.end) {
      merged[merged.length - 1] = { start: last.start, end: Math.max(last.end, interval.end) };
    } else if (interval.start < file.size) merged.push(interval);
  }
  return merged;
}

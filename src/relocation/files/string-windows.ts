// Replaces the C strings of a file through one window of memory: in the whole file, or only where an old prefix may begin.
import type { Edit } from '../../core/byte-source.js';
import type { EditableFile } from '../../core/editable-file.js';
import type { CStringReplacer } from '../engine.js';
import { hasFewHits, hitIntervals } from './hit-intervals.js';

const WINDOW_SIZE = 1 << 20;

/** Memory for a replacer to work in. */
export function stringWindow(replacer: CStringReplacer): Uint8Array {
  return new Uint8Array(Math.max(WINDOW_SIZE, replacer.seam * 4));
}

/** Bytes of a file, in memory. */
export interface FileWindow {
  readonly bytes: Uint8Array;
  /** Their offset in the file. */
  readonly offset: number;
  readonly isLast: boolean;
}

export interface WindowResult {
  /** How many bytes are final: the next window begins after them. */
  readonly done: number;
  /** How many strings were replaced. */
  readonly replaced: number;
}

/** What to do with each window. */
export interface WindowWork {
  /** Windows overlap by this much. */
  readonly seam: number;
  /** Edits already written to the file. */
  readonly edits: readonly Edit[];
  relocate(window: FileWindow): WindowResult;
}

export interface FileStringsRequest {
  readonly file: EditableFile;
  readonly work: WindowWork;
  readonly window: Uint8Array;
  /** Where an old prefix may begin, if known. */
  readonly hits?: readonly number[] | undefined;
}

/** Replaces the C strings of a file; returns how many. Skips bytes added by growth: they hold only new paths, which may contain old ones. */
export function replaceInFile(request: FileStringsRequest): number {
  const { file, work, hits } = request;
  if (hits === undefined || !hasFewHits(hits, file.size)) return replaceFrom(0, request);
  let position = 0;
  let total = 0;
  for (const { start, end } of hitIntervals({ hits, edits: work.edits, seam: work.seam, size: file.size })) {
    const offset = Math.max(start, position);
    if (offset >= end) continue;
    const { done, replaced } = replaceAt({ offset, length: end - offset + work.seam }, request);
    total += replaced;
    position = offset + done;
  }
  return total;
}

/** Replaces the C strings of a file from a place on. */
export function replaceFrom(start: number, request: FileStringsRequest): number {
  let offset = start;
  let total = 0;
  for (;;) {
    const { done, replaced, isLast } = replaceAt({ offset, length: request.window.length }, request);
    total += replaced;
    if (isLast) return total;
    offset += done;
  }
}

function replaceAt(
  { offset, length }: { readonly offset: number; readonly length: number },
  { file, work, window }: FileStringsRequest,
) {
  const wanted = Math.max(0, Math.min(length, file.size - offset));
  const target = wanted <= window.length ? window.subarray(0, wanted) : new Uint8Array(wanted);
  const bytes = target.subarray(0, file.readInto(target, offset));
  // If another process truncates the file, the last window ends early.
  const isLast = offset + bytes.length >= file.size || bytes.length < wanted;
  const { done, replaced } = work.relocate({ bytes, offset, isLast });
  if (replaced > 0) file.write(offset, bytes.subarray(0, done));
  return { done, replaced, isLast };
}

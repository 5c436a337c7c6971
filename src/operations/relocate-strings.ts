// C strings of a whole file, through one window of memory.
import type { CStringReplacer } from '../relocation/engine.js';
import { namingFile } from '../relocation/naming-file.js';

/** A file that is read and written in place. */
export interface StringFile {
  /** As it was before it grew. */
  readonly size: number;
  readInto(target: Uint8Array, offset: number): number;
  write(offset: number, bytes: Uint8Array): void;
}

export interface CStringRequest {
  /** For messages. */
  readonly name: string;
  readonly file: StringFile;
  readonly replacer: CStringReplacer;
  readonly window: Uint8Array;
}

const WINDOW_SIZE = 1 << 20;

/** Memory that a replacer can work in. */
export function stringWindow(replacer: CStringReplacer): Uint8Array {
  return new Uint8Array(Math.max(WINDOW_SIZE, replacer.seam * 4));
}

/**
 * Replaces C strings window by window; each window overlaps the last by the replacer's seam. What a file has grown by since it
 * was opened holds new paths only, which may contain the old ones.
 */
export function replaceCStrings({ name, file, replacer, window }: CStringRequest): number {
  let offset = 0;
  let total = 0;
  for (;;) {
    const wanted = window.subarray(0, file.size - offset);
    const bytes = wanted.subarray(0, file.readInto(wanted, offset));
    const isLast = offset + bytes.length >= file.size;
    const { next, replaced } = namingFile(name, () => replacer.replace(bytes, { start: 0, isLast }), offset);
    if (replaced > 0) file.write(offset, bytes);
    total += replaced;
    if (isLast) return total;
    offset += next;
  }
}

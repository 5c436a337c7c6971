// Random access to bytes, and edits to them, for the layers that read formats without owning files.

/** Random access to a file's bytes, wherever they are. */
export interface ByteSource {
  readonly size: number;
  /** The bytes at `offset`, fewer than `length` only at the end. The view is valid until the next read. */
  read(offset: number, length: number): Uint8Array;
}

/**
 * Bytes to write over a file at an offset. In a list a later one wins; one behind the file's end makes the file longer, and what lies
 * between is zero.
 */
export interface Edit {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** A source over bytes that are in memory. */
export function sourceOfBytes(bytes: Uint8Array): ByteSource {
  return { size: bytes.length, read: (offset, length) => bytes.subarray(offset, offset + length) };
}

/** The size of a file after edits. */
export function sizeAfterEdits(size: number, edits: readonly Edit[]): number {
  return edits.reduce((end, edit) => Math.max(end, edit.offset + edit.bytes.length), size);
}

/** Writes what edits say of bytes that stand at `at` in their file. */
export function applyEditsAt(bytes: Uint8Array, at: number, edits: readonly Edit[]): void {
  for (const edit of edits) {
    const from = Math.max(edit.offset, at);
    const to = Math.min(edit.offset + edit.bytes.length, at + bytes.length);
    if (from < to) bytes.set(edit.bytes.subarray(from - edit.offset, to - edit.offset), from - at);
  }
}

/** Writes edits over bytes that are in memory; returns these, or a longer copy where an edit needs one. */
export function applyEdits(bytes: Uint8Array, edits: readonly Edit[]): Uint8Array {
  const size = sizeAfterEdits(bytes.length, edits);
  const result = size === bytes.length ? bytes : new Uint8Array(size);
  if (result !== bytes) result.set(bytes);
  for (const edit of edits) result.set(edit.bytes, edit.offset);
  return result;
}

// Random access to bytes, and edits to them, for layers that parse formats without opening files.

/** Random access to a file's bytes, wherever they are. */
export interface ByteSource {
  readonly size: number;
  /** The bytes at `offset`, fewer than `length` only at the end. The view is valid until the next read. */
  read(offset: number, length: number): Uint8Array;
}

/**
 * Bytes to write over a file at an offset. In a list, a later edit wins. An edit past the end extends the file; a gap is filled with
 * zeros.
 */
export interface Edit {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** A source over bytes in memory. */
export function sourceOfBytes(bytes: Uint8Array): ByteSource {
  return { size: bytes.length, read: (offset, length) => bytes.subarray(offset, offset + length) };
}

/** The size of a file after edits. */
export function sizeAfterEdits(size: number, edits: readonly Edit[]): number {
  return edits.reduce((end, edit) => Math.max(end, edit.offset + edit.bytes.length), size);
}

/** Applies edits to a part of a file, whose bytes begin at offset `at`. */
export function applyEditsAt(bytes: Uint8Array, at: number, edits: readonly Edit[]): void {
  for (const edit of edits) {
    const from = Math.max(edit.offset, at);
    const to = Math.min(edit.offset + edit.bytes.length, at + bytes.length);
    if (from < to) bytes.set(edit.bytes.subarray(from - edit.offset, to - edit.offset), from - at);
  }
}

/** Applies edits to bytes in memory; returns the same bytes, or a longer copy where an edit extends them. */
export function applyEdits(bytes: Uint8Array, edits: readonly Edit[]): Uint8Array {
  const size = sizeAfterEdits(bytes.length, edits);
  const result = size === bytes.length ? bytes : new Uint8Array(size);
  if (result !== bytes) result.set(bytes);
  for (const edit of edits) result.set(edit.bytes, edit.offset);
  return result;
}

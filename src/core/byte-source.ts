// Random access to bytes, and edits to them, for the layers that read formats without owning files.

/** Random access to a file's bytes, wherever they are. */
export interface ByteSource {
  readonly size: number;
  /** The bytes at `offset`, fewer than `length` only at the end. The view is valid until the next read. */
  read(offset: number, length: number): Uint8Array;
}

/** Bytes to write over a file at an offset; never beyond its end. */
export interface Edit {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** A source over bytes that are in memory. */
export function sourceOfBytes(bytes: Uint8Array): ByteSource {
  return { size: bytes.length, read: (offset, length) => bytes.subarray(offset, offset + length) };
}

/** Writes edits over bytes that are in memory. */
export function applyEdits(bytes: Uint8Array, edits: readonly Edit[]): void {
  for (const edit of edits) bytes.set(edit.bytes, edit.offset);
}

// A file that is read and edited in place, on disk or in memory: what relocation works on.
import type { ByteSource } from './byte-source.js';

export interface EditableFile extends ByteSource {
  /** The size before anything was written; it does not change when the file grows. */
  readonly size: number;
  /** Fills `target` with the bytes from `offset` on; returns how many there were. */
  readInto(target: Uint8Array, offset: number): number;
  /** Writes at `offset`; past the end the file grows, and a gap is filled with zeros. */
  write(offset: number, bytes: Uint8Array): void;
}

// A file that is read and edited in place, wherever its bytes are: what relocation works on.
import type { ByteSource } from './byte-source.js';

export interface EditableFile extends ByteSource {
  /** As it was before anything was written: a file that grows keeps it. */
  readonly size: number;
  /** Fills `target` from `offset` on; returns how many bytes there were. */
  readInto(target: Uint8Array, offset: number): number;
  /** Writes over what is at `offset`; behind the end the file grows, and what lies between is zero. */
  write(offset: number, bytes: Uint8Array): void;
}

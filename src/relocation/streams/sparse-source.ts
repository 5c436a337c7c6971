// A file of which only some parts are at hand: what a parser asks for is collected as the bytes stream by, so that a file can be
// parsed without holding it.
import type { ByteSource } from '../../core/byte-source.js';

/** Tells which bytes a parser wants next. */
class MissingBytes extends Error {
  readonly offset: number;
  readonly length: number;

  constructor(offset: number, length: number) {
    super(`Bytes ${offset} to ${offset + length} are not at hand`);
    this.offset = offset;
    this.length = length;
  }
}

interface Piece {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

interface WantedPiece extends Piece {
  filled: number;
}

/** Neighbours of what is asked for are asked for next. */
const LEAST_PIECE = 1024;

/** Collects the parts of one file that `parse` reads; `parse` runs again from its start whenever it has more of them. */
export class SparseSource implements ByteSource {
  readonly size: number;
  readonly #pieces: Piece[] = [];
  #wanted: WantedPiece | undefined;
  #position = 0;
  #isDone = false;

  constructor(size: number) {
    this.size = size;
  }

  read(offset: number, length: number): Uint8Array {
    const wanted = Math.max(0, Math.min(length, this.size - offset));
    if (wanted === 0) return new Uint8Array(0);
    for (const piece of this.#pieces) {
      const start = offset - piece.offset;
      if (start >= 0 && start + wanted <= piece.bytes.length)
        return piece.bytes.subarray(start, start + wanted);
    }
    throw new MissingBytes(offset, wanted);
  }

  /** Whether the parser has all it asked for. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** Begins another pass over the file. */
  rewind(): void {
    this.#position = 0;
  }

  /** Takes the next bytes of the file. What lies before them has to wait for another pass. */
  feed(bytes: Uint8Array, parse: (source: ByteSource) => unknown): void {
    const start = this.#position;
    this.#position += bytes.length;
    if (this.#isDone) return;
    if (this.#wanted === undefined) this.#attempt(parse);
    while (this.#wanted !== undefined && this.#fill(this.#wanted, bytes, start)) this.#attempt(parse);
  }

  /** Runs a parser on what is at hand; undefined when it needs more. */
  attempt<Result>(parse: (source: ByteSource) => Result): { readonly result: Result } | undefined {
    try {
      return { result: parse(this) };
    } catch (error) {
      if (!(error instanceof MissingBytes)) throw error;
      const length = Math.min(Math.max(error.length, LEAST_PIECE), this.size - error.offset);
      this.#wanted = { offset: error.offset, bytes: new Uint8Array(length), filled: 0 };
      this.#isDone = false;
      return undefined;
    }
  }

  #attempt(parse: (source: ByteSource) => unknown): void {
    this.#wanted = undefined;
    if (this.attempt(parse) !== undefined) this.#isDone = true;
  }

  /** Copies what a chunk has of the wanted piece; true when it is complete. */
  #fill(wanted: WantedPiece, bytes: Uint8Array, start: number): boolean {
    const from = wanted.offset + wanted.filled - start;
    if (from < 0 || from >= bytes.length) return false;
    const part = bytes.subarray(from, from + wanted.bytes.length - wanted.filled);
    wanted.bytes.set(part, wanted.filled);
    wanted.filled += part.length;
    if (wanted.filled < wanted.bytes.length) return false;
    this.#pieces.push({ offset: wanted.offset, bytes: wanted.bytes });
    return true;
  }
}

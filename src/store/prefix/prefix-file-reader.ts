// Reads one file of a prefix to its end and detects changes while reading, so that the packed content existed at one moment.
import { type BigIntStats, closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { fromLatin1 } from '../../core/bytes.js';
import { prefixChanged, prefixReadError } from './prefix-tree.js';

/** Does not wait for a writer if the file has become a pipe, and does not follow a link. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW;

export class PrefixFileReader {
  /** The size when the file was opened; all reads together return exactly this many bytes. */
  readonly size: number;
  readonly #path: string;
  readonly #descriptor: number;
  readonly #opened: BigIntStats;
  #position = 0;

  /**
   * Opens a file.
   *
   * @param path - as a byte string.
   * @throws StoreError `store-io`, `prefix-changed`.
   */
  constructor(path: string) {
    const location = Buffer.from(fromLatin1(path));
    this.#path = location.toString('utf8');
    this.#descriptor = this.#try(() => openSync(location, FLAGS));
    this.#opened = this.#try(() => fstatSync(this.#descriptor, { bigint: true }));
    this.size = Number(this.#opened.size);
    if (this.#opened.isFile()) return;
    this.close();
    throw prefixChanged(this.#path, 'it is no longer a regular file');
  }

  /** Number of bytes left to read. */
  get remaining(): number {
    return this.size - this.#position;
  }

  /**
   * Fills the memory from its start.
   *
   * @returns the number of bytes read: as many as fit or are left.
   * @throws StoreError `store-io`, `prefix-changed` if the file has become shorter.
   */
  read(memory: Uint8Array): number {
    const wanted = Math.min(memory.length, this.remaining);
    let length = 0;
    while (length < wanted) {
      const count = this.#try(() =>
        readSync(this.#descriptor, memory, length, wanted - length, this.#position),
      );
      if (count === 0)
        throw prefixChanged(this.#path, `it had ${this.size} bytes and now ends after ${this.#position}`);
      length += count;
      this.#position += count;
    }
    return length;
  }

  /** Checks that the file has not changed since it was opened; throws StoreError `prefix-changed`. */
  requireUnchanged(): void {
    const now = this.#try(() => fstatSync(this.#descriptor, { bigint: true }));
    if (now.size === this.#opened.size && now.mtimeNs === this.#opened.mtimeNs) return;
    throw prefixChanged(this.#path, 'it changed while it was read');
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #try<Result>(operation: () => Result): Result {
    try {
      return operation();
    } catch (cause) {
      throw prefixReadError(this.#path, cause);
    }
  }
}

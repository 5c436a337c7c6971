// Random access to a file that stays open, for indexes of which a run reads a few records.

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

import type { ByteSource } from '../../core/byte-source.js';
import { MirrorError } from '../../core/errors.js';
import { describeSystemError, systemErrorCode } from '../../host/system-error.js';

/** A catalog may use the file as long as it lives, and nobody tells when that ends. */
const openFiles = new FinalizationRegistry((descriptor: number) => closeSync(descriptor));

/** The bytes of a file as it is when it is opened; that it is replaced or removed later does not matter. */
export class FileBytes implements ByteSource {
  readonly size: number;
  /** When it was last written, in milliseconds. */
  readonly mtime: number;
  readonly #path: string;
  readonly #descriptor: number;
  #buffer = new Uint8Array(4096);

  /** Fails as `openSync` does. */
  constructor(path: string) {
    this.#path = path;
    this.#descriptor = openSync(path, 'r');
    openFiles.register(this, this.#descriptor);
    const { size, mtimeMs } = fstatSync(this.#descriptor);
    this.size = size;
    this.mtime = mtimeMs;
  }

  /** @throws MirrorError `mirror-unreachable` when the file cannot be read. */
  read(offset: number, length: number): Uint8Array {
    const wanted = Math.max(0, Math.min(length, this.size - offset));
    if (wanted > this.#buffer.length) this.#buffer = new Uint8Array(wanted);
    let done = 0;
    while (done < wanted) {
      const count = this.#readInto(done, wanted - done, offset + done);
      if (count === 0) break;
      done += count;
    }
    return this.#buffer.subarray(0, done);
  }

  #readInto(at: number, length: number, position: number): number {
    try {
      return readSync(this.#descriptor, this.#buffer, at, length, position);
    } catch (cause) {
      throw new MirrorError(
        'mirror-unreachable',
        `Cannot read "${this.#path}": ${describeSystemError(cause)}`,
        {
          cause,
          data: { location: this.#path, reason: systemErrorCode(cause) },
        },
      );
    }
  }
}

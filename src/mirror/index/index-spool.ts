// A temporary file for the parts of an index that is being made; it has no name, so a run that is killed leaves nothing.

import { closeSync, mkdtempSync, openSync, readSync, rmdirSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { IndexSpool } from '../../buildcache/index/write-index.js';
import { MirrorError } from '../../core/errors.js';
import { describeSystemError, isDiskFull, systemErrorCode } from '../../host/system-error.js';

/** Appended bytes are written in blocks of this size. */
const BLOCK_SIZE = 1 << 20;

export class FileSpool implements IndexSpool {
  readonly #descriptor: number;
  #block = new Uint8Array(BLOCK_SIZE);
  /** Bytes in the block, which begins at `#written`. */
  #pending = 0;
  #written = 0;
  #readBuffer = new Uint8Array(64 * 1024);

  /**
   * @param folder Where the file is made; the system's temporary folder by default.
   * @throws MirrorError `mirror-write-failed`.
   */
  constructor(folder: string = tmpdir()) {
    this.#descriptor = attempt(() => openUnnamed(folder));
  }

  /** @throws MirrorError `mirror-full`, `mirror-write-failed`. */
  append(bytes: Uint8Array): number {
    const offset = this.#written + this.#pending;
    if (this.#pending + bytes.length > BLOCK_SIZE) this.#flush();
    if (bytes.length > BLOCK_SIZE) {
      this.#write(bytes);
    } else {
      this.#block.set(bytes, this.#pending);
      this.#pending += bytes.length;
    }
    return offset;
  }

  read(offset: number, length: number): Uint8Array {
    if (offset >= this.#written)
      return this.#block.subarray(offset - this.#written, offset - this.#written + length);
    if (length > this.#readBuffer.length) this.#readBuffer = new Uint8Array(length * 2);
    return attempt(() => {
      let done = 0;
      while (done < length) {
        const count = readSync(this.#descriptor, this.#readBuffer, done, length - done, offset + done);
        if (count === 0) throw new Error('the file is shorter than it was');
        done += count;
      }
      return this.#readBuffer.subarray(0, length);
    });
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #flush(): void {
    const block = this.#block.subarray(0, this.#pending);
    this.#pending = 0;
    this.#write(block);
  }

  #write(bytes: Uint8Array): void {
    attempt(() => {
      for (let done = 0; done < bytes.length; ) {
        done += writeSync(this.#descriptor, bytes, done, bytes.length - done, this.#written + done);
      }
    });
    this.#written += bytes.length;
  }
}

function openUnnamed(parent: string): number {
  const folder = mkdtempSync(join(parent, 'regraft-index-'));
  const file = join(folder, 'spool');
  try {
    const descriptor = openSync(file, 'wx+', 0o600);
    unlinkSync(file);
    return descriptor;
  } finally {
    rmdirSync(folder);
  }
}

function attempt<Result>(action: () => Result): Result {
  try {
    return action();
  } catch (cause) {
    throw new MirrorError(
      isDiskFull(cause) ? 'mirror-full' : 'mirror-write-failed',
      `Cannot make an index: the temporary file failed: ${describeSystemError(cause)}`,
      {
        cause,
        hint: 'Check the space in the temporary folder, or name another one in TMPDIR',
        data: { reason: systemErrorCode(cause) },
      },
    );
  }
}

// Holds bytes until they are sent, in a file without a name: a run that is killed leaves nothing.
import { randomBytes } from 'node:crypto';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MirrorError } from '../core/errors.js';
import { describeSystemError, isDiskFull, systemErrorCode } from '../host/system-error.js';
import { writeAll } from '../host/write-all.js';
import type { BodySource } from './http/request.js';

const READ_SIZE = 256 * 1024;

export class SpoolFile {
  readonly #handle: FileHandle;
  #size = 0;

  private constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  /**
   * Makes an empty one.
   * @throws MirrorError `mirror-full`, `mirror-write-failed`, as `append`
   */
  static create(): Promise<SpoolFile> {
    return spooling(async () => {
      const path = join(tmpdir(), `regraft-${randomBytes(12).toString('hex')}`);
      const handle = await open(path, 'wx+', 0o600);
      await rm(path, { force: true }).catch(() => {});
      return new SpoolFile(handle);
    });
  }

  /** In bytes. */
  get size(): number {
    return this.#size;
  }

  async append(bytes: Uint8Array): Promise<void> {
    await spooling(() => writeAll(this.#handle, bytes, this.#size));
    this.#size += bytes.length;
  }

  /** A part of it, as the body of a request. */
  part(start: number, size: number): Uint8Array | BodySource {
    if (size === 0) return new Uint8Array(0);
    return { size, isReplayable: true, open: () => this.#read(start, size) };
  }

  async close(): Promise<void> {
    await this.#handle.close().catch(() => {});
  }

  #read(start: number, size: number): ReadableStream<Uint8Array> {
    let done = 0;
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          const buffer = new Uint8Array(Math.min(READ_SIZE, size - done));
          const { bytesRead } = await this.#handle.read(buffer, 0, buffer.length, start + done);
          if (bytesRead === 0) throw new Error('The spooled bytes are gone');
          done += bytesRead;
          controller.enqueue(buffer.subarray(0, bytesRead));
          if (done === size) controller.close();
        },
      },
      { highWaterMark: 0 },
    );
  }
}

async function spooling<T>(operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (cause) {
    if (systemErrorCode(cause) === undefined) throw cause;
    const reason = describeSystemError(cause);
    throw new MirrorError(
      isDiskFull(cause) ? 'mirror-full' : 'mirror-write-failed',
      `Cannot keep an object in a temporary file until it is sent: ${reason}`,
      { cause, hint: 'Set TMPDIR to a folder with room', data: { reason } },
    );
  }
}

// Holds the bytes of an object until they are sent, in a file without a name: a run that is killed leaves nothing. The digest of each part
// is taken on the way, so that parts are signed and sent without being in memory.
import { createHash, type Hash, randomBytes } from 'node:crypto';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { writeAll } from '../../host/write-all.js';
import type { HashedBody } from './client.js';

const READ_SIZE = 256 * 1024;

export class Spool {
  readonly #handle: FileHandle;
  readonly #partSize: number;
  readonly #digests: string[] = [];
  #hash: Hash = createHash('sha256');
  #size = 0;

  private constructor(handle: FileHandle, partSize: number) {
    this.#handle = handle;
    this.#partSize = partSize;
  }

  /** Makes an empty one; it and the other methods fail as calls of the system do. */
  static async create(partSize: number): Promise<Spool> {
    const path = join(tmpdir(), `regraft-${randomBytes(12).toString('hex')}`);
    const handle = await open(path, 'wx+', 0o600);
    await rm(path, { force: true }).catch(() => {});
    return new Spool(handle, partSize);
  }

  get size(): number {
    return this.#size;
  }

  get partCount(): number {
    return Math.max(1, Math.ceil(this.#size / this.#partSize));
  }

  async append(bytes: Uint8Array): Promise<void> {
    for (let offset = 0; offset < bytes.length; ) {
      const room = this.#partSize - (this.#size % this.#partSize);
      const piece = bytes.subarray(offset, offset + room);
      this.#hash.update(piece);
      await writeAll(this.#handle, piece, this.#size);
      this.#size += piece.length;
      offset += piece.length;
      if (this.#size % this.#partSize === 0) this.#endPart();
    }
  }

  /** A part by its index; the last one only once everything is written. */
  part(index: number): HashedBody {
    if (index === this.#digests.length) this.#endPart();
    const start = index * this.#partSize;
    const size = Math.min(this.#partSize, this.#size - start);
    const sha256 = this.#digests[index];
    if (sha256 === undefined) throw new TypeError('There is no such part');
    if (size === 0) return { sha256, body: new Uint8Array(0) };
    return { sha256, body: { size, isReplayable: true, open: () => this.#read(start, size) } };
  }

  async close(): Promise<void> {
    await this.#handle.close().catch(() => {});
  }

  #endPart(): void {
    this.#digests.push(this.#hash.digest('hex'));
    this.#hash = createHash('sha256');
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

// Holds the bytes of an object until they are sent. The digest of each part is taken on the way, so that parts are signed and sent without
// being in memory.
import { createHash, type Hash } from 'node:crypto';
import { SpoolFile } from '../spool-file.js';
import type { HashedBody } from './client.js';

export class Spool {
  readonly #file: SpoolFile;
  readonly #partSize: number;
  readonly #digests: string[] = [];
  #hash: Hash = createHash('sha256');

  private constructor(file: SpoolFile, partSize: number) {
    this.#file = file;
    this.#partSize = partSize;
  }

  /** Makes an empty one. Errors as `SpoolFile.create`. */
  static async create(partSize: number): Promise<Spool> {
    return new Spool(await SpoolFile.create(), partSize);
  }

  get size(): number {
    return this.#file.size;
  }

  /** Parts to which nothing will be added. */
  get completeParts(): number {
    return this.#digests.length;
  }

  get partCount(): number {
    return Math.max(1, Math.ceil(this.size / this.#partSize));
  }

  /** Errors as `SpoolFile.create`. */
  async append(bytes: Uint8Array): Promise<void> {
    for (let offset = 0; offset < bytes.length; ) {
      const room = this.#partSize - (this.size % this.#partSize);
      const piece = bytes.subarray(offset, offset + room);
      this.#hash.update(piece);
      await this.#file.append(piece);
      offset += piece.length;
      if (this.size % this.#partSize === 0) this.#endPart();
    }
  }

  /** A part by its index; the last one only once everything is written. */
  part(index: number): HashedBody {
    if (index === this.#digests.length) this.#endPart();
    const start = index * this.#partSize;
    const sha256 = this.#digests[index];
    if (sha256 === undefined) throw new TypeError('There is no such part');
    return { sha256, body: this.#file.part(start, Math.min(this.#partSize, this.size - start)) };
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  #endPart(): void {
    this.#digests.push(this.#hash.digest('hex'));
    this.#hash = createHash('sha256');
  }
}

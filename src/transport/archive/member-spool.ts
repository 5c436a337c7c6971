// Holds the bytes of a member until they are appended: small ones in memory, others in a file without a name, so that a run that is
// killed leaves nothing.
import { type FileHandle, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { concatBytes, copyBytes } from '../../core/bytes.js';
import { readPieces } from '../../host/read-pieces.js';
import { temporaryName } from '../../host/temporary-name.js';
import { writeAll } from '../../host/write-all.js';

/** Most metadata is smaller. */
const MEMORY_LIMIT = 256 * 1024;

export class MemberSpool {
  readonly #folder: string;
  #inMemory: Uint8Array[] = [];
  #handle: FileHandle | undefined;
  #size = 0;

  /** The file is made in the folder of the archive, which must have room for it anyway. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  get size(): number {
    return this.#size;
  }

  /** Fails as calls of the system do. */
  async append(bytes: Uint8Array): Promise<void> {
    if (this.#handle === undefined && this.#size + bytes.length > MEMORY_LIMIT) await this.#moveToFile();
    if (this.#handle === undefined) this.#inMemory.push(copyBytes(bytes));
    else await writeAll(this.#handle, bytes, this.#size);
    this.#size += bytes.length;
  }

  /** The bytes in pieces; each is valid until the next one. */
  async *pieces(): AsyncIterable<Uint8Array> {
    if (this.#handle === undefined) yield* this.#inMemory;
    else yield* readPieces(this.#handle, { start: 0, end: this.#size });
  }

  async close(): Promise<void> {
    this.#inMemory = [];
    await this.#handle?.close().catch(() => {});
  }

  async #moveToFile(): Promise<void> {
    const path = join(this.#folder, temporaryName(TEMPORARY));
    this.#handle = await open(path, 'wx+', 0o600);
    await rm(path, { force: true });
    await writeAll(this.#handle, concatBytes(this.#inMemory), 0);
    this.#inMemory = [];
  }
}

/** How the names of temporary files beside an archive begin. */
export const TEMPORARY = '.regraft-archive';

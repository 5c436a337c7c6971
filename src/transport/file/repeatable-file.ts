// An object of a folder store that can be put in place again: its bytes stay readable behind an open file, whoever removes its name.
import { type FileHandle, open } from 'node:fs/promises';
import type { CommitCondition, ObjectFacts, PendingObject } from '../object-store.js';
import { writeError } from './errors.js';

export interface RepeatableFileOptions {
  readonly first: PendingObject;
  /** Of its temporary file. */
  readonly path: string;
  /** Begins an object of the same store for a copy. */
  readonly beginAgain: () => Promise<PendingObject>;
}

const CHUNK = 1 << 20;

export class RepeatableFile implements PendingObject {
  readonly #options: RepeatableFileOptions;
  #bytes: FileHandle | undefined;

  constructor(options: RepeatableFileOptions) {
    this.#options = options;
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#options.first.write(bytes);
  }

  prepare(): Promise<void> {
    return this.#options.first.prepare();
  }

  async commit(path: string, condition?: CommitCondition): Promise<ObjectFacts> {
    if (this.#bytes !== undefined) return this.#commitCopy(this.#bytes, path, condition);
    this.#bytes = await this.#readable(open(this.#options.path, 'r'));
    return this.#options.first.commit(path, condition);
  }

  async discard(): Promise<void> {
    await this.#bytes?.close().catch(() => {});
    await this.#options.first.discard();
  }

  async #commitCopy(
    bytes: FileHandle,
    path: string,
    condition: CommitCondition | undefined,
  ): Promise<ObjectFacts> {
    const copy = await this.#options.beginAgain();
    try {
      const buffer = new Uint8Array(CHUNK);
      for (let position = 0; ; ) {
        const { bytesRead } = await this.#readable(bytes.read(buffer, 0, CHUNK, position));
        if (bytesRead === 0) return await copy.commit(path, condition);
        await copy.write(buffer.subarray(0, bytesRead));
        position += bytesRead;
      }
    } finally {
      await copy.discard();
    }
  }

  #readable<T>(operation: Promise<T>): Promise<T> {
    return operation.catch((cause: unknown) => {
      throw writeError(this.#options.path, cause);
    });
  }
}

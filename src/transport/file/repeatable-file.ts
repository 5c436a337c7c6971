// An object of a folder store that can be put in place again: its bytes stay readable behind an open file, whoever removes its name.
import { type FileHandle, open } from 'node:fs/promises';
import { readPieces } from '../../host/read-pieces.js';
import type { CommitCondition, ObjectFacts, PendingObject } from '../object-store.js';
import { writeError } from './errors.js';

export interface RepeatableFileOptions {
  readonly first: PendingObject;
  /** Of its temporary file. */
  readonly path: string;
  /** Begins an object of the same store for a copy. */
  readonly beginAgain: () => Promise<PendingObject>;
}

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
    const { path: temporary } = this.#options;
    this.#bytes = await open(temporary, 'r').catch((cause: unknown) => {
      throw writeError(temporary, cause);
    });
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
      const { size } = await bytes.stat();
      for await (const piece of readPieces(bytes, { start: 0, end: size })) await copy.write(piece);
      return await copy.commit(path, condition);
    } catch (cause) {
      throw writeError(this.#options.path, cause);
    } finally {
      await copy.discard();
    }
  }
}

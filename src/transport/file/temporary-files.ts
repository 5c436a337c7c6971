// The temporary files of a folder store; a rename turns them into objects.
// Files of dead processes are removed by the next process that writes.
import { type FileHandle, mkdir, open, readdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemErrorCode } from '../../host/system-error.js';
import { isAbandonedName, temporaryName } from '../../host/temporary-name.js';

/** Below the root of the store, so that it is on the same file system; removed with its last file. */
export const TEMPORARY_FOLDER = '.regraft-tmp';
/** Another process may remove the folder after it was made, before a file in it is opened. */
const OPEN_ATTEMPTS = 100;

export interface TemporaryFile {
  readonly handle: FileHandle;
  readonly path: string;
  /** Reports that the file is gone: renamed or removed. */
  release(): Promise<void>;
}

/** Makes the temporary files of one store. */
export class TemporaryFiles {
  readonly #folder: string;
  #isCleared = false;
  /** Files that are not finished yet. */
  #open = 0;

  constructor(root: string) {
    this.#folder = join(root, TEMPORARY_FOLDER);
  }

  /** Makes an empty file. Fails as `open` does. */
  async create(): Promise<TemporaryFile> {
    const path = join(this.#folder, temporaryName());
    this.#open++;
    try {
      if (!this.#isCleared) await this.#clear();
      return { handle: await this.#openFile(path), path, release: () => this.#release() };
    } catch (cause) {
      await this.#release();
      throw cause;
    }
  }

  async #openFile(path: string): Promise<FileHandle> {
    for (let attempt = 1; ; attempt++) {
      try {
        await mkdir(this.#folder, { recursive: true });
        return await open(path, 'wx', 0o666);
      } catch (cause) {
        if (systemErrorCode(cause) !== 'ENOENT' || attempt >= OPEN_ATTEMPTS) throw cause;
      }
    }
  }

  /** Files left behind by dead processes of this host. */
  async #clear(): Promise<void> {
    this.#isCleared = true;
    const names = await readdir(this.#folder).catch(() => []);
    for (const name of names.filter(isAbandonedName))
      await rm(join(this.#folder, name), { force: true }).catch(() => {});
  }

  async #release(): Promise<void> {
    if (--this.#open === 0) await rmdir(this.#folder).catch(() => {}); // another process uses it
  }
}

// The temporary files of a folder store; a rename turns them into objects.
// Files of dead processes are removed by the next process that writes.
import { type FileHandle, mkdir, open, readdir, rename, rm, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { systemErrorCode } from '../../host/system-error.js';
import { isAbandonedName, temporaryName } from '../../host/temporary-name.js';

/** Below the root of the store, so that it is on the same file system; removed with its last file. */
export const TEMPORARY_FOLDER = '.regraft-tmp';
/** Another process may remove the folder after it was made, before a file in it is opened. */
const OPEN_ATTEMPTS = 100;

/** How long nobody touched what was left of an object before it is removed, in milliseconds. */
const PART_LIFETIME = 14 * 24 * 3600_000;
/** Comes before the SHA-256 of an object in the name of what there is of it. */
const PART = 'part-';

export interface TemporaryFile {
  readonly handle: FileHandle;
  readonly path: string;
  /** Bytes that another process left in it. */
  readonly size: number;
  /** Closed files only: leaves it to another process; undefined where nobody could tell what it is. */
  readonly suspend?: (() => Promise<void>) | undefined;
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
  create(): Promise<TemporaryFile> {
    return this.#counted(async () => {
      const path = this.#path(temporaryName());
      return { handle: await this.#openFile(path), path, size: 0, release: () => this.#release() };
    });
  }

  /** Takes up what a process that is gone left of an object, or makes an empty file. Fails as `open` does. */
  resume(sha256: string): Promise<TemporaryFile> {
    return this.#counted(async () => {
      const subject = `${PART}${sha256}`;
      // It names this process: nobody else takes it up while this one lives.
      const path = this.#path(temporaryName(subject));
      const suspend = () => rename(path, this.#path(subject));
      const isThere = await this.#claim(subject, path);
      const handle = isThere ? await open(path, 'a') : await this.#openFile(path);
      const size = isThere ? (await handle.stat()).size : 0;
      return { handle, path, size, suspend, release: () => this.#release() };
    });
  }

  /** Renames what there is; of several processes that want it one gets it. */
  async #claim(subject: string, path: string): Promise<boolean> {
    for (const name of await readdir(this.#folder).catch(() => [])) {
      const isLeft = name === subject || (name.startsWith(`${subject}-`) && isAbandonedName(name));
      if (isLeft && (await renamed(this.#path(name), path))) return true;
    }
    return false;
  }

  async #counted(make: () => Promise<TemporaryFile>): Promise<TemporaryFile> {
    this.#open++;
    try {
      if (!this.#isCleared) await this.#clear();
      return await make();
    } catch (cause) {
      await this.#release();
      throw cause;
    }
  }

  #path(name: string): string {
    return join(this.#folder, name);
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

  /** Files left behind by dead processes of this host; what may be taken up again is kept for a while. */
  async #clear(): Promise<void> {
    this.#isCleared = true;
    for (const name of await readdir(this.#folder).catch(() => [])) {
      const path = this.#path(name);
      const isUseless = name.startsWith(PART) ? await isOld(path) : isAbandonedName(name);
      if (isUseless) await rm(path, { force: true }).catch(() => {});
    }
  }

  async #release(): Promise<void> {
    if (--this.#open === 0) await rmdir(this.#folder).catch(() => {}); // another process uses it
  }
}

async function renamed(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (cause) {
    if (systemErrorCode(cause) === 'ENOENT') return false;
    throw cause;
  }
}

async function isOld(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && Date.now() - found.mtimeMs > PART_LIFETIME;
}

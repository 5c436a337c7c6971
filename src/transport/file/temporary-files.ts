// The temporary files of a store in a folder, from which a rename makes objects.
// Those of processes that died are cleared away by the next one that writes.
import { createHash, randomBytes } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, rm, rmdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { systemCode } from './errors.js';

/** Below the root of the store, so that it is on the same file system; removed with its last file. */
export const TEMPORARY_FOLDER = '.regraft-tmp';
const TEMPORARY_NAME = /^(?<pid>\d+)-(?<host>[0-9a-f]{8})-[0-9a-f]+$/;
/** Another process may remove the folder between making it and opening a file in it. */
const OPEN_ATTEMPTS = 100;

export interface TemporaryFile {
  readonly handle: FileHandle;
  readonly path: string;
  /** Tells that it is gone: renamed or removed. */
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
    const name = `${process.pid}-${hostTag()}-${randomBytes(6).toString('hex')}`;
    const path = join(this.#folder, name);
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
        if (systemCode(cause) !== 'ENOENT' || attempt >= OPEN_ATTEMPTS) throw cause;
      }
    }
  }

  /** What processes of this host left when they died. */
  async #clear(): Promise<void> {
    this.#isCleared = true;
    const names = await readdir(this.#folder).catch(() => []);
    for (const name of names.filter(isAbandoned))
      await rm(join(this.#folder, name), { force: true }).catch(() => {});
  }

  async #release(): Promise<void> {
    if (--this.#open === 0) await rmdir(this.#folder).catch(() => {}); // another process works there
  }
}

function isAbandoned(name: string): boolean {
  const parts = TEMPORARY_NAME.exec(name)?.groups;
  return parts !== undefined && parts.host === hostTag() && !isRunning(Number(parts.pid));
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return systemCode(cause) !== 'ESRCH';
  }
}

/** This host in eight digits: processes of another one cannot be asked for. */
function hostTag(): string {
  return createHash('sha256').update(hostname()).digest('hex').slice(0, 8);
}

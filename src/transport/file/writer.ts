// Writes the objects of a mirror in a folder: into a temporary file of the mirror first, which a rename then puts in its place.
// Temporary files of processes that died are cleared away by the next one that writes.
import { createHash, randomBytes } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { MirrorError, type MirrorErrorCode } from '../../core/errors.js';
import type { ObjectWriter } from '../../mirror/writable-mirror.js';

/** Below the root of the mirror, so that it is on the same file system; removed with its last file. */
const TEMPORARY_FOLDER = '.regraft-tmp';
const TEMPORARY_NAME = /^(?<pid>\d+)-(?<host>[0-9a-f]{8})-[0-9a-f]+$/;
/** Another process may remove the folder between making it and opening a file in it. */
const OPEN_ATTEMPTS = 100;

const CODES: Readonly<Record<string, MirrorErrorCode>> = {
  EACCES: 'mirror-read-only',
  EPERM: 'mirror-read-only',
  EROFS: 'mirror-read-only',
  ENOSPC: 'mirror-full',
  EDQUOT: 'mirror-full',
};
const HINTS: Readonly<Partial<Record<MirrorErrorCode, string>>> = {
  'mirror-read-only': 'Check who may write to the folder of the mirror',
  'mirror-full': 'Free some space, then run the same command again',
};

/** Makes the temporary files of one mirror. */
export class TemporaryFiles {
  readonly #folder: string;
  #isCleared = false;
  /** Files that are not finished yet. */
  #open = 0;

  constructor(root: string) {
    this.#folder = join(root, TEMPORARY_FOLDER);
  }

  /**
   * Begins a file that will get the name `target`.
   * @throws MirrorError `mirror-full`, `mirror-read-only`, `mirror-write-failed`.
   */
  async create(target: string): Promise<ObjectWriter> {
    const name = `${process.pid}-${hostTag()}-${randomBytes(6).toString('hex')}`;
    const temporary = join(this.#folder, name);
    this.#open++;
    try {
      if (!this.#isCleared) await this.#clear();
      const handle = await this.#openFile(temporary);
      return new FileWriter({ handle, temporary, target, release: () => this.#release() });
    } catch (cause) {
      await this.#release();
      throw writeError(target, cause);
    }
  }

  async #openFile(temporary: string): Promise<FileHandle> {
    for (let attempt = 1; ; attempt++) {
      try {
        await mkdir(this.#folder, { recursive: true });
        return await open(temporary, 'wx', 0o666);
      } catch (cause) {
        if (codeOf(cause) !== 'ENOENT' || attempt >= OPEN_ATTEMPTS) throw cause;
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

interface FileWriterOptions {
  readonly handle: FileHandle;
  readonly temporary: string;
  readonly target: string;
  readonly release: () => Promise<void>;
}

class FileWriter implements ObjectWriter {
  readonly #options: FileWriterOptions;
  #handle: FileHandle | undefined;
  #isDone = false;

  constructor(options: FileWriterOptions) {
    this.#options = options;
    this.#handle = options.handle;
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#do(async (handle) => {
      for (let offset = 0; offset < bytes.length; )
        offset += (await handle.write(bytes, offset, bytes.length - offset)).bytesWritten;
    });
  }

  prepare(): Promise<void> {
    return this.#do(async (handle) => {
      await handle.sync();
      await handle.close();
      this.#handle = undefined;
      await mkdir(dirname(this.#options.target), { recursive: true });
    });
  }

  async commit(): Promise<void> {
    if (this.#handle !== undefined) await this.prepare();
    const { temporary, target, release } = this.#options;
    try {
      await rename(temporary, target);
    } catch (cause) {
      await this.discard();
      throw writeError(target, cause);
    }
    this.#isDone = true;
    await release();
  }

  async discard(): Promise<void> {
    if (this.#isDone) return;
    this.#isDone = true;
    const { temporary, release } = this.#options;
    await this.#handle?.close().catch(() => {});
    await rm(temporary, { force: true }).catch(() => {});
    await release();
  }

  async #do(operation: (handle: FileHandle) => Promise<void>): Promise<void> {
    if (this.#handle === undefined) throw new TypeError('The object is finished already');
    try {
      await operation(this.#handle);
    } catch (cause) {
      await this.discard();
      throw writeError(this.#options.target, cause);
    }
  }
}

/**
 * Removes a file; one that is not there is fine.
 * @throws MirrorError `mirror-read-only`, `mirror-write-failed`.
 */
export async function removeFile(path: string): Promise<void> {
  try {
    await rm(path, { force: true });
  } catch (cause) {
    throw writeError(path, cause, 'remove');
  }
}

function writeError(path: string, cause: unknown, action = 'write'): MirrorError {
  if (cause instanceof MirrorError) return cause;
  const reason = codeOf(cause) ?? String(cause);
  const code = CODES[reason] ?? 'mirror-write-failed';
  const hint = HINTS[code];
  return new MirrorError(code, `Cannot ${action} "${path}": ${reason}`, {
    ...(hint === undefined ? {} : { hint }),
    retryable: code === 'mirror-full',
    cause,
    data: { location: path, reason },
  });
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
    return codeOf(cause) !== 'ESRCH';
  }
}

/** This host in eight digits: processes of another one cannot be asked for. */
function hostTag(): string {
  return createHash('sha256').update(hostname()).digest('hex').slice(0, 8);
}

function codeOf(cause: unknown): string | undefined {
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined;
}

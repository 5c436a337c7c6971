// Writes the objects of a folder store: into a temporary file first, which a rename then puts in place.
import { createReadStream } from 'node:fs';
import { type FileHandle, link, mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { WithSignal } from '../../core/with-signal.js';
import { systemErrorCode } from '../../host/system-error.js';
import type {
  BeginOptions,
  CommitCondition,
  KeptPart,
  ObjectFacts,
  ObjectWriter,
  PendingObject,
} from '../object-store.js';
import { changed, isAbsence, writeError } from './errors.js';
import { factsOf } from './facts.js';
import { type TemporaryFile, TemporaryFiles } from './temporary-files.js';

export interface FileWriterOptions {
  readonly root: string;
  /** The file system path of an object. */
  readonly resolve: (path: string) => string;
}

export class FileWriter implements ObjectWriter {
  readonly #options: FileWriterOptions;
  readonly #temporaries: TemporaryFiles;

  constructor(options: FileWriterOptions) {
    this.#options = options;
    this.#temporaries = new TemporaryFiles(options.root);
  }

  async begin({ path, partOf, signal }: BeginOptions = {}): Promise<PendingObject> {
    signal?.throwIfAborted();
    const { root, resolve } = this.#options;
    const expected = path === undefined ? undefined : resolve(path);
    const location = expected ?? root;
    const opening = partOf === undefined ? this.#temporaries.create() : this.#temporaries.resume(partOf);
    const temporary = await opening.catch((cause: unknown) => {
      throw writeError(location, cause);
    });
    return new PendingFile({ temporary, expected, location, resolve });
  }

  async remove(path: string, { signal }: WithSignal = {}): Promise<void> {
    signal?.throwIfAborted();
    const location = this.#options.resolve(path);
    await rm(location, { force: true }).catch((cause: unknown) => {
      throw writeError(location, cause, 'remove');
    });
  }
}

interface PendingFileOptions {
  readonly temporary: TemporaryFile;
  /** The final path, if known. */
  readonly expected: string | undefined;
  /** For messages. */
  readonly location: string;
  readonly resolve: (path: string) => string;
}

class PendingFile implements PendingObject {
  readonly kept: KeptPart | undefined;
  readonly #options: PendingFileOptions;
  #handle: FileHandle | undefined;
  #facts: ObjectFacts | undefined;
  /** The folder that was made for it. */
  #folder: string | undefined;
  #isDone = false;
  #size: number;

  constructor(options: PendingFileOptions) {
    this.#options = options;
    const { handle, path, size } = options.temporary;
    this.#handle = handle;
    this.#size = size;
    if (size > 0) this.kept = { size, read: () => fileContent(path, size) };
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#do(async (handle) => {
      for (let offset = 0; offset < bytes.length; )
        offset += (await handle.write(bytes, offset, bytes.length - offset)).bytesWritten;
      this.#size += bytes.length;
    });
  }

  prepare(): Promise<void> {
    return this.#do(async (handle) => {
      await handle.sync();
      this.#facts = factsOf(await handle.stat({ bigint: true }));
      await handle.close();
      this.#handle = undefined;
      if (this.#options.expected !== undefined) await this.#makeFolder(this.#options.expected);
    });
  }

  async commit(path: string, condition?: CommitCondition): Promise<ObjectFacts> {
    if (this.#isDone) throw new TypeError('The object is finished already');
    if (this.#handle !== undefined) await this.prepare();
    const { temporary, resolve } = this.#options;
    let target = this.#options.location;
    try {
      target = resolve(path);
      await this.#makeFolder(target);
      await place(temporary.path, target, condition);
    } catch (cause) {
      await this.discard();
      throw writeError(target, cause);
    }
    this.#isDone = true;
    await temporary.release();
    return this.#facts as ObjectFacts; // set by `prepare`
  }

  discard(): Promise<void> {
    return this.#leave(() => rm(this.#options.temporary.path, { force: true }));
  }

  suspend(): Promise<void> {
    const { suspend } = this.#options.temporary;
    return suspend === undefined || this.#size === 0 ? this.discard() : this.#leave(suspend);
  }

  async #leave(how: () => Promise<void>): Promise<void> {
    if (this.#isDone) return;
    this.#isDone = true;
    await this.#handle?.close().catch(() => {});
    this.#handle = undefined;
    await how().catch(() => {});
    await this.#options.temporary.release();
  }

  async #makeFolder(target: string): Promise<void> {
    const folder = dirname(target);
    if (folder === this.#folder) return;
    await mkdir(folder, { recursive: true });
    this.#folder = folder;
  }

  async #do(operation: (handle: FileHandle) => Promise<void>): Promise<void> {
    if (this.#handle === undefined) throw new TypeError('The object is finished already');
    try {
      await operation(this.#handle);
    } catch (cause) {
      await this.discard();
      throw writeError(this.#options.location, cause);
    }
  }
}

function fileContent(path: string, size: number): ReadableStream<Uint8Array> {
  return ReadableStream.from(createReadStream(path, { end: size - 1, highWaterMark: 1 << 18 }));
}

async function place(
  temporary: string,
  target: string,
  condition: CommitCondition | undefined,
): Promise<void> {
  if (condition === 'absent') return placeNew(temporary, target);
  if (condition !== undefined) await requireTag(target, condition.ifTag);
  await rename(temporary, target);
}

/** Unlike a rename, a link fails if the target exists. */
async function placeNew(temporary: string, target: string): Promise<void> {
  await link(temporary, target).catch((cause: unknown) => {
    throw systemErrorCode(cause) === 'EEXIST' ? changed(target, 'write') : cause;
  });
  await rm(temporary, { force: true }).catch(() => {}); // the next process that writes removes it
}

/** A change between this check and the rename goes unnoticed: no system call does both. */
async function requireTag(target: string, tag: string): Promise<void> {
  const found = await stat(target, { bigint: true }).catch((cause: unknown) => {
    if (isAbsence(cause)) return undefined;
    throw cause;
  });
  if (found === undefined || factsOf(found).tag !== tag) throw changed(target, 'write');
}

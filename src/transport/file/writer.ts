// Writes the objects of a folder store: into a temporary file first, which a rename then puts in place.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, link, mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { systemErrorCode } from '../../host/system-error.js';
import { writeAll } from '../../host/write-all.js';
import type {
  BeginOptions,
  CommitCondition,
  KeptPart,
  ObjectFacts,
  ObjectWriter,
  PendingObject,
  RemoveOptions,
} from '../object-store.js';
import { changed, isAbsence, writeError } from './errors.js';
import { factsOf } from './facts.js';
import { RepeatableFile } from './repeatable-file.js';
import { withReplaceLock } from './replace-lock.js';
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

  async begin({ path, isRepeatable, partOf, signal }: BeginOptions = {}): Promise<PendingObject> {
    signal?.throwIfAborted();
    const { root, resolve } = this.#options;
    const expected = path === undefined ? undefined : resolve(path);
    const location = expected ?? root;
    const opening = partOf === undefined ? this.#temporaries.create() : this.#temporaries.resume(partOf);
    const temporary = await opening.catch((cause: unknown) => {
      throw writeError(location, cause);
    });
    const pending = new PendingFile({ temporary, expected, location, resolve });
    if (!isRepeatable) return pending;
    return new RepeatableFile({
      first: pending,
      path: temporary.path,
      beginAgain: () => this.begin({ path }),
    });
  }

  async remove(path: string, { ifTag, signal }: RemoveOptions = {}): Promise<void> {
    signal?.throwIfAborted();
    const location = this.#options.resolve(path);
    const isRemoved = ifTag === undefined ? rm(location, { force: true }) : this.#removeIf(location, ifTag);
    await isRemoved.catch((cause: unknown) => {
      throw writeError(location, cause, 'remove');
    });
  }

  /** Takes the file aside, so that nobody can change it between the look and the removal. */
  async #removeIf(location: string, tag: string): Promise<void> {
    const found = await tagOf(location);
    if (found === undefined) return;
    if (found !== tag) throw changed(location, 'remove');
    const aside = await this.#temporaries.create();
    await aside.handle.close();
    try {
      await rename(location, aside.path);
      if ((await tagOf(aside.path)) === tag) return;
      await placeNew(aside.path, location).catch(() => {}); // a newer one is there already
      throw changed(location, 'remove');
    } catch (cause) {
      if (!isAbsence(cause)) throw cause;
    } finally {
      await rm(aside.path, { force: true }).catch(() => {});
      await aside.release();
    }
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
      await writeAll(handle, bytes);
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
      await place({ temporary: temporary.path, target, condition });
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

interface Placing {
  readonly temporary: string;
  readonly target: string;
  readonly condition: CommitCondition | undefined;
}

async function place({ temporary, target, condition }: Placing): Promise<void> {
  if (condition === 'absent') return placeNew(temporary, target);
  if (condition === undefined) return rename(temporary, target);
  await withReplaceLock(lockOf({ temporary, target }), async () => {
    await requireTag(target, condition.ifTag);
    await rename(temporary, target);
  });
}

/** Beside the temporary files, which nobody takes for objects. */
function lockOf({ temporary, target }: Pick<Placing, 'temporary' | 'target'>): string {
  const name = createHash('sha256').update(target).digest('hex').slice(0, 16);
  return join(dirname(temporary), `${name}.lock`);
}

/** Unlike a rename, a link fails if the target exists. */
async function placeNew(temporary: string, target: string): Promise<void> {
  await link(temporary, target).catch((cause: unknown) => {
    throw systemErrorCode(cause) === 'EEXIST' ? changed(target, 'write') : cause;
  });
  await rm(temporary, { force: true }).catch(() => {}); // the next process that writes removes it
}

/** Of programs that do not take the lock, a change between this check and the rename goes unnoticed. */
async function requireTag(target: string, tag: string): Promise<void> {
  if ((await tagOf(target)) !== tag) throw changed(target, 'write');
}

/** The tag of a file; undefined where there is none. */
async function tagOf(path: string): Promise<string | undefined> {
  try {
    return factsOf(await stat(path, { bigint: true })).tag;
  } catch (cause) {
    if (isAbsence(cause)) return undefined;
    throw cause;
  }
}

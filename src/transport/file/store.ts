// A mirror in a folder of this machine: a `file:` URL or a plain path.

import { statSync } from 'node:fs';
import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

import { MirrorError } from '../../core/errors.js';
import { removeFile, TemporaryFiles } from './writer.js';
import type { GetOptions, MirrorObject } from '../../mirror/mirror.js';
import { splitObjectPath } from '../object-path.js';
import type { ObjectWriter, WritableMirror } from '../../mirror/writable-mirror.js';

/** Large chunks keep the streams cheap (0.05 ms/MB against 1.4 with 16 KiB). */
/** Small enough for the allocator to use again: larger chunks are fresh memory each time, which costs more than it saves. */
const CHUNK_SIZE = 256 * 1024;

export interface FileMirrorOptions {
  /** Path of the mirror's root. */
  readonly root: string;
  readonly name?: string | undefined;
  readonly signed?: boolean | undefined;
}

/** A build cache in a folder. */
export class FileMirror implements WritableMirror {
  readonly name: string;
  readonly url: string;
  readonly signed: boolean;
  readonly #root: string;
  readonly #temporaries: TemporaryFiles;

  constructor({ root, name, signed }: FileMirrorOptions) {
    this.#root = resolve(root);
    this.#temporaries = new TemporaryFiles(this.#root);
    this.url = pathToFileURL(this.#root).href;
    this.name = name ?? this.#root;
    this.signed = signed ?? true;
  }

  location(path: string): string {
    return path === '' ? this.#root : join(this.#root, path);
  }

  async get(path: string, { signal }: GetOptions = {}): Promise<MirrorObject> {
    signal?.throwIfAborted();
    const location = this.#resolve(path);
    const { handle, size } = await this.#open(location);
    const body = fileStream({ handle, location, size, signal });
    return { body, size, etag: undefined, location };
  }

  async has(path: string, { signal }: GetOptions = {}): Promise<boolean> {
    signal?.throwIfAborted();
    const location = this.#resolve(path);
    try {
      return (await stat(location)).isFile();
    } catch (error) {
      if (isAbsence(error)) return false;
      throw unreadable(location, error);
    }
  }

  sizeOf(path: string): number | undefined {
    try {
      return statSync(this.#resolve(path)).size;
    } catch {
      // It is a hint. What is wrong with the object is told by `get`, of the one package that needs it.
      return undefined;
    }
  }

  async *list(path: string, { signal }: GetOptions = {}): AsyncIterable<string> {
    signal?.throwIfAborted();
    const location = path === '' ? this.#root : this.#resolve(path);
    let names: string[];
    try {
      names = await readdir(location);
    } catch (error) {
      if (!isAbsence(error)) throw unreadable(location, error);
      await this.#requireRoot();
      return;
    }
    yield* names.sort();
  }

  async create(path: string, { signal }: GetOptions = {}): Promise<ObjectWriter> {
    signal?.throwIfAborted();
    return this.#temporaries.create(this.#resolve(path));
  }

  async remove(path: string, { signal }: GetOptions = {}): Promise<void> {
    signal?.throwIfAborted();
    await removeFile(this.#resolve(path));
  }

  #resolve(path: string): string {
    return join(this.#root, ...splitObjectPath(path, this.#root));
  }

  async #open(location: string): Promise<{ handle: FileHandle; size: number }> {
    let handle: FileHandle | undefined;
    try {
      // A FIFO would block the open for ever, hence the look before it.
      const found = await stat(location);
      if (found.isFile()) {
        handle = await open(location, 'r');
        return { handle, size: (await handle.stat()).size };
      }
    } catch (error) {
      await handle?.close();
      if (!isAbsence(error)) throw unreadable(location, error);
      await this.#requireRoot();
    }
    throw new MirrorError('mirror-not-found', `Cannot read "${location}": no such file`, {
      hint: 'The mirror is not complete: push the package again, or update its index',
      data: { location },
    });
  }

  /** A root that is not there is a mistake of the user, other than an object that is not there. */
  async #requireRoot(): Promise<void> {
    const root = await stat(this.#root).catch(() => undefined);
    if (root?.isDirectory()) return;
    throw new MirrorError('mirror-unreachable', `Cannot read mirror "${this.#root}": no such folder`, {
      hint: 'Check the path of the mirror',
      data: { mirror: this.#root },
    });
  }
}

interface FileStreamSource {
  readonly handle: FileHandle;
  readonly location: string;
  readonly size: number;
  readonly signal: AbortSignal | undefined;
}

function fileStream({ handle, location, size, signal }: FileStreamSource): ReadableStream<Uint8Array> {
  let position = 0;
  const readInto = async (target: Uint8Array): Promise<number> => {
    signal?.throwIfAborted();
    const wanted = Math.min(target.length, size - position);
    if (wanted === 0) return 0;
    const { bytesRead } = await handle.read(target, 0, wanted, position).catch((error: unknown) => {
      throw unreadable(location, error);
    });
    if (bytesRead === 0) throw shrunk(location, size, position);
    position += bytesRead;
    return bytesRead;
  };
  return new ReadableStream({
    // Who brings buffers of their own has them filled, again and again; for others they are made.
    type: 'bytes',
    autoAllocateChunkSize: CHUNK_SIZE,
    async pull(controller) {
      try {
        // There is always one, as buffers are made where a reader brings none.
        const request = controller.byobRequest as ReadableStreamBYOBRequest;
        const count = await readInto(request.view as Uint8Array);
        if (count > 0) request.respond(count);
        if (position < size) return;
        await handle.close();
        controller.close();
        controller.byobRequest?.respond(0);
      } catch (error) {
        await handle.close().catch(() => {});
        throw error;
      }
    },
    cancel: () => handle.close(),
  });
}

function isAbsence(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENAMETOOLONG';
}

function unreadable(location: string, cause: unknown): MirrorError {
  const reason = (cause as NodeJS.ErrnoException).code ?? String(cause);
  return new MirrorError('mirror-unreachable', `Cannot read "${location}": ${reason}`, {
    cause,
    data: { location, reason },
  });
}

function shrunk(location: string, size: number, position: number): MirrorError {
  return new MirrorError(
    'mirror-truncated',
    `Cannot read "${location}": it ended after ${position} of ${size} bytes`,
    {
      retryable: true,
      data: { location, expected: size, actual: position },
    },
  );
}

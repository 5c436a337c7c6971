// Objects in a local folder: a `file:` URL or a plain path.

import { statSync } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

import { MirrorError } from '../../core/errors.js';
import type { WithSignal } from '../../core/with-signal.js';
import { checkRange, rangeWithin } from '../byte-range.js';
import { splitObjectPath } from '../object-path.js';
import type {
  ObjectFacts,
  ObjectLister,
  ObjectStore,
  ObjectWriter,
  OpenedObject,
  OpenOptions,
} from '../object-store.js';
import { fileStream } from './body.js';
import { changed, isAbsence, missing, unreadable } from './errors.js';
import { type FileFacts, factsOf } from './facts.js';
import { FileLister } from './lister.js';
import { FileWriter } from './writer.js';

export interface FileStoreOptions {
  /** Path of the store's root. */
  readonly root: string;
}

/** The files of a folder. */
export class FileStore implements ObjectStore {
  readonly url: string;
  /** Every copy of a folder has other inodes and times. */
  readonly hasLastingTags = false;
  readonly isLocal = true;
  readonly lister: ObjectLister;
  readonly writer: ObjectWriter;
  readonly #root: string;

  constructor({ root }: FileStoreOptions) {
    this.#root = resolve(root);
    this.url = pathToFileURL(this.#root).href;
    this.lister = new FileLister({
      resolve: (path) => (path === '' ? this.#root : this.#resolve(path)),
      requireRoot: () => this.#requireRoot(),
    });
    this.writer = new FileWriter({ root: this.#root, resolve: (path) => this.#resolve(path) });
  }

  location(path: string): string {
    return path === '' ? this.#root : join(this.#root, path);
  }

  open(path: string, options?: OpenOptions & { readonly unlessTag?: undefined }): Promise<OpenedObject>;
  open(path: string, options: OpenOptions): Promise<OpenedObject | 'not-modified'>;
  async open(path: string, options: OpenOptions = {}): Promise<OpenedObject | 'not-modified'> {
    const { range, signal } = options;
    signal?.throwIfAborted();
    if (range !== undefined) checkRange(range);
    const location = this.#resolve(path);
    const file = await this.#open(location);
    try {
      const { handle, size, tag } = file;
      if (options.ifTag !== undefined && options.ifTag !== tag) throw changed(location, 'read');
      if (options.unlessTag === tag) {
        await handle.close();
        return 'not-modified';
      }
      const { start, end } = rangeWithin(range ?? { start: 0 }, { size, location });
      const reopen = () => this.#openAgain(location, tag);
      const body = fileStream({ handle, location, start, end, signal, reopen });
      return { body, size: end - start, tag, location };
    } catch (error) {
      await file.handle.close().catch(() => {});
      throw error;
    }
  }

  async stat(path: string, { signal }: WithSignal = {}): Promise<ObjectFacts | undefined> {
    signal?.throwIfAborted();
    const location = this.#resolve(path);
    try {
      const found = await stat(location, { bigint: true });
      return found.isFile() ? factsOf(found) : undefined;
    } catch (error) {
      if (isAbsence(error)) return undefined;
      throw unreadable(location, error);
    }
  }

  sizeHint(path: string): number | undefined {
    try {
      return statSync(this.#resolve(path)).size;
    } catch {
      // Only a hint: errors are reported by `open`.
      return undefined;
    }
  }

  #resolve(path: string): string {
    return join(this.#root, ...splitObjectPath(path, this.#root));
  }

  async #open(location: string): Promise<{ readonly handle: FileHandle } & FileFacts> {
    let handle: FileHandle | undefined;
    try {
      // Opening a FIFO would block forever, hence the stat first.
      const found = await stat(location);
      if (found.isFile()) {
        handle = await open(location, 'r');
        return { handle, ...factsOf(await handle.stat({ bigint: true })) };
      }
    } catch (error) {
      await handle?.close();
      if (!isAbsence(error)) throw unreadable(location, error);
      await this.#requireRoot();
    }
    throw missing(location);
  }

  async #openAgain(location: string, before: string): Promise<FileHandle> {
    const { handle, tag } = await this.#open(location);
    if (tag === before) return handle;
    await handle.close();
    throw changed(location, 'read');
  }

  /** A missing root is a user error, unlike a missing object. */
  async #requireRoot(): Promise<void> {
    const root = await stat(this.#root).catch(() => undefined);
    if (root?.isDirectory()) return;
    throw new MirrorError('mirror-unreachable', `Cannot read mirror "${this.#root}": no such folder`, {
      hint: 'Check the path of the mirror',
      data: { mirror: this.#root },
    });
  }
}

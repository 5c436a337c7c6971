// Lists the files of a store's folder, in the order of their paths, as a bucket would list them.
import type { Dirent, Stats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ListedObject, ListOptions, ObjectLister } from '../object-store.js';
import { isAbsence, unreadable } from './errors.js';
import { TEMPORARY_FOLDER } from './temporary-files.js';

export interface FileListerOptions {
  /** Where the folder of a path lies; '' is the root. */
  readonly resolve: (path: string) => string;
  /** Fails when the root is not there. */
  readonly requireRoot: () => Promise<void>;
}

interface Found {
  readonly path: string;
  readonly size: number | undefined;
  readonly modified: number | undefined;
  readonly isFolder: boolean;
  /** Device and inode of a folder that was looked at. */
  readonly identity: string | undefined;
}

export class FileLister implements ObjectLister {
  readonly #options: FileListerOptions;

  constructor(options: FileListerOptions) {
    this.#options = options;
  }

  async *list(folder: string, options: ListOptions = {}): AsyncIterable<ListedObject> {
    options.signal?.throwIfAborted();
    const entries = await this.#read(folder, options);
    if (entries === undefined) return this.#options.requireRoot();
    const start = options.isRecursive ? [await identityOf(this.#options.resolve(folder))] : [];
    yield* this.#walk(entries, options, start);
  }

  /** `trail` holds the folders above, where a symbolic link may lead back to. */
  async *#walk(
    entries: readonly Found[],
    options: ListOptions,
    trail: readonly (string | undefined)[],
  ): AsyncIterable<ListedObject> {
    for (const { path, size, modified, isFolder, identity } of entries) {
      options.signal?.throwIfAborted();
      if (!isFolder) yield { path, size, modified };
      else if (options.withFolders && !options.isRecursive) yield { path: `${path}/`, size, modified };
      else if (options.isRecursive && !trail.includes(identity)) {
        const below = (await this.#read(path, options)) ?? [];
        yield* this.#walk(below, options, [...trail, identity]);
      }
    }
  }

  /** Files and folders directly in a folder, sorted; undefined when it is not there. */
  async #read(folder: string, options: ListOptions): Promise<Found[] | undefined> {
    const location = this.#options.resolve(folder);
    let entries: Dirent[];
    try {
      entries = await readdir(location, { withFileTypes: true });
    } catch (error) {
      if (!isAbsence(error)) throw unreadable(location, error);
      return undefined;
    }
    const isHidden = (name: string) => folder === '' && name === TEMPORARY_FOLDER;
    const found = await Promise.all(
      entries.map((entry) => (isHidden(entry.name) ? undefined : look(entry, { location, folder, options }))),
    );
    return found.filter((each) => each !== undefined).sort(byPath);
  }
}

interface Place {
  readonly location: string;
  readonly folder: string;
  readonly options: ListOptions;
}

async function look(entry: Dirent, { location, folder, options }: Place): Promise<Found> {
  const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
  const unknown = { path, size: undefined, modified: undefined, identity: undefined };
  const isFolder = entry.isDirectory();
  // A folder is looked at because a link below it may lead back to it.
  const mustLook = isFolder ? options.isRecursive : options.withSizes || entry.isSymbolicLink();
  if (!mustLook) return { ...unknown, isFolder };
  // What cannot be looked at is listed: opening it tells what is wrong with it.
  const found = await stat(join(location, entry.name)).catch(() => undefined);
  if (found?.isDirectory()) return { ...unknown, isFolder: true, identity: identityIn(found) };
  if (found === undefined || !options.withSizes) return { ...unknown, isFolder };
  return { ...unknown, isFolder: false, size: found.size, modified: found.mtimeMs };
}

async function identityOf(folder: string): Promise<string | undefined> {
  const found = await stat(folder).catch(() => undefined);
  return found && identityIn(found);
}

function identityIn({ dev, ino }: Stats): string {
  return `${dev}:${ino}`;
}

/** A folder stands where the paths below it stand. */
function byPath(a: Found, b: Found): number {
  const [left, right] = [sortKey(a), sortKey(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

function sortKey({ path, isFolder }: Found): string {
  return isFolder ? `${path}/` : path;
}

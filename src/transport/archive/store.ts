// Objects in a tar archive, read in place by their offsets: nothing is unpacked. The top of the archive is the root.
import type { FileHandle } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { WithSignal } from '../../core/with-signal.js';
import { checkRange, rangeWithin } from '../byte-range.js';
import { fileStream } from '../file/body.js';
import { changed } from '../file/errors.js';
import { splitObjectPath } from '../object-path.js';
import type {
  ObjectFacts,
  ObjectLister,
  ObjectStore,
  ObjectWriter,
  OpenedObject,
  OpenOptions,
} from '../object-store.js';
import { ArchiveFile, type ArchiveSource, type OpenedArchive } from './archive-file.js';
import { missingMember, tooDeep } from './errors.js';
import { ArchiveLister } from './lister.js';
import type { MemberTable } from './member-table.js';

/** The files in an archive. */
export class ArchiveStore implements ObjectStore {
  readonly url: string;
  /** Every copy of an archive is another file at another time. */
  readonly hasLastingTags = false;
  readonly lister: ObjectLister;
  /** An archive that is not being made is read-only. */
  readonly writer: ObjectWriter | undefined;
  readonly #source: ArchiveSource;

  constructor({ source, writer }: { readonly source: ArchiveSource; readonly writer?: ObjectWriter }) {
    this.url = pathToFileURL(source.location).href;
    this.lister = new ArchiveLister(source);
    this.writer = writer;
    this.#source = source;
  }

  /** Opens an archive for reading; nothing is read yet. */
  static at(path: string): ArchiveStore {
    return new ArchiveStore({ source: new ArchiveFile(resolve(path)) });
  }

  location(path: string): string {
    return path === '' ? this.#source.location : `${this.#source.location}/${path}`;
  }

  open(path: string, options?: OpenOptions & { readonly unlessTag?: undefined }): Promise<OpenedObject>;
  open(path: string, options: OpenOptions): Promise<OpenedObject | 'not-modified'>;
  async open(path: string, options: OpenOptions = {}): Promise<OpenedObject | 'not-modified'> {
    options.signal?.throwIfAborted();
    if (options.range !== undefined) checkRange(options.range);
    this.#check(path);
    const archive = await this.#source.open();
    let isHandedOver = false;
    try {
      options.signal?.throwIfAborted();
      const opened = this.#openIn(archive, path, options);
      isHandedOver = opened !== 'not-modified';
      return opened;
    } finally {
      if (!isHandedOver) await archive.handle.close().catch(() => {});
    }
  }

  async stat(path: string, { signal }: WithSignal = {}): Promise<ObjectFacts | undefined> {
    signal?.throwIfAborted();
    this.#check(path);
    const members = await this.#source.members();
    const member = members.get(path);
    if (member !== undefined) return members.factsOf(member);
    this.#requireTop(path, members);
    return undefined;
  }

  sizeHint(path: string): number | undefined {
    return this.#source.known?.get(path)?.size;
  }

  #openIn(
    { handle, members }: OpenedArchive,
    path: string,
    options: OpenOptions,
  ): OpenedObject | 'not-modified' {
    const { signal, range = { start: 0 }, ifTag, unlessTag } = options;
    const location = this.location(path);
    const member = members.get(path);
    if (member === undefined) {
      this.#requireTop(path, members);
      throw missingMember(path, this.#source.location);
    }
    const { size, tag } = members.factsOf(member);
    if (ifTag !== undefined && ifTag !== tag) throw changed(location, 'read');
    if (unlessTag === tag) return 'not-modified';
    const { start, end } = rangeWithin(range, { size, location });
    const { offset } = member;
    const reopen = () => this.#openAgain(path, tag);
    const body = fileStream({ handle, location, start: offset + start, end: offset + end, signal, reopen });
    return { body, size: end - start, tag, location };
  }

  async #openAgain(path: string, tag: string): Promise<FileHandle> {
    const { handle, members } = await this.#source.open();
    const member = members.get(path);
    if (member !== undefined && members.factsOf(member).tag === tag) return handle;
    await handle.close();
    throw changed(this.location(path), 'read');
  }

  #check(path: string): void {
    splitObjectPath(path, this.#source.location);
  }

  /** Somebody packed the folder of the mirror in place of its content: nothing would ever be found. */
  #requireTop(path: string, members: MemberTable): void {
    if (this.writer !== undefined) return;
    const [name = ''] = path.split('/', 1);
    if (members.hasFolder(name)) return;
    for (const folder of members.folders())
      if (members.hasFolder(`${folder}/${name}`))
        throw tooDeep({ location: this.#source.location, name, folder });
  }
}

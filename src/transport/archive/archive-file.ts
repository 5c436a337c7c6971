// An archive that is read in place. Its members are looked for once, and again when the file has changed.
import { constants } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { factsOf } from '../file/facts.js';
import { unusable } from './errors.js';
import type { MemberTable } from './member-table.js';
import { type ScannedMembers, scanMembers } from './scan-members.js';

/** A file, open, and what is in it. */
export interface OpenedArchive {
  readonly handle: FileHandle;
  readonly members: MemberTable;
}

/** Where a store finds its members. */
export interface ArchiveSource {
  /** The path of the archive. */
  readonly location: string;
  /** The members if they are known already. */
  readonly known: MemberTable | undefined;
  members(): Promise<MemberTable>;
  /** The caller closes the file. */
  open(): Promise<OpenedArchive>;
}

interface Scan {
  readonly identity: string;
  readonly found: Promise<ScannedMembers>;
}

export class ArchiveFile implements ArchiveSource {
  readonly location: string;
  #scan: Scan | undefined;
  #known: MemberTable | undefined;

  constructor(location: string) {
    this.location = location;
  }

  get known(): MemberTable | undefined {
    return this.#known;
  }

  async members(): Promise<MemberTable> {
    const facts = await stat(this.location, { bigint: true }).catch((cause: unknown) => {
      throw unusable(this.location, cause);
    });
    if (this.#scan?.identity === factsOf(facts).tag) return (await this.#scan.found).members;
    const { handle, members } = await this.open();
    await handle.close();
    return members;
  }

  async open(): Promise<OpenedArchive> {
    const { handle, members } = await this.scan();
    return { handle, members };
  }

  /** Opens the file, and tells also where its members end. Errors as `scanMembers`. */
  async scan(): Promise<OpenedArchive & { readonly end: number; readonly identity: string }> {
    const handle = await openFile(this.location);
    try {
      const { size, tag: identity } = factsOf(await handle.stat({ bigint: true }));
      if (this.#scan?.identity !== identity)
        this.#scan = { identity, found: this.#find(handle, size, identity) };
      return { handle, identity, ...(await this.#scan.found) };
    } catch (error) {
      await handle.close().catch(() => {});
      throw error;
    }
  }

  async #find({ fd }: FileHandle, size: number, tag: string): Promise<ScannedMembers> {
    const identity = tag.replaceAll('"', '');
    const found = await scanMembers({ descriptor: fd, size, identity, location: this.location });
    this.#known = found.members;
    return found;
  }
}

/** Does not wait where there is a pipe in place of a file: reading it fails then. */
async function openFile(location: string): Promise<FileHandle> {
  return open(location, constants.O_RDONLY | constants.O_NONBLOCK).catch((cause: unknown) => {
    throw unusable(location, cause);
  });
}

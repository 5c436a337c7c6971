// The file of an archive that is being made: members are appended, and count once they are there as a whole.
import type { FileHandle } from 'node:fs/promises';
import { encodeSurrogateEscape } from '../../host/surrogate-escape.js';
import { writeAll } from '../../host/write-all.js';
import { endingAfter, packHeader, paddingAfter } from '../../tar/pack.js';
import type { MemberTable } from './member-table.js';

export interface MemberBytes {
  readonly size: number;
  pieces(): AsyncIterable<Uint8Array>;
}

export interface DraftFileOptions {
  readonly handle: FileHandle;
  readonly path: string;
  readonly members: MemberTable;
  /** Where its members end. */
  readonly end: number;
}

const MODE = 0o644;

/** Its methods fail as calls of the system do; one call at a time. */
export class DraftFile {
  readonly handle: FileHandle;
  readonly path: string;
  readonly members: MemberTable;
  #end: number;

  constructor({ handle, path, members, end }: DraftFileOptions) {
    this.handle = handle;
    this.path = path;
    this.members = members;
    this.#end = end;
  }

  /** The size without the blocks of the end. */
  get end(): number {
    return this.#end;
  }

  /** Appends a member. One that fails is overwritten by the next, or cut off. */
  async append(path: string, bytes: MemberBytes): Promise<void> {
    const header = headerOf(path, bytes.size);
    const offset = this.#end + header.length;
    let position = offset;
    await writeAll(this.handle, header, this.#end);
    for await (const piece of bytes.pieces()) {
      await writeAll(this.handle, piece, position);
      position += piece.length;
    }
    await writeAll(this.handle, new Uint8Array(paddingAfter(bytes.size)), position);
    this.members.set(path, { offset, size: bytes.size, modified: 0 });
    this.#end = position + paddingAfter(bytes.size);
  }

  /** Ends the archive, and makes it durable. */
  async complete(): Promise<void> {
    await this.handle.truncate(this.#end);
    await writeAll(this.handle, new Uint8Array(endingAfter(this.#end)), this.#end);
    await this.handle.sync();
  }

  /** How large an archive with nothing but the members that count would be. */
  leastEnd(): number {
    let end = 0;
    for (const path of this.members.paths()) {
      const size = this.members.get(path)?.size ?? 0;
      end += headerOf(path, size).length + size + paddingAfter(size);
    }
    return end;
  }
}

/** Nothing but the name and the size: an archive depends on its content alone. */
function headerOf(path: string, size: number): Uint8Array {
  return packHeader({ type: 'file', path: encodeSurrogateEscape(path), mode: MODE, size });
}

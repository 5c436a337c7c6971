// An archive that is being made, or made anew with more in it. Everything happens to a copy beside it, which takes its name at the end.
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, open, readdir, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { MirrorError } from '../../core/errors.js';
import { readPieces } from '../../host/read-pieces.js';
import { isAbsent } from '../../host/system-error.js';
import { isAbandonedName, temporaryName } from '../../host/temporary-name.js';
import { changed, writeError } from '../file/errors.js';
import { factsOf } from '../file/facts.js';
import type { CommitCondition, ObjectFacts } from '../object-store.js';
import { ArchiveFile, type ArchiveSource, type OpenedArchive } from './archive-file.js';
import { DraftFile, type MemberBytes } from './draft-file.js';
import { unusable } from './errors.js';
import { TEMPORARY } from './member-spool.js';
import { MemberTable } from './member-table.js';

/** The archive as it was found. */
interface Original {
  /** Says whether it is still the same. */
  readonly identity: string;
  readonly end: number;
}

export interface AppendedMember {
  readonly path: string;
  readonly bytes: MemberBytes;
  readonly condition?: CommitCondition | undefined;
}

/** Bytes of members that were replaced are carried along up to this share of the archive. */
const CARRIED_SHARE = 0.25;

export class ArchiveDraft implements ArchiveSource {
  readonly location: string;
  readonly #original: Original | undefined;
  #members: MemberTable;
  /** Undefined until something is written: until then nothing is copied. */
  #file: DraftFile | undefined;
  readonly #removed = new Set<string>();
  #last: Promise<unknown> = Promise.resolve();
  #state: 'open' | 'finished' | 'dropped' = 'open';

  private constructor(location: string, original: Original | undefined, found: MemberTable | undefined) {
    this.location = location;
    this.#original = original;
    this.#members = found?.copy(newIdentity()) ?? new MemberTable(newIdentity());
  }

  /** Begins with what is in the archive, if there is one. Errors as `openArchiveForWriting`. */
  static async begin(path: string): Promise<ArchiveDraft> {
    const location = await targetOf(path);
    await removeAbandoned(location);
    if ((await identityOf(location)) === undefined) return new ArchiveDraft(location, undefined, undefined);
    const { handle, members, ...original } = await new ArchiveFile(location).scan();
    await handle.close();
    return new ArchiveDraft(location, original, members);
  }

  get known(): MemberTable {
    return this.#members;
  }

  async members(): Promise<MemberTable> {
    return this.#members;
  }

  /** Members keep their places in the copy. */
  async open(): Promise<OpenedArchive> {
    if (this.#state === 'dropped') throw new TypeError('The archive is closed already');
    const { path } = this.#file ?? { path: this.location };
    const members = this.#members;
    const handle = await open(path, 'r').catch((cause: unknown) => {
      throw unusable(path, cause);
    });
    return { handle, members };
  }

  append({ path, bytes, condition }: AppendedMember): Promise<ObjectFacts> {
    return this.#change(path, async () => {
      this.#require(path, condition);
      const file = await this.#copy();
      await file.append(path, bytes);
      this.#removed.delete(path);
      const member = this.#members.get(path);
      if (member === undefined) throw new TypeError('A member that was appended is there');
      return this.#members.factsOf(member);
    });
  }

  remove(path: string): Promise<void> {
    return this.#change(path, async () => {
      if (this.#members.get(path) === undefined) return;
      await this.#copy();
      this.#members.delete(path);
      this.#removed.add(path);
    });
  }

  /** Puts the archive in place. An archive to which nothing was done stays as it is. */
  finish(): Promise<void> {
    return this.#change('', async () => {
      if (this.#file === undefined && this.#original !== undefined) {
        this.#state = 'finished';
        return;
      }
      const copy = await this.#copy();
      const file = this.#mustRewrite(copy) ? await this.#rewrite(copy) : copy;
      await file.complete();
      await this.#requireOriginal();
      await rename(file.path, this.location);
      this.#state = 'finished';
      this.#file = undefined;
      await file.handle.close().catch(() => {});
    });
  }

  /** Drops what was not finished. Never throws. */
  async drop(): Promise<void> {
    await this.#last.catch(() => {});
    if (this.#state === 'open' && this.#file !== undefined) await discard(this.#file);
    this.#file = undefined;
    this.#state = 'dropped';
  }

  /** One change after the other. */
  #change<Result>(path: string, action: () => Promise<Result>): Promise<Result> {
    const result = this.#last
      .catch(() => {})
      .then(async () => {
        if (this.#state !== 'open') throw new TypeError('The archive is finished already');
        return action().catch((cause: unknown) => {
          throw cause instanceof TypeError ? cause : writeError(join(this.location, path), cause);
        });
      });
    this.#last = result.catch(() => {});
    return result;
  }

  #require(path: string, condition: CommitCondition | undefined): void {
    if (condition === undefined) return;
    const member = this.#members.get(path);
    const tag = member && this.#members.factsOf(member).tag;
    if (tag !== (condition === 'absent' ? undefined : condition.ifTag))
      throw changed(join(this.location, path), 'write');
  }

  async #copy(): Promise<DraftFile> {
    if (this.#file !== undefined) return this.#file;
    const path = this.#temporaryPath();
    const end = this.#original?.end ?? 0;
    try {
      if (this.#original !== undefined) {
        // Shares the blocks of the original where the file system can.
        await copyFile(this.location, path, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
        await this.#requireOriginal();
      }
      const handle = await open(path, this.#original === undefined ? 'wx+' : 'r+', 0o666);
      this.#file = new DraftFile({ handle, path, members: this.#members, end });
    } catch (cause) {
      await rm(path, { force: true }).catch(() => {});
      throw cause;
    }
    return this.#file;
  }

  /** Readers of an archive find everything that is in it, so what was removed may not stay. */
  #mustRewrite(file: DraftFile): boolean {
    return this.#removed.size > 0 || file.end - file.leastEnd() > CARRIED_SHARE * file.end;
  }

  async #rewrite(old: DraftFile): Promise<DraftFile> {
    const path = this.#temporaryPath();
    const members = new MemberTable(newIdentity());
    const file = new DraftFile({ handle: await open(path, 'wx+', 0o666), path, members, end: 0 });
    try {
      for (const name of old.members.paths()) {
        const member = old.members.get(name);
        if (member === undefined) continue;
        const { offset: start, size } = member;
        await file.append(name, { size, pieces: () => readPieces(old.handle, { start, end: start + size }) });
      }
      await file.handle.chmod((await old.handle.stat()).mode & 0o777);
    } catch (cause) {
      await discard(file);
      throw cause;
    }
    await discard(old);
    this.#members = members;
    this.#file = file;
    return file;
  }

  async #requireOriginal(): Promise<void> {
    if ((await identityOf(this.location)) !== this.#original?.identity) throw changed(this.location, 'write');
  }

  #temporaryPath(): string {
    return join(dirname(this.location), temporaryName(TEMPORARY));
  }
}

/** Tags of a draft are good for its run only. */
function newIdentity(): string {
  return randomBytes(8).toString('hex');
}

async function discard({ handle, path }: DraftFile): Promise<void> {
  await handle.close().catch(() => {});
  await rm(path, { force: true }).catch(() => {});
}

/** Where a symbolic link leads, so that the link stays. */
async function targetOf(path: string): Promise<string> {
  const location = resolve(path);
  return realpath(location).catch((cause: unknown) => {
    if (isAbsent(cause)) return location;
    throw writeError(location, cause);
  });
}

async function identityOf(location: string): Promise<string | undefined> {
  const found = await stat(location, { bigint: true }).catch((cause: unknown) => {
    if (isAbsent(cause)) return undefined;
    throw writeError(location, cause);
  });
  if (found?.isFile() === false)
    throw new MirrorError('mirror-write-failed', `Cannot write "${location}": it is not a file`, {
      hint: 'Give the archive another name',
      data: { location },
    });
  return found && factsOf(found).tag;
}

/** What runs left behind that were killed. Tells also whether there is a folder. */
async function removeAbandoned(location: string): Promise<void> {
  const folder = dirname(location);
  const names = await readdir(folder).catch((cause: unknown) => {
    throw writeError(location, cause);
  });
  for (const name of names)
    if (name.startsWith(TEMPORARY) && isAbandonedName(basename(name)))
      await rm(join(folder, name), { force: true }).catch(() => {});
}

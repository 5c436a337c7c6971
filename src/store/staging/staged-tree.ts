// Extracts the members of a package's tarball into a private folder. The package root is known only at the end of the archive, so
// names are kept as in the archive; `base` is the leading part that is left out on disk.
import {
  closeSync,
  fchmodSync,
  futimesSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs';
import { copyBytes, fromLatin1 } from '../../core/bytes.js';
import type { TarEntry } from '../../tar/entry.js';
import { displayPath, isWithin, parentPath, parseSafePath, type SafePath } from '../../tar/safe-path.js';
import { SPECIAL_BITS } from '../prefix/permissions.js';
import { storeIoError } from '../store-io.js';
import { throughSymlink, typeChange, unsafeLink, unsupportedType } from './member-errors.js';
import { writeFully } from './staged-file.js';

/** The kind of a file by its first bytes; only these kinds matter to the install hooks. */
export type ContentKind = 'elf' | 'script' | 'other';

export type StagedMember =
  /** `isListed`: the archive has a member for it. */
  | { readonly kind: 'directory'; readonly isListed: boolean }
  | {
      readonly kind: 'file';
      readonly mode: number;
      readonly size: number;
      readonly content: ContentKind;
      /** The same for all names of a hard link group, and for nothing else. */
      readonly inode: number;
    }
  | { readonly kind: 'symlink'; readonly target: string };

export interface StagedTreeOptions {
  /** An existing empty folder for this extraction alone. */
  readonly folder: string;
  /** The member with the shortest name that ends in this is also kept in memory: the buildinfo. */
  readonly keep: string;
  /** Maps the mode in the archive to the mode of the file. */
  readonly fileMode: (mode: number) => number;
  /** Called once, with the leading part of all names so far. Returns a recorder of the places in ELF files that relocation may change. */
  readonly recordHits?: (base: string) => HitRecorder | undefined;
}

/** Scans the bytes of one file at a time. */
export interface HitRecorder {
  /** What it searches for. */
  readonly root: Uint8Array;
  begin(): void;
  scan(bytes: Uint8Array): void;
  /** Offsets in the file, ascending; undefined if there were too many to keep. */
  end(): readonly number[] | undefined;
}

/** Largest member that `keep` holds in memory. */
const MAX_KEPT_SIZE = 64 << 20;
const FOLDER_MODE = 0o755;

interface OpenFile {
  readonly path: SafePath;
  readonly descriptor: number;
  readonly entry: TarEntry;
  readonly mode: number;
  readonly kept: Uint8Array[] | undefined;
  content: ContentKind | undefined;
  /** Whether the recorder saw every byte. */
  isScanned: boolean;
  head: Uint8Array;
  written: number;
}

/** The tree of a tarball's members, while it is written and afterwards. */
export class StagedTree {
  readonly #folder: Buffer;
  readonly #options: StagedTreeOptions;
  readonly #members = new Map<SafePath, StagedMember>();
  readonly #kept = new Map<SafePath, Uint8Array>();
  /** By inode. */
  readonly #hits = new Map<number, readonly number[]>();
  #recorder: HitRecorder | undefined;
  readonly #umask = process.umask();
  /** Every member so far lies below this directory, or is a directory above it; on disk it is the folder itself. */
  #base = '';
  #settled = false;
  #open: OpenFile | undefined;
  #writtenBytes = 0;
  #lastInode = 0;

  constructor(options: StagedTreeOptions) {
    this.#options = options;
    this.#folder = Buffer.from(options.folder);
  }

  /** Every member by its name in the archive, and directories that have no member. */
  get members(): ReadonlyMap<SafePath, StagedMember> {
    return this.#members;
  }

  /** The body of the member selected by `keep`. */
  get kept(): ReadonlyMap<SafePath, Uint8Array> {
    return this.#kept;
  }

  /** What was searched for in ELF files while they were written; undefined if nothing was. */
  get hitRoot(): Uint8Array | undefined {
    return this.#recorder?.root;
  }

  /** Where an ELF file has what was searched for; undefined if that is not known. */
  hitsOf(inode: number): readonly number[] | undefined {
    return this.#hits.get(inode);
  }

  get writtenBytes(): number {
    return this.#writtenBytes;
  }

  /** The path of a member on disk, as bytes. */
  locate(path: string): Buffer {
    const below = path === this.#base ? '' : path.slice(this.#base === '' ? 0 : this.#base.length + 1);
    return below === '' ? this.#folder : Buffer.concat([this.#folder, SLASH, fromLatin1(below)]);
  }

  /** For each name of a file with several hard links, all names of that file. */
  hardLinkGroups(): ReadonlyMap<SafePath, readonly SafePath[]> {
    const byInode = new Map<number, SafePath[]>();
    for (const [path, member] of this.#members) {
      if (member.kind !== 'file') continue;
      const names = byInode.get(member.inode);
      if (names === undefined) byInode.set(member.inode, [path]);
      else names.push(path);
    }
    const groups = new Map<SafePath, readonly SafePath[]>();
    for (const names of byInode.values())
      if (names.length > 1) for (const name of names) groups.set(name, names);
    return groups;
  }

  /**
   * Begins a member. The body of a file follows through `write`; `endEntry` ends it.
   * @throws ArchiveError `tar-unsafe-path`, `tar-unsafe-link`, `tar-through-symlink`, `tar-type-change`, `tar-unsupported-type`;
   * StoreError `disk-full`, `store-io`
   */
  beginEntry(entry: TarEntry): void {
    const path = parseSafePath(entry.path);
    try {
      this.#begin(path, entry);
    } catch (cause) {
      throw storeIoError('extract', displayPath(path), cause);
    }
  }

  #begin(path: SafePath, entry: TarEntry): void {
    switch (entry.type) {
      case 'directory':
        return this.#addDirectory(path);
      case 'file':
        return this.#beginFile(path, entry);
      case 'symlink':
        return this.#addSymlink(path, entry.linkPath ?? '');
      case 'hardlink':
        return this.#addHardlink(path, entry.linkPath ?? '');
      default:
        throw unsupportedType(path, entry.type);
    }
  }

  /** Writes part of the current file's body. */
  write(bytes: Uint8Array): void {
    const file = this.#open;
    if (file === undefined) return;
    if (file.content === undefined) classify(file, bytes);
    if (file.content === 'elf') this.#scan(file, bytes);
    file.kept?.push(copyBytes(bytes));
    writeFully(file.descriptor, bytes);
    file.written += bytes.length;
    this.#writtenBytes += bytes.length;
  }

  /** Ends a member. A file that was `changed` on the way gets the current time, others that of the archive. */
  endEntry({ changed = false }: { readonly changed?: boolean } = {}): void {
    const file = this.#open;
    if (file === undefined) return;
    this.#open = undefined;
    try {
      const wanted = file.mode & ~SPECIAL_BITS;
      if ((wanted & this.#umask) !== 0 || wanted !== file.mode) fchmodSync(file.descriptor, file.mode);
      if (!changed) futimesSync(file.descriptor, file.entry.mtime, file.entry.mtime);
    } catch (cause) {
      throw storeIoError('extract', displayPath(file.path), cause);
    } finally {
      closeSync(file.descriptor);
    }
    const content = file.content ?? 'other';
    const inode = ++this.#lastInode;
    const hits = file.isScanned ? this.#recorder?.end() : undefined;
    if (hits !== undefined) this.#hits.set(inode, hits);
    this.#members.set(file.path, {
      kind: 'file',
      mode: file.mode,
      size: file.written,
      content,
      inode,
    });
    if (file.kept !== undefined) this.#kept.set(file.path, Buffer.concat(file.kept));
  }

  /** Closes what an error left open. The folder itself belongs to the caller. */
  abandon(): void {
    if (this.#open !== undefined) closeSync(this.#open.descriptor);
    this.#open = undefined;
  }

  /** Makes the directory `root` the top of the folder on disk. Every member must be below it, or be a directory above it. */
  rootAt(root: SafePath): void {
    if (isWithin(this.#base, root)) this.#rebase(root);
    else this.#descend(root);
  }

  #scan(file: OpenFile, bytes: Uint8Array): void {
    // A file whose first bytes came in several chunks is left out.
    if (file.written === 0 && file.head.length === 0) {
      this.#recorder?.begin();
      file.isScanned = this.#recorder !== undefined;
    }
    if (file.isScanned) this.#recorder?.scan(bytes);
  }

  #addDirectory(path: SafePath): void {
    const known = this.#members.get(path);
    if (known !== undefined && known.kind !== 'directory') throw typeChange(path);
    if (!this.#settled && isWithin(path, this.#base)) this.#base = path;
    else if (known === undefined && !isWithin(this.#base, path)) this.#makeDirectory(path);
    this.#members.set(path, LISTED_DIRECTORY);
  }

  #makeDirectory(path: SafePath): void {
    this.#ensureParent(path);
    mkdirSync(this.locate(path), FOLDER_MODE);
    this.#members.set(path, IMPLIED_DIRECTORY);
  }

  /** A member must be below real directories of this archive; those that are not listed are made. */
  #ensureParent(path: SafePath): void {
    this.#settle(path);
    const parent = parentPath(path) as SafePath;
    if (isWithin(this.#base, parent)) return;
    const known = this.#members.get(parent);
    if (known === undefined) this.#makeDirectory(parent);
    else if (known.kind === 'symlink') throw throughSymlink(path, parent);
    else if (known.kind === 'file') throw typeChange(parent);
  }

  /** The first member that is not a directory inside the previous one fixes the base; a member outside it moves the base up. */
  #settle(path: SafePath): void {
    if (!this.#settled) this.#recorder = this.#options.recordHits?.(this.#base);
    this.#settled = true;
    let shared: string = this.#base;
    while (!isWithin(path, shared)) shared = parentPath(shared);
    this.#rebase(shared);
  }

  /** Moves the staged tree below a shorter base, with two renames on disk. From then on the directories between exist on disk. */
  #rebase(base: string): void {
    if (base === this.#base) return;
    const old = this.#base;
    renameSync(this.#folder, this.#aside);
    this.#base = base;
    mkdirSync(this.#folder, FOLDER_MODE);
    mkdirSync(this.locate(parentPath(old)), { recursive: true, mode: FOLDER_MODE });
    renameSync(this.#aside, this.locate(old));
    for (let path = old; path !== base; path = parentPath(path))
      if (!this.#members.has(path as SafePath)) this.#members.set(path as SafePath, IMPLIED_DIRECTORY);
  }

  /** Makes a directory below the base the new base; there are only empty directories next to it. */
  #descend(base: SafePath): void {
    renameSync(this.locate(base), this.#aside);
    rmSync(this.#folder, { recursive: true });
    renameSync(this.#aside, this.#folder);
    this.#base = base;
  }

  /** A temporary name for the folder while another takes its place. */
  get #aside(): Buffer {
    return Buffer.concat([this.#folder, Buffer.from('.aside')]);
  }

  #beginFile(path: SafePath, entry: TarEntry): void {
    const mode = this.#options.fileMode(entry.mode);
    this.#claim(path, 'file');
    const descriptor = openSync(this.locate(path), 'wx', mode & 0o777);
    const kept = this.#mustKeep(path, entry.size) ? [] : undefined;
    this.#open = {
      path,
      descriptor,
      entry,
      mode,
      kept,
      content: undefined,
      isScanned: false,
      head: EMPTY,
      written: 0,
    };
  }

  /** Only the member with the shortest name is kept, so that no archive can fill the memory. */
  #mustKeep(path: SafePath, size: number): boolean {
    if (!path.endsWith(this.#options.keep) || size > MAX_KEPT_SIZE) return false;
    for (const other of this.#kept.keys()) if (other.length <= path.length) return false;
    this.#kept.clear();
    return true;
  }

  #addSymlink(path: SafePath, target: string): void {
    if (target === '' || target.includes('\0'))
      throw unsafeLink(path, target, 'the target is empty or contains a NUL');
    this.#claim(path, 'symlink');
    symlinkSync(fromLatin1(target) as Buffer, this.locate(path));
    this.#members.set(path, { kind: 'symlink', target });
  }

  #addHardlink(path: SafePath, linkPath: string): void {
    const target = parseLinkTarget(path, linkPath);
    const known = this.#members.get(target);
    if (known?.kind !== 'file') throw unsafeLink(path, linkPath, 'the target is not a file in this archive');
    if (target === path) return;
    this.#claim(path, 'file');
    linkSync(this.locate(target), this.locate(path));
    this.#members.set(path, { ...known });
  }

  /** Frees the name for a new member: a later member replaces an earlier one with the same name and type. */
  #claim(path: SafePath, kind: 'file' | 'symlink'): void {
    this.#ensureParent(path);
    const known = this.#members.get(path);
    if (known === undefined && !isWithin(this.#base, path)) return;
    if (known?.kind !== kind) throw typeChange(path);
    unlinkSync(this.locate(path));
    this.#members.delete(path);
    this.#kept.delete(path);
  }
}

const LISTED_DIRECTORY: StagedMember = { kind: 'directory', isListed: true };
const IMPLIED_DIRECTORY: StagedMember = { kind: 'directory', isListed: false };
const SLASH = Buffer.from('/');
const EMPTY = new Uint8Array(0);
const ELF_MAGIC = Buffer.from('\x7fELF', 'latin1');

/** The first four bytes tell the kind; they may come in several chunks. */
function classify(file: OpenFile, bytes: Uint8Array): void {
  const head =
    file.head.length === 0 ? bytes.subarray(0, 4) : Buffer.concat([file.head, bytes.subarray(0, 4)]);
  if (head.length < 4 && file.written + bytes.length < file.entry.size) {
    file.head = copyBytes(head);
    return;
  }
  if (ELF_MAGIC.equals(head.subarray(0, 4))) file.content = 'elf';
  else file.content = head[0] === 0x23 && head[1] === 0x21 ? 'script' : 'other';
}

function parseLinkTarget(path: SafePath, linkPath: string): SafePath {
  try {
    return parseSafePath(linkPath);
  } catch (cause) {
    throw unsafeLink(path, linkPath, 'the target is outside the archive', cause);
  }
}

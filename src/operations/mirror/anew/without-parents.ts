// The archive of a package without the directories above its prefix: up to layout 1 the prefix is the first member, and readers of that
// layout take the shortest name for it. Which directory that is, the last member tells: the archive is read once for that before.
import { type ArchiveMember, findPackageRoot } from '../../../buildcache/package-root.js';
import { copyBytes } from '../../../core/bytes.js';
import { ArchiveError } from '../../../core/errors.js';
import { Decompressor } from '../../../stream/decompress.js';
import type { Inflater } from '../../../stream/inflate/inflater.js';
import type { TarEntry } from '../../../tar/entry.js';
import { endingAfter, type PackedMember, packHeader, paddingAfter } from '../../../tar/pack.js';
import { displayPath, isWithin, parseSafePath, type SafePath } from '../../../tar/safe-path.js';
import { type TarEvent, TarReader } from '../../../tar/tar-reader.js';

/** Finds the root of a package in its compressed archive. */
export class PackageRootSearch {
  readonly #members = new Map<SafePath, ArchiveMember>();
  readonly #tar = new TarReader();
  readonly #decompressor: Decompressor;

  constructor(inflater: Inflater) {
    const onOutput = (bytes: Uint8Array) => {
      for (const event of eventsOf(this.#tar, bytes)) if (event.type === 'entry') this.#note(event.entry);
    };
    this.#decompressor = new Decompressor({ inflater, onOutput });
  }

  push(chunk: Uint8Array): void {
    this.#decompressor.push(chunk);
  }

  /** Errors as `findPackageRoot`, and those of the archive. */
  finish(): SafePath {
    this.#decompressor.finish();
    this.#tar.finish();
    return findPackageRoot(this.#members);
  }

  #note({ path, type }: TarEntry): void {
    const kind = type === 'directory' || type === 'symlink' ? type : 'file';
    this.#members.set(parseSafePath(path), { kind, isListed: true });
  }
}

/** Writes an archive again, uncompressed, without the directories above a root. */
export class WithoutParents {
  readonly #root: SafePath;
  readonly #tar = new TarReader();
  #size = 0;
  #padding = 0;

  constructor(root: SafePath) {
    this.#root = root;
  }

  push(bytes: Uint8Array): Uint8Array[] {
    const chunks: Uint8Array[] = [];
    for (const event of eventsOf(this.#tar, bytes)) chunks.push(...this.#write(event));
    for (const { length } of chunks) this.#size += length;
    return chunks;
  }

  finish(): Uint8Array[] {
    this.#tar.finish();
    return [new Uint8Array(endingAfter(this.#size))];
  }

  #write(event: TarEvent): Uint8Array[] {
    if (event.type === 'data') return [copyBytes(event.bytes)];
    if (event.type === 'entry-end') return [new Uint8Array(this.#padding)];
    const { entry } = event;
    this.#padding = entry.type === 'file' ? paddingAfter(entry.size) : 0;
    const path = parseSafePath(entry.path);
    const isAbove = path !== this.#root && isWithin(this.#root, path);
    return isAbove ? [] : [packHeader(memberOf(path, entry))];
  }
}

function memberOf(path: SafePath, { type, mode, size, linkPath = '' }: TarEntry): PackedMember {
  if (type === 'file') return { type, path, mode, size };
  if (type === 'directory') return { type, path, mode };
  if (type === 'symlink' || type === 'hardlink') return { type, path, mode, linkPath };
  const data = { path: displayPath(path), type };
  throw new ArchiveError('tar-unsupported-type', `Cannot write the member "${data.path}": it is a ${type}`, {
    data,
  });
}

function* eventsOf(tar: TarReader, bytes: Uint8Array): Iterable<TarEvent> {
  tar.push(bytes);
  for (let event = tar.next(); event !== undefined; event = tar.next()) yield event;
}

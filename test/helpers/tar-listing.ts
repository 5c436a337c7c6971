// Reads whole archives with our reader and with tar-stream, and tells the members in one form.
import { createHash } from 'node:crypto';
import { extract } from 'tar-stream';
import type { TarEntry } from '../../src/tar/entry.js';
import { TarReader } from '../../src/tar/tar-reader.js';
import { cut } from './stream-source.js';

export interface ListedMember {
  readonly path: string;
  readonly type: string;
  readonly mode: number;
  readonly size: number;
  readonly mtime: number;
  readonly linkPath: string | undefined;
  readonly sha256: string | undefined;
}

/** The members of an archive whose bytes come in chunks of `chunkSize`. */
export function listMembers(archive: Uint8Array, chunkSize = archive.length): ListedMember[] {
  const reader = new TarReader();
  const listing = new Listing();
  for (const chunk of chunkSize === 0 ? [] : cut(archive, chunkSize)) {
    reader.push(chunk);
    for (let event = reader.next(); event !== undefined; event = reader.next()) {
      if (event.type === 'entry') listing.begin(event.entry);
      else if (event.type === 'data') listing.add(event.bytes);
      else listing.end();
    }
    // The owner of a chunk may use its memory again: nothing may look at it any more.
    chunk.fill(0xa5);
  }
  reader.finish();
  return listing.members;
}

class Listing {
  readonly members: ListedMember[] = [];
  #entry: TarEntry | undefined;
  #hash = createHash('sha256');
  #length = 0;

  begin(entry: TarEntry): void {
    if (this.#entry !== undefined) throw new Error('an entry begins before the last one has ended');
    this.#entry = entry;
    this.#hash = createHash('sha256');
    this.#length = 0;
  }

  add(bytes: Uint8Array): void {
    if (bytes.length === 0) throw new Error('an empty piece of a body');
    this.#hash.update(bytes);
    this.#length += bytes.length;
  }

  end(): void {
    const entry = this.#entry;
    if (entry === undefined || this.#length !== entry.size)
      throw new Error(`the body has ${this.#length} bytes, its header says ${entry?.size}`);
    const { path, type, mode, size, mtime, linkPath } = entry;
    const sha256 = type === 'file' ? this.#hash.digest('hex') : undefined;
    this.members.push({ path, type, mode, size, mtime, linkPath, sha256 });
    this.#entry = undefined;
  }
}

/** The same by tar-stream. */
export async function listWithTarStream(archive: Uint8Array): Promise<ListedMember[]> {
  const members: ListedMember[] = [];
  // The types of tar-stream do not know this option.
  const options: object = { filenameEncoding: 'latin1' };
  const parser = extract(options);
  parser.end(archive);
  for await (const entry of parser) {
    const { header } = entry;
    const hash = createHash('sha256');
    for await (const chunk of entry) hash.update(chunk as Uint8Array);
    const isLink = header.type === 'symlink' || header.type === 'link';
    members.push({
      path: header.name.replace(/\/+$/, ''),
      type: header.type === 'link' ? 'hardlink' : String(header.type),
      mode: header.mode ?? 0,
      size: header.size ?? 0,
      mtime: (header.mtime?.getTime() ?? 0) / 1000,
      linkPath: isLink ? (header.linkname ?? undefined) : undefined,
      sha256: header.type === 'file' ? hash.digest('hex') : undefined,
    });
  }
  return members;
}

// Package indexes kept between runs, by default in `$XDG_CACHE_HOME/regraft/index/`.
//
// An index is stored in `<sha256>.json`, and the places of its records in `<sha256>.places`. Each mirror has an entry that names
// the index by its sha256, with the mirror's URL and the tag. So renaming one small file replaces everything known about a
// mirror, files that belong together never get mixed up, and runs with other mirrors, even concurrent ones, neither lose nor remove
// each other's entries. An entry is removed only after no run has used it for 30 days.

import { createHash, randomBytes } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

import { decodePlaces, type IndexPlaces, type PlacesOrigin } from '../../buildcache/index/index-places.js';
import type { ByteSource } from '../../core/byte-source.js';
import { replaceFile } from '../../host/replace-file.js';
import { writeAll } from '../../host/write-all.js';
import { FileBytes } from './file-bytes.js';

export interface CachedIndex {
  readonly bytes: ByteSource;
  /** sha256 of the bytes, as 64 hexadecimal digits. */
  readonly sha256: string;
  /** The tag that the mirror gave it. */
  readonly tag: string | undefined;
  /** The places of its records; absent if the index must be scanned again. */
  readonly places: IndexPlaces | undefined;
}

const FORMAT = 2;
const LARGEST_ENTRY = 64 * 1024;
const DAY = 24 * 60 * 60 * 1000;
const UNUSED_AFTER = 30 * DAY;
/** A temporary file this old belongs to a run that died. */
const ABANDONED_AFTER = DAY;
/** How long a mirror is believed to have no index where it had none. */
const ABSENT_FOR = DAY;
/** An index without an entry may be about to get one. */
const UNNAMED_AFTER = DAY / 24;
const WINDOW = 1 << 20;

interface Entry {
  readonly url: string;
  readonly sha256: string;
  readonly size: number;
  /** Called `etag` in the file. */
  readonly tag: string | undefined;
}

/** The indexes cached in one folder. */
export class IndexCache {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The cached index of a mirror; undefined if there is none, or if it was damaged. */
  async read(url: string): Promise<CachedIndex | undefined> {
    const entry = await this.#readEntry(url);
    if (entry === undefined) return undefined;
    const { sha256, size, tag } = entry;
    const bytes = openFile(this.#contentFile(sha256));
    if (bytes === undefined || bytes.size !== size) return undefined;
    const places = await this.#readPlaces({ sha256, size, mtime: bytes.mtime });
    // A file touched since its places were recorded may have changed.
    if (places === undefined && digestOf(bytes) !== sha256) return undefined;
    return { bytes, sha256, tag, places };
  }

  /** Starts the file of an index; fails if the cache is not writable. */
  async create(): Promise<CacheFile> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const path = this.#temporaryFile();
    return new CacheFile(path, await open(path, 'wx', 0o600));
  }

  /** Makes a complete file the cached index of a mirror, atomically. */
  async commit(
    url: string,
    file: CacheFile,
    { sha256, tag }: { sha256: string; tag: string | undefined },
  ): Promise<void> {
    const previous = await this.#readEntry(url);
    const { size } = await stat(file.path);
    await rename(file.path, this.#contentFile(sha256));
    const entry = JSON.stringify({ format: FORMAT, url, sha256, size, etag: tag });
    await this.#replace(this.#entryFile(url), [Buffer.from(`${entry}\n`)]);
    await rm(this.#absenceFile(url), { force: true });
    if (previous !== undefined && previous.sha256 !== sha256) await this.#removeUnnamed([previous.sha256]);
  }

  /** Stores the places of the records of a cached index. */
  async writePlaces(
    { bytes, sha256 }: Pick<CachedIndex, 'bytes' | 'sha256'>,
    places: IndexPlaces,
  ): Promise<void> {
    if (!(bytes instanceof FileBytes)) return;
    const { size, mtime } = bytes;
    await this.#replace(this.#placesFile(sha256), places.encode({ sha256, size, mtime }));
  }

  /** Records that the cached index was used, which protects it from removal for a while. */
  async touch(url: string, now: number): Promise<void> {
    await utimes(this.#entryFile(url), now / 1000, now / 1000).catch(() => {});
  }

  /** Notes that a mirror has no index. */
  async noteAbsence(url: string, now: number): Promise<void> {
    const file = this.#absenceFile(url);
    await this.#replace(file, []);
    await utimes(file, now / 1000, now / 1000);
  }

  /** Whether a mirror had no index not long ago. */
  async isKnownAbsent(url: string, now: number): Promise<boolean> {
    const found = await stat(this.#absenceFile(url)).catch(() => undefined);
    return found !== undefined && now - found.mtimeMs < ABSENT_FOR;
  }

  async remove(url: string): Promise<void> {
    const entry = await this.#readEntry(url);
    await rm(this.#absenceFile(url), { force: true });
    await rm(this.#entryFile(url), { force: true });
    if (entry !== undefined) await this.#removeUnnamed([entry.sha256]);
  }

  /** Removes whatever no run has used for a long time. Failures are ignored: the next run tries again. */
  async removeStale(now: number): Promise<void> {
    const unnamed = new Set<string>();
    for (const name of await this.#names()) {
      const age = ownFileAge(name);
      if (age === undefined) continue;
      const found = await stat(join(this.#folder, name)).catch(() => undefined);
      if (found === undefined || now - found.mtimeMs <= age) continue;
      if (isContent(name)) unnamed.add(name.slice(0, 64));
      else await rm(join(this.#folder, name), { force: true }).catch(() => {});
    }
    if (unnamed.size > 0) await this.#removeUnnamed(unnamed);
  }

  /** Removes indexes that no entry names. */
  async #removeUnnamed(digests: Iterable<string>): Promise<void> {
    const named = new Set<string>();
    for (const name of await this.#names()) {
      if (!isEntry(name)) continue;
      const entry = await readEntryFile(join(this.#folder, name));
      if (entry !== undefined) named.add(entry.sha256);
    }
    for (const sha256 of digests) {
      if (named.has(sha256)) continue;
      for (const file of [this.#contentFile(sha256), this.#placesFile(sha256)])
        await rm(file, { force: true }).catch(() => {});
    }
  }

  async #readEntry(url: string): Promise<Entry | undefined> {
    const entry = await readEntryFile(this.#entryFile(url));
    return entry?.url === url ? entry : undefined;
  }

  async #readPlaces(origin: PlacesOrigin): Promise<IndexPlaces | undefined> {
    const content = await readFile(this.#placesFile(origin.sha256)).catch(() => undefined);
    // The columns must be aligned, and memory from Node's pool is not.
    return content && decodePlaces(new Uint8Array(content), origin);
  }

  async #replace(target: string, parts: readonly Uint8Array[]): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    // A lost cache is created again.
    replaceFile({ path: target, content: parts, temporary: this.#temporaryFile(), mode: 0o600, sync: false });
  }

  async #names(): Promise<readonly string[]> {
    return readdir(this.#folder).catch(() => []);
  }

  #temporaryFile(): string {
    return join(this.#folder, `${randomBytes(16).toString('hex')}.temp`);
  }

  #entryFile(url: string): string {
    return join(this.#folder, `${digest(url).slice(0, 32)}.entry`);
  }

  #absenceFile(url: string): string {
    return join(this.#folder, `${digest(url).slice(0, 32)}.absent`);
  }

  #contentFile(sha256: string): string {
    return join(this.#folder, `${sha256}.json`);
  }

  #placesFile(sha256: string): string {
    return join(this.#folder, `${sha256}.places`);
  }
}

/** A file being written to the cache. */
export class CacheFile {
  readonly path: string;
  readonly #handle: FileHandle;
  #isOpen = true;

  constructor(path: string, handle: FileHandle) {
    this.path = path;
    this.#handle = handle;
  }

  write(bytes: Uint8Array): Promise<void> {
    return writeAll(this.#handle, bytes);
  }

  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    await this.#handle.close();
  }

  /** Removes the file, unless it was renamed. Never throws. */
  async discard(): Promise<void> {
    await this.close().catch(() => {});
    await rm(this.path, { force: true }).catch(() => {});
  }
}

/** `$XDG_CACHE_HOME/regraft/index`. */
export function defaultIndexCacheFolder(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): string {
  const configured = environment.XDG_CACHE_HOME;
  const base = configured?.startsWith('/') ? configured : join(environment.HOME ?? homedir(), '.cache');
  return join(base, 'regraft', 'index');
}

export function digest(data: Uint8Array | string): string {
  return createHash('sha256').update(data).digest('hex');
}

function digestOf(bytes: ByteSource): string {
  const hash = createHash('sha256');
  for (let offset = 0; offset < bytes.size; offset += WINDOW) hash.update(bytes.read(offset, WINDOW));
  return hash.digest('hex');
}

function openFile(path: string): FileBytes | undefined {
  try {
    return new FileBytes(path);
  } catch {
    return undefined;
  }
}

function isEntry(name: string): boolean {
  return /^[0-9a-f]{32}\.entry$/.test(name);
}

function isContent(name: string): boolean {
  return /^[0-9a-f]{64}\.(?:json|places)$/.test(name);
}

/** The age after which a file may be removed; undefined for foreign files. */
function ownFileAge(name: string): number | undefined {
  if (isEntry(name)) return UNUSED_AFTER;
  if (isContent(name)) return UNNAMED_AFTER;
  if (/^[0-9a-f]{32}\.absent$/.test(name)) return ABSENT_FOR;
  if (/^[0-9a-f]{32}\.temp$/.test(name)) return ABANDONED_AFTER;
  return undefined;
}

async function readEntryFile(path: string): Promise<Entry | undefined> {
  try {
    const { size: length } = await stat(path);
    if (length > LARGEST_ENTRY) return undefined;
    const entry = JSON.parse(await readFile(path, 'utf8')) as Readonly<Record<string, unknown>> | null;
    const { format, url, sha256, size, etag } = entry ?? {};
    if (format !== FORMAT || typeof url !== 'string' || typeof size !== 'number') return undefined;
    if (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256)) return undefined;
    return { url, sha256, size, tag: typeof etag === 'string' ? etag : undefined };
  } catch {
    return undefined;
  }
}

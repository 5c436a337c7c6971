// Package indexes kept between runs, by default in `$XDG_CACHE_HOME/regraft/index/`.
//
// Each mirror has one file: a line of JSON with its URL, the index's own sha256 and its entity tag, then the index as it was
// fetched. One file per mirror, in place of a common list, means that one rename replaces all that is known about a mirror,
// and that runs with other mirrors, even at the same moment, neither lose nor remove each other's entries. So nothing is
// removed because a run does not use it; what no run has used for 30 days is.

import { createHash, randomBytes } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

export interface CachedIndex {
  readonly bytes: Uint8Array;
  /** sha256 of the bytes, as 64 hexadecimal digits. */
  readonly sha256: string;
  readonly etag: string | undefined;
}

const FORMAT = 1;
const LONGEST_HEADER = 16 * 1024;
const DAY = 24 * 60 * 60 * 1000;
const UNUSED_AFTER = 30 * DAY;
/** A temporary file this old belongs to a run that ended early. */
const ABANDONED_AFTER = DAY;

/** The indexes that are cached in one folder. */
export class IndexCache {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The cached index of a mirror; undefined when there is none, or when it is not what was written. */
  async read(url: string): Promise<CachedIndex | undefined> {
    const content = await readFile(this.#file(url)).catch(() => undefined);
    return content && decode(content, url);
  }

  /** Replaces the cached index of a mirror, at once. */
  async write(url: string, { bytes, sha256, etag }: CachedIndex): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const file = this.#file(url);
    const temporary = `${file}.${process.pid}.${randomBytes(6).toString('hex')}.temp`;
    try {
      const handle = await open(temporary, 'wx', 0o600);
      try {
        await handle.writeFile(`${JSON.stringify({ format: FORMAT, url, sha256, etag })}\n`);
        await handle.writeFile(bytes);
      } finally {
        await handle.close();
      }
      await rename(temporary, file);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }

  /** Notes that the cached index was used; it is not removed for a while then. */
  async touch(url: string, now: number): Promise<void> {
    await utimes(this.#file(url), now / 1000, now / 1000).catch(() => {});
  }

  async remove(url: string): Promise<void> {
    await rm(this.#file(url), { force: true });
  }

  /** Removes what no run has used for long. Failures do not matter: the next run tries again. */
  async removeStale(now: number): Promise<void> {
    const names = await readdir(this.#folder).catch(() => []);
    for (const name of names) {
      const age = ownFileAge(name);
      if (age === undefined) continue;
      const file = join(this.#folder, name);
      const found = await stat(file).catch(() => undefined);
      if (found !== undefined && now - found.mtimeMs > age) await rm(file, { force: true }).catch(() => {});
    }
  }

  #file(url: string): string {
    return join(this.#folder, `${digest(url).slice(0, 32)}.index`);
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

/** The age at which a file may go; undefined for files that are not ours. */
function ownFileAge(name: string): number | undefined {
  if (/^[0-9a-f]{32}\.index$/.test(name)) return UNUSED_AFTER;
  if (/^[0-9a-f]{32}\.index\.\d+\.[0-9a-f]{12}\.temp$/.test(name)) return ABANDONED_AFTER;
  return undefined;
}

function decode(content: Uint8Array, url: string): CachedIndex | undefined {
  const end = content.subarray(0, LONGEST_HEADER).indexOf(0x0a);
  const header = end < 0 ? undefined : parseHeader(content.subarray(0, end));
  if (header?.format !== FORMAT || header.url !== url) return undefined;
  const bytes = content.subarray(end + 1);
  const sha256 = digest(bytes);
  if (sha256 !== header.sha256) return undefined;
  return { bytes, sha256, etag: typeof header.etag === 'string' ? header.etag : undefined };
}

function parseHeader(line: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  try {
    const header: unknown = JSON.parse(Buffer.from(line).toString('utf8'));
    return typeof header === 'object' && header !== null ? (header as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

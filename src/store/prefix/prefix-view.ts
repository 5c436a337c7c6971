// Shows the file system as it will be once a staged prefix is in place: paths into the prefix resolve to the stage, also through
// symbolic links; everything else is unchanged.
import { lstatSync, readlinkSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fromLatin1 } from '../../core/bytes.js';

const MAX_LINKS = 40;

export class PrefixView {
  readonly #stage: string;
  /** Every spelling of the prefix: as configured, and with the symbolic links above it resolved. */
  readonly #prefixes: readonly string[];
  readonly #known = new Map<string, boolean>();

  /** All paths are latin1 byte strings. */
  constructor(prefix: string, stage: string) {
    this.#stage = stage;
    const real = join(realFolder(dirname(prefix)), basename(prefix));
    this.#prefixes = real === prefix ? [prefix] : [prefix, real];
  }

  /** Says whether an absolute path exists; a dangling link does. */
  exists(path: string): boolean {
    const known = this.#known.get(path);
    if (known !== undefined) return known;
    const found = this.#resolve(path);
    this.#known.set(path, found);
    return found;
  }

  #resolve(path: string): boolean {
    let pending = components(path);
    let current = '';
    let links = 0;
    for (;;) {
      const [component, ...rest] = pending;
      if (component === undefined) return true;
      pending = rest;
      if (component === '.') continue;
      if (component === '..') {
        current = current.slice(0, Math.max(0, current.lastIndexOf('/')));
        continue;
      }
      const next = `${current}/${component}`;
      const kind = this.#kindOf(next);
      if (kind === undefined || rest.length === 0) return kind !== undefined;
      if (kind === 'file') return false;
      if (kind === 'directory') {
        current = next;
        continue;
      }
      if (++links > MAX_LINKS) return false;
      const target = this.#readLink(next);
      if (target.startsWith('/')) current = '';
      pending = [...components(target), ...rest];
    }
  }

  #physical(path: string): Buffer {
    for (const prefix of this.#prefixes) {
      if (path === prefix || path.startsWith(`${prefix}/`))
        return bytes(this.#stage + path.slice(prefix.length));
    }
    return bytes(path);
  }

  #kindOf(path: string): 'link' | 'directory' | 'file' | undefined {
    try {
      const status = lstatSync(this.#physical(path));
      if (status.isSymbolicLink()) return 'link';
      return status.isDirectory() ? 'directory' : 'file';
    } catch {
      return this.#isAbovePrefix(path) ? 'directory' : undefined;
    }
  }

  /** The directories above the prefix are made when it is put in place. */
  #isAbovePrefix(path: string): boolean {
    return this.#prefixes.some((prefix) => prefix.startsWith(`${path}/`));
  }

  #readLink(path: string): string {
    return readlinkSync(this.#physical(path), { encoding: 'latin1' });
  }
}

function bytes(path: string): Buffer {
  return fromLatin1(path) as Buffer;
}

/** The names in a path; with a final "." if it ends in a slash, which only a directory may have. */
function components(path: string): string[] {
  const names = path.split('/').filter((component) => component !== '' && component !== '.');
  return /\/\.?$/.test(path) ? [...names, '.'] : names;
}

/** Resolves the existing part of a folder's path. */
function realFolder(folder: string): string {
  try {
    return realpathSync(bytes(folder), { encoding: 'latin1' });
  } catch {
    const parent = dirname(folder);
    return parent === folder ? folder : join(realFolder(parent), basename(folder));
  }
}

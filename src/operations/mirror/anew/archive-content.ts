// What an image has to know of the archive of a package: its digest, and the folders of the prefix that search paths are made of.
import { createHash } from 'node:crypto';
import { INSPECTED_FOLDERS, type PrefixInspection } from '../../../buildcache/image/prefix-inspection.js';
import { type ArchiveMember, findPackageRoot } from '../../../buildcache/package-root.js';
import { BuildcacheError } from '../../../core/errors.js';
import { displayPath, parseSafePath, type SafePath } from '../../../tar/safe-path.js';
import { TarReader } from '../../../tar/tar-reader.js';

/** Gets an uncompressed archive piece by piece. */
export class ArchiveContent {
  readonly #hash = createHash('sha256');
  readonly #tar = new TarReader();
  readonly #members = new Map<SafePath, ArchiveMember>();

  /** Errors of archives. */
  push(bytes: Uint8Array): void {
    this.#hash.update(bytes);
    this.#tar.push(bytes);
    for (let event = this.#tar.next(); event !== undefined; event = this.#tar.next()) {
      if (event.type !== 'entry') continue;
      const { path, type } = event.entry;
      const kind = type === 'directory' || type === 'symlink' ? type : 'file';
      this.#members.set(parseSafePath(path), { kind, isListed: true });
    }
  }

  finish(): { readonly tarSha256: string; readonly inspection: PrefixInspection | undefined } {
    return { tarSha256: this.#hash.digest('hex'), inspection: this.#inspect() };
  }

  /** Old archives do not say where the prefix was. */
  #inspect(): PrefixInspection | undefined {
    const root = this.#findRoot();
    if (root?.includes('/') !== true) return undefined;
    const isThere = (folder: string) => {
      const member = this.#members.get(`${root}/${folder}` as SafePath);
      return member?.kind === 'directory' || member?.kind === 'symlink';
    };
    return { prefix: `/${displayPath(root)}`, folders: INSPECTED_FOLDERS.filter(isThere) };
  }

  #findRoot(): SafePath | undefined {
    try {
      return findPackageRoot(this.#members);
    } catch (error) {
      if (error instanceof BuildcacheError) return undefined;
      throw error;
    }
  }
}

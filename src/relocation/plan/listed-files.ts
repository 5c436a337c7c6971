// The files that a buildinfo lists, looked up among the members of the archive: each inode once, whatever its names.
import { RelocationError } from '../../core/errors.js';
import { displayPath, type SafePath } from '../../tar/safe-path.js';

export type ListedMember =
  | { readonly kind: 'directory' }
  | { readonly kind: 'file' /** The same for all names of a hard link group. */; readonly inode: number }
  | { readonly kind: 'symlink' };

export interface ListedFile {
  /** As listed: relative to the prefix. */
  readonly name: string;
  /** The name in the archive. */
  readonly path: SafePath;
}

/** The regular files of a list; throws RelocationError `listed-file-missing` for what is none. */
export function listedFiles(
  members: ReadonlyMap<SafePath, ListedMember>,
  root: SafePath,
  names: readonly string[],
): ListedFile[] {
  const seen = new Set<number>();
  return names.flatMap((name) => {
    const path = `${root}/${name}` as SafePath;
    const member = members.get(path);
    if (member?.kind !== 'file') throw missing(name, 'file', member);
    if (seen.has(member.inode)) return [];
    seen.add(member.inode);
    return [{ name, path }];
  });
}

/** The symbolic links of a list; throws RelocationError `listed-file-missing` for what is none. */
export function listedLinks(
  members: ReadonlyMap<SafePath, ListedMember>,
  root: SafePath,
  names: readonly string[],
): ListedFile[] {
  return names.map((name) => {
    const path = `${root}/${name}` as SafePath;
    const member = members.get(path);
    if (member?.kind !== 'symlink') throw missing(name, 'symlink', member);
    return { name, path };
  });
}

function missing(name: string, kind: string, member: ListedMember | undefined): RelocationError {
  const path = displayPath(name);
  const state =
    member === undefined ? 'the tarball does not have it' : `it is a ${member.kind}, not a ${kind}`;
  return new RelocationError(
    'listed-file-missing',
    `Cannot relocate "${path}", which the buildinfo lists: ${state}`,
    {
      hint: 'The tarball is not what Spack made: push the package again',
      data: { path },
    },
  );
}

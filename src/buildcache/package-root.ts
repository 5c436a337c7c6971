// Which directory of a tarball is the package's prefix (FORMATS "Reader"): the grandparent of the shortest
// `…/.spack/binary_distribution`. Directories above it are skipped; everything else must be inside.
import { ArchiveError, MetadataError } from '../core/errors.js';
import { displayPath, isWithin, type SafePath } from '../tar/safe-path.js';

/** Path of the buildinfo relative to the prefix. */
export const BUILDINFO_PATH = '.spack/binary_distribution';

export interface ArchiveMember {
  readonly kind: 'directory' | 'file' | 'symlink';
  /** False for a directory without a member in the archive. */
  readonly isListed?: boolean;
}

/**
 * Finds the package root among the members of an archive.
 * @throws ArchiveError `tar-no-prefix`, `tar-outside-prefix`; MetadataError `buildinfo-missing`
 */
export function findPackageRoot(members: ReadonlyMap<SafePath, ArchiveMember>): SafePath {
  const root = rootOfBuildinfo(members);
  if (members.get(root)?.isListed !== true) {
    throw new ArchiveError(
      'tar-no-prefix',
      `Cannot find the package in the tarball: "${displayPath(root)}" is not a directory member`,
      {
        data: { root: displayPath(root) },
      },
    );
  }
  for (const [path, member] of members) {
    const isAbove = member.kind === 'directory' && isWithin(root, path);
    if (!isWithin(path, root) && !isAbove) throw outside(path, root);
  }
  return root;
}

function rootOfBuildinfo(members: ReadonlyMap<SafePath, ArchiveMember>): SafePath {
  let shortest: string | undefined;
  for (const [path, member] of members) {
    const isBuildinfo = member.kind === 'file' && path.endsWith(`/${BUILDINFO_PATH}`);
    if (isBuildinfo && (shortest === undefined || path.length < shortest.length)) shortest = path;
  }
  if (shortest !== undefined) return shortest.slice(0, -BUILDINFO_PATH.length - 1) as SafePath;
  const hasDirectory = [...members.values()].some((member) => member.kind === 'directory' && member.isListed);
  if (!hasDirectory)
    throw new ArchiveError(
      'tar-no-prefix',
      'Cannot find the package in the tarball: it has no directory members',
    );
  throw new MetadataError(
    'buildinfo-missing',
    `Cannot relocate the package: the tarball has no "${BUILDINFO_PATH}"`,
    {
      hint: 'The tarball is incomplete or was not made by Spack: push the package again',
    },
  );
}

function outside(path: string, root: string): ArchiveError {
  const data = { path: displayPath(path), root: displayPath(root) };
  return new ArchiveError(
    'tar-outside-prefix',
    `Cannot extract the member "${data.path}": it is outside the package "${data.root}"`,
    {
      data,
    },
  );
}

// Refusals of archive members that must not be written, each naming the member and the reason.
import { ArchiveError } from '../../core/errors.js';
import { displayPath } from '../../tar/safe-path.js';

export function unsafeLink(path: string, target: string, state: string, cause?: unknown): ArchiveError {
  const names = { path: displayPath(path), target: displayPath(target) };
  return new ArchiveError(
    'tar-unsafe-link',
    `Cannot extract the link "${names.path}" to "${names.target}": ${state}`,
    {
      data: names,
      cause,
    },
  );
}

export function throughSymlink(path: string, link: string): ArchiveError {
  const data = { path: displayPath(path), link: displayPath(link) };
  return new ArchiveError(
    'tar-through-symlink',
    `Cannot extract the member "${data.path}": it is below the symbolic link "${data.link}"`,
    { data },
  );
}

export function typeChange(path: string): ArchiveError {
  const data = { path: displayPath(path) };
  return new ArchiveError(
    'tar-type-change',
    `Cannot extract the member "${data.path}": an earlier member with this name has another type`,
    {
      data,
    },
  );
}

export function unsupportedType(path: string, type: string): ArchiveError {
  const data = { path: displayPath(path), type };
  return new ArchiveError(
    'tar-unsupported-type',
    `Cannot extract the member "${data.path}": its type is "${type}"`,
    { data },
  );
}

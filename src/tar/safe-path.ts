// Names of archive members, made safe to join to a folder: relative, without "..", without NUL.
import { fromLatin1 } from '../core/bytes.js';
import { ArchiveError } from '../core/errors.js';

declare const safePathBrand: unique symbol;
/** A relative path of normal components (latin1 bytes) joined by "/"; never empty. */
export type SafePath = string & { readonly [safePathBrand]: true };

/** Shows a name of bytes to people. */
export function displayPath(path: string): string {
  return Buffer.from(fromLatin1(path)).toString('utf8');
}

/**
 * Turns a member's name into a safe path: "." components and repeated slashes are dropped.
 * @throws ArchiveError `tar-unsafe-path`
 */
export function parseSafePath(name: string): SafePath {
  if (isClean(name)) return name as SafePath;
  if (name.startsWith('/')) throw unsafePath(name, 'it is absolute');
  if (name.includes('\0')) throw unsafePath(name, 'it contains a NUL');
  const components = name.split('/').filter((component) => component !== '' && component !== '.');
  if (components.includes('..')) throw unsafePath(name, 'it contains ".."');
  if (components.length === 0) throw unsafePath(name, 'it is empty');
  return components.join('/') as SafePath;
}

/** The common case, without allocating: no component is empty, "." or "..", and there is no NUL. */
function isClean(name: string): boolean {
  return name !== '' && !/(^|\/)(\.{0,2})(\/|$)|\0/.test(name);
}

function unsafePath(name: string, state: string): ArchiveError {
  return new ArchiveError('tar-unsafe-path', `Cannot extract the member "${displayPath(name)}": ${state}`, {
    data: { path: displayPath(name) },
  });
}

/** The folder of a path, or "" at the top. */
export function parentPath(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '' : path.slice(0, slash);
}

/** True when `path` is `folder` or lies below it; every path lies below "". */
export function isWithin(path: string, folder: string): boolean {
  return folder === '' || path === folder || (path.startsWith(folder) && path[folder.length] === '/');
}

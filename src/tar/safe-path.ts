// Makes names of archive members safe to join to a folder: relative, without "..", without NUL.
import { fromLatin1 } from '../core/bytes.js';
import { ArchiveError } from '../core/errors.js';

declare const safePathBrand: unique symbol;
/** A relative path of normal components (latin1 bytes) joined by "/"; never empty. */
export type SafePath = string & { readonly [safePathBrand]: true };

/** No system accepts a longer path. */
const LONGEST_PATH = 4096;
/** Longer names are shortened in the middle for display. */
const LONGEST_DISPLAY = 1024;

/** A byte string for display: characters that control a terminal are escaped. */
export function displayPath(path: string): string {
  const text = Buffer.from(fromLatin1(shorten(path))).toString('utf8');
  return text.replace(/[\x00-\x1f\x7f-\x9f]/g, escapeControl);
}

function shorten(path: string): string {
  if (path.length <= LONGEST_DISPLAY) return path;
  const half = LONGEST_DISPLAY / 2;
  return `${path.slice(0, half)}[${path.length - LONGEST_DISPLAY} more]${path.slice(-half)}`;
}

function escapeControl(character: string): string {
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
}

/**
 * Turns a member's name into a safe path: "." components and repeated slashes are dropped.
 * @throws ArchiveError `tar-unsafe-path`
 */
export function parseSafePath(name: string): SafePath {
  if (name.length > LONGEST_PATH) throw unsafePath(name, `it has more than ${LONGEST_PATH} bytes`);
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

/** The name without its final slashes, in linear time. */
export function withoutTrailingSlashes(path: string): string {
  let end = path.length;
  while (end > 0 && path[end - 1] === '/') end--;
  return path.slice(0, end);
}

/** The folder of a path, or "" at the top. */
export function parentPath(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '' : path.slice(0, slash);
}

/** True when `path` is `folder` or is below it; every path is below "". */
export function isWithin(path: string, folder: string): boolean {
  return folder === '' || path === folder || (path.startsWith(folder) && path[folder.length] === '/');
}

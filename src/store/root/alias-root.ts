// A short symbolic link to a long root, used for it in C strings. It belongs to the user: made if missing, never changed.
import { lstatSync, readlinkSync, realpathSync, type Stats, symlinkSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { StoreError } from '../../core/errors.js';
import { describeSystemError, systemErrorCode } from '../../host/system-error.js';
import { storeIoError } from '../store-io.js';

export interface AliasRequest {
  /** The target of the alias; need not exist. */
  readonly root: string;
  readonly alias: string;
}

/**
 * Refuses an alias that could never stand for its root, whatever exists at its path.
 * @throws StoreError `alias-root-unusable`
 */
export function checkAlias({ root, alias }: AliasRequest): void {
  // A colon would split a list of paths, a newline a line.
  if (!alias.startsWith('/') || /[\0\n:]/.test(alias) || resolve(alias) !== alias || alias === '/')
    throw unusable(alias, root, 'it must be a plain absolute path without a colon');
  if (Buffer.byteLength(alias) >= Buffer.byteLength(root))
    throw unusable(
      alias,
      root,
      `it must be shorter than the root, which has ${Buffer.byteLength(root)} bytes`,
    );
  if (isWithin(alias, root)) throw unusable(alias, root, 'it is inside the root');
  if (isWithin(root, alias)) throw unusable(alias, root, 'it contains the root');
}

/**
 * Makes an alias if it is missing; an existing one must point to the root.
 * @throws StoreError `alias-root-unusable`
 */
export function ensureAlias(request: AliasRequest): void {
  checkAlias(request);
  const { root, alias } = request;
  try {
    symlinkSync(root, alias);
  } catch (cause) {
    // Another process was faster: check what it made.
    if (systemErrorCode(cause) === 'EEXIST') return requireAlias(request);
    if (systemErrorCode(cause) === 'ENOENT')
      throw unusable(alias, root, `there is no folder "${dirname(alias)}"`, cause);
    throw storeIoError('create the link', alias, cause, 'alias-root-unusable');
  }
}

/**
 * Checks an existing alias; a missing one is not an error.
 * @throws StoreError `alias-root-unusable`
 */
export function requireAlias({ root, alias }: AliasRequest): void {
  const found = lookAt(alias, root);
  if (found === undefined) return;
  if (!found.isSymbolicLink()) throw unusable(alias, root, 'it exists and is not a symbolic link');
  const target = readlinkSync(alias);
  if (resolve(dirname(alias), target) === resolve(root) || isSame(alias, root)) return;
  throw unusable(alias, root, `it points to "${target}"`);
}

function lookAt(alias: string, root: string): Stats | undefined {
  try {
    return lstatSync(alias, { throwIfNoEntry: false });
  } catch (cause) {
    throw unusable(alias, root, describeSystemError(cause), cause);
  }
}

function isSame(alias: string, root: string): boolean {
  try {
    return realpathSync(alias) === realpathSync(root);
  } catch {
    return false;
  }
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

function unusable(alias: string, root: string, state: string, cause?: unknown): StoreError {
  return new StoreError('alias-root-unusable', `Cannot use "${alias}" as an alias of "${root}": ${state}`, {
    hint: 'Use a short path that does not exist, or a symbolic link to the root',
    cause,
    data: { path: alias, root },
  });
}

// A short symbolic link to a long root, which stands for it in C strings. It is the user's: made where it is missing, never changed.
import { lstatSync, readlinkSync, realpathSync, type Stats, symlinkSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { StoreError } from '../../core/errors.js';
import { describeSystemError, systemErrorCode } from '../../host/system-error.js';
import { storeIoError } from '../store-io.js';

export interface AliasRequest {
  /** What the alias leads to; need not be there. */
  readonly root: string;
  readonly alias: string;
}

/**
 * Refuses an alias that could not stand for its root, whatever is there.
 * @throws StoreError `alias-root-unusable`
 */
export function checkAlias({ root, alias }: AliasRequest): void {
  // A colon would cut a list of paths, a newline a line.
  if (!alias.startsWith('/') || /[\0\n:]/.test(alias) || resolve(alias) !== alias || alias === '/')
    throw unusable(alias, root, 'it must be a plain absolute path without a colon');
  if (Buffer.byteLength(alias) >= Buffer.byteLength(root))
    throw unusable(alias, root, `it must be shorter than that, which has ${Buffer.byteLength(root)} bytes`);
  if (isWithin(alias, root)) throw unusable(alias, root, 'it lies in it');
  if (isWithin(root, alias)) throw unusable(alias, root, 'it is one of the folders that this lies in');
}

/**
 * Makes an alias where there is none; one that is there must lead to the root.
 * @throws StoreError `alias-root-unusable`
 */
export function ensureAlias(request: AliasRequest): void {
  checkAlias(request);
  const { root, alias } = request;
  try {
    symlinkSync(root, alias);
  } catch (cause) {
    // Whoever comes first makes it; the others look at it.
    if (systemErrorCode(cause) === 'EEXIST') return requireAlias(request);
    if (systemErrorCode(cause) === 'ENOENT')
      throw unusable(alias, root, `there is no folder "${dirname(alias)}"`, cause);
    throw storeIoError('create the link', alias, cause, 'alias-root-unusable');
  }
}

/**
 * Checks an alias that is there; a missing one is none.
 * @throws StoreError `alias-root-unusable`
 */
export function requireAlias({ root, alias }: AliasRequest): void {
  const found = lookAt(alias, root);
  if (found === undefined) return;
  if (!found.isSymbolicLink()) throw unusable(alias, root, 'something else is there');
  const target = readlinkSync(alias);
  if (resolve(dirname(alias), target) === resolve(root) || isSame(alias, root)) return;
  throw unusable(alias, root, `it leads to "${target}"`);
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
    hint: 'Name a short path that is free, or a symbolic link to the root',
    cause,
    data: { path: alias, root },
  });
}

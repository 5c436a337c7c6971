// Checks and prepares the root of a store, so that an unusable one is reported before any work is done.
import { accessSync, closeSync, constants, mkdirSync, openSync, type Stats, statSync } from 'node:fs';
import { StoreError } from '../../core/errors.js';
import { describeSystemError, systemErrorCode } from '../../host/system-error.js';
import { storeIoError } from '../store-io.js';
import type { StorePaths } from '../store-layout.js';

/**
 * Checks that a root can be read.
 *
 * @throws StoreError `root-unusable` if it does not exist, is not a directory, or may not be read.
 */
export function requireReadableRoot(root: string): void {
  requireDirectory(root);
  requireAccess(root, constants.R_OK | constants.X_OK, 'read');
}

/**
 * Prepares a root and its database folder for writing; also makes the files that a Spack with read-only access expects.
 *
 * @param withLocks - make the files that Spack's locks are taken on.
 * @throws StoreError `root-unusable`, `disk-full`.
 */
export function prepareRoot(paths: StorePaths, { withLocks }: { readonly withLocks: boolean }): void {
  makeFolder(paths.root);
  requireDirectory(paths.root);
  requireAccess(paths.root, constants.R_OK | constants.W_OK | constants.X_OK, 'write to');
  makeFolder(paths.databaseFolder);
  requireAccess(paths.databaseFolder, constants.R_OK | constants.W_OK | constants.X_OK, 'write to');
  makeFolder(paths.failures);
  if (!withLocks) return;
  for (const path of [paths.databaseLock, paths.prefixLock, paths.failuresLock]) makeFile(path);
}

function requireDirectory(root: string): void {
  let found: Stats;
  try {
    found = statSync(root);
  } catch (cause) {
    throw unusable(root, describeSystemError(cause), cause);
  }
  if (!found.isDirectory()) throw unusable(root, 'it is not a directory');
}

function requireAccess(path: string, mode: number, action: string): void {
  try {
    accessSync(path, mode);
  } catch (cause) {
    throw storeIoError(action, path, cause, 'root-unusable');
  }
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
  } catch (cause) {
    if (systemErrorCode(cause) === 'EEXIST') throw unusable(path, 'it is not a directory', cause);
    throw storeIoError('create', path, cause, 'root-unusable');
  }
}

function makeFile(path: string): void {
  try {
    closeSync(openSync(path, constants.O_RDONLY | constants.O_CREAT, 0o666));
  } catch (cause) {
    throw storeIoError('create', path, cause, 'root-unusable');
  }
}

function unusable(root: string, state: string, cause?: unknown): StoreError {
  return new StoreError('root-unusable', `Cannot use "${root}" as a store: ${state}`, {
    hint: 'Check --root',
    cause,
    data: { path: root, ...(cause === undefined ? {} : { errno: systemErrorCode(cause) }) },
  });
}

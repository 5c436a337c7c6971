// The path of a store's `sbang`, and its installation. FORMATS.md §5 "bin/sbang".
import { chmodSync, chownSync, lstatSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { RelocationError } from '../../core/errors.js';
import { systemErrorCode } from '../../host/system-error.js';
import { replaceStoreFile, storeIo } from '../store-io.js';
import { SBANG_SCRIPT } from './sbang-script.js';

/** The longest `#!` line that all systems of this platform read whole. */
export const SHEBANG_LIMIT = process.platform === 'darwin' ? 511 : 127;

const SCRIPT_MODE = 0o2755;
const FOLDER_MODE = 0o755;

/**
 * The path of a store's `sbang`, at the root without padding.
 *
 * @throws RelocationError `sbang-path-too-long` if it does not fit into a `#!` line.
 */
export function sbangPath(unpaddedRoot: string): string {
  const path = join(unpaddedRoot, 'bin', 'sbang');
  const length = Buffer.byteLength(path);
  if (length > SHEBANG_LIMIT)
    throw new RelocationError(
      'sbang-path-too-long',
      `Cannot use "${path}" in "#!" lines: it has ${length} characters, and at most ${SHEBANG_LIMIT} are possible`,
      { hint: 'Install to a shorter root', data: { path, actual: length, limit: SHEBANG_LIMIT } },
    );
  return path;
}

export interface SbangModes {
  /** Mode of the script; 2755 unless `packages:all:permissions` says otherwise. */
  readonly fileMode?: number;
  /** Mode of `bin`, if it must be made. */
  readonly folderMode?: number;
  readonly groupId?: number;
}

/**
 * Installs `sbang` at the unpadded root. An existing one is kept: Spack replaces any that differs from its own.
 *
 * @returns the path of the script.
 * @throws RelocationError `sbang-path-too-long`; StoreError `store-io`, `disk-full`.
 */
export function ensureSbang(unpaddedRoot: string, modes: SbangModes = {}): string {
  const path = sbangPath(unpaddedRoot);
  if (isThere(path)) return path;
  makeFolder(dirname(path), modes);
  const mode = modes.fileMode ?? SCRIPT_MODE;
  const temporary = join(dirname(path), `.sbang.${process.pid}.tmp`);
  replaceStoreFile({ path, content: SBANG_SCRIPT, temporary, mode });
  if (modes.groupId !== undefined) changeGroup(path, modes.groupId, mode);
  return path;
}

/** A dangling link counts as existing: it belongs to the user and must not be replaced. */
function isThere(path: string): boolean {
  return storeIo('look at', path, () => lstatSync(path, { throwIfNoEntry: false }) !== undefined);
}

function makeFolder(folder: string, { folderMode = FOLDER_MODE, groupId }: SbangModes): void {
  storeIo('create', folder, () => {
    mkdirSync(dirname(folder), { recursive: true });
    try {
      mkdirSync(folder);
    } catch (cause) {
      if (systemErrorCode(cause) === 'EEXIST') return;
      throw cause;
    }
    if (groupId === undefined) chmodSync(folder, folderMode);
    else changeGroup(folder, groupId, folderMode);
  });
}

/** Changing the group clears the set-group-ID bit, so the mode is set again. */
function changeGroup(path: string, groupId: number, mode: number): void {
  storeIo('change the group of', path, () => {
    chownSync(path, lstatSync(path).uid, groupId);
    chmodSync(path, mode);
  });
}

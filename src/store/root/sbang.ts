// Where a store has its `sbang`, and putting it there. FORMATS.md §5 "bin/sbang".
import { chmodSync, chownSync, lstatSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { RelocationError } from '../../core/errors.js';
import { systemErrorCode } from '../../host/system-error.js';
import { replaceStoreFile, storeIo } from '../store-io.js';
import { SBANG_SCRIPT } from './sbang-script.js';

/** The longest `#!` line that every system of the kind reads whole. */
export const SHEBANG_LIMIT = process.platform === 'darwin' ? 511 : 127;

const SCRIPT_MODE = 0o2755;
const FOLDER_MODE = 0o755;

/**
 * The path of a store's `sbang`, which stands at the root without padding.
 *
 * @throws RelocationError `sbang-path-too-long` when no `#!` line could name it.
 */
export function sbangPath(unpaddedRoot: string): string {
  const path = join(unpaddedRoot, 'bin', 'sbang');
  const length = Buffer.byteLength(path);
  if (length > SHEBANG_LIMIT)
    throw new RelocationError(
      'sbang-path-too-long',
      `Cannot use "${path}" in "#!" lines: it has ${length} characters, and ${SHEBANG_LIMIT} are possible`,
      { hint: 'Install to a shorter root', data: { path, actual: length, limit: SHEBANG_LIMIT } },
    );
  return path;
}

export interface SbangModes {
  /** Mode of the script; 2755 unless `packages:all:permissions` says otherwise. */
  readonly fileMode?: number;
  /** Mode of `bin`, where it has to be made. */
  readonly folderMode?: number;
  readonly groupId?: number;
}

/**
 * Puts `sbang` at the unpadded root. One that is there stays: Spack replaces what differs from its own.
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

/** A dangling link is there too: its owner wants another place, and it is not ours to replace. */
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

/** A change of the group clears the set-group-id bit, so the mode is set again. */
function changeGroup(path: string, groupId: number, mode: number): void {
  storeIo('change the group of', path, () => {
    chownSync(path, lstatSync(path).uid, groupId);
    chmodSync(path, mode);
  });
}

// Where output goes: a memory file system, if there is one, and the disk.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, mkdtempSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Place } from './case.js';

export interface OutputPlace {
  /** A folder of this run. */
  readonly folder: string;
  /**
   * In memory, output is removed after each turn, since memory is limited; on disk it stays until the case ends, since creating files
   * right after a large removal is slow on ext4.
   */
  readonly removesAtOnce: boolean;
  /** Called before each turn. */
  readonly settle: () => void;
}

const MEMORY_FOLDER = '/dev/shm';
/** Room for the largest package and its metadata. */
const LEAST_MEMORY = 3e9;

/** Creates the folders of a run. Without a memory file system both are on disk, and the record says so. */
export function openPlaces(): Readonly<Record<Place, OutputPlace>> {
  const memory = hasMemoryFolder() ? MEMORY_FOLDER : tmpdir();
  return {
    memory: {
      folder: mkdtempSync(join(memory, 'regraft-bench-')),
      removesAtOnce: true,
      settle: () => {},
    },
    disk: {
      folder: mkdtempSync(join(tmpdir(), 'regraft-bench-')),
      removesAtOnce: false,
      settle: () => void spawnSync('sync'), // what other turns wrote must not be flushed during this one
    },
  };
}

function hasMemoryFolder(): boolean {
  try {
    accessSync(MEMORY_FOLDER, constants.W_OK);
    const { bavail, bsize } = statfsSync(MEMORY_FOLDER);
    return bavail * bsize >= LEAST_MEMORY;
  } catch {
    return false;
  }
}

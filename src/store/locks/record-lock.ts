// POSIX record locks through `fs-native-extensions`, which sets them per open file description (F_OFD_SETLK): they conflict with the
// locks of other processes, including Spack's fcntl locks, and with those of other descriptors of this process.
import { createRequire } from 'node:module';

export interface LockRange {
  readonly offset: number;
  /** 0 means to the end of the file, however long it becomes. */
  readonly length: number;
}

export type LockMode = 'shared' | 'exclusive';

export interface RecordLocks {
  /** Takes a lock if it is free; closing the descriptor releases it. */
  tryLock(descriptor: number, range: LockRange, mode: LockMode): boolean;
}

interface Addon {
  tryLock(descriptor: number, offset: number, length: number, options: { shared: boolean }): boolean;
}

let loaded: RecordLocks | null | undefined;

/** The addon's locks; undefined if it has no binary for this system or is not installed. */
export function loadRecordLocks(): RecordLocks | undefined {
  loaded ??= load();
  return loaded ?? undefined;
}

function load(): RecordLocks | null {
  try {
    const addon = createRequire(import.meta.url)('fs-native-extensions') as Addon;
    return {
      tryLock: (descriptor, { offset, length }, mode) =>
        addon.tryLock(descriptor, offset, length, { shared: mode === 'shared' }),
    };
  } catch {
    return null;
  }
}

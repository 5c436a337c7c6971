// The golden stores have fixed places in /tmp, since their bytes depend on them: one process at a time may use them.
import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type HeldLock, StoreLocks } from '../../src/store/locks/locks.js';
import { StorePaths } from '../../src/store/store-layout.js';

/** Waits until no other process works in the golden stores. */
export async function lockGoldenStores(): Promise<HeldLock> {
  const paths = new StorePaths(join(tmpdir(), 'regraft-golden-lock'));
  mkdirSync(paths.databaseFolder, { recursive: true });
  return new StoreLocks({ paths, timeouts: { database: Number.POSITIVE_INFINITY } }).database();
}

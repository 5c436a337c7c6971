// Reads and writes again what another writer changed in between.
import { BuildcacheError } from '../core/errors.js';

/** How often another writer is given way. */
const ATTEMPTS = 5;

/**
 * Runs work that writes in place of what it read, until nobody else wrote meanwhile.
 * @throws MirrorError `mirror-changed` where others write again and again, and whatever the work throws.
 */
export async function giveWay<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      const isChanged = error instanceof BuildcacheError && error.code === 'mirror-changed';
      if (!isChanged || attempt >= ATTEMPTS) throw error;
    }
  }
}

// Reads and writes again what another writer changed in between.
import { setTimeout as delay } from 'node:timers/promises';
import { BuildcacheError } from '../core/errors.js';
import type { WithSignal } from '../core/with-signal.js';

/** How often another writer is given way. One of all writers gets through each time, so this is for very many of them. */
const ATTEMPTS = 100;
/** Milliseconds. The longest pause grows up to this, and each one is random: writers that collided do not collide again. */
const LONGEST_PAUSE = 1000;
const FIRST_PAUSE = 10;

export interface GiveWayOptions extends WithSignal {
  readonly attempts?: number | undefined;
  /** Whether an error tells that somebody else wrote meanwhile; by default `mirror-changed` does. */
  readonly isChanged?: ((error: unknown) => boolean) | undefined;
}

/**
 * Runs work that writes in place of what it read, until nobody else wrote meanwhile.
 * @throws MirrorError `mirror-changed` where others write again and again, and whatever the work throws.
 */
export async function giveWay<T>(
  work: () => Promise<T>,
  { signal, attempts = ATTEMPTS, isChanged = isMirrorChanged }: GiveWayOptions = {},
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!isChanged(error) || attempt >= attempts) throw error;
      const longest = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** attempt);
      await delay(Math.random() * longest, undefined, { signal });
    }
  }
}

function isMirrorChanged(error: unknown): boolean {
  return error instanceof BuildcacheError && error.code === 'mirror-changed';
}

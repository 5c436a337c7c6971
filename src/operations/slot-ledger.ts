// Which parts of the memory between the halves of a split package are in use. Only the decompressing half looks; the other one counts up.
import type { SharedOutput } from '../stream/inflater.js';

/** What the other half may be behind: enough that neither waits for the other's next turn, little enough for the cache. */
const MOST_SLOTS = 8;

interface Slot {
  readonly start: number;
  readonly end: number;
}

export class SlotLedger implements SharedOutput {
  /** One more that is written, and one that the end of the window cuts off. */
  readonly pulls = MOST_SLOTS + 2;
  /** One number: slots that the other half has taken, ever. */
  readonly taken = new Int32Array(new SharedArrayBuffer(4));
  #inUse: Slot[] = [];
  #seen = 0;

  /** Hands a slot over. */
  add(start: number, end: number): void {
    this.#inUse.push({ start, end });
  }

  /** Blocks until nothing between these places is in use, and not too much elsewhere. */
  claim(start: number, end: number): void {
    for (;;) {
      const count = Atomics.load(this.taken, 0);
      this.#inUse.splice(0, (count - this.#seen) | 0);
      this.#seen = count;
      const isFree = !this.#inUse.some((slot) => slot.start < end && start < slot.end);
      if (isFree && this.#inUse.length < MOST_SLOTS) return;
      Atomics.wait(this.taken, 0, count);
    }
  }
}

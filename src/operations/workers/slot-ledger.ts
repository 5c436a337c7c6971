// Which parts of the memory between the halves of a split package are in use. Only the decompressing half looks; the other one counts up.
import { RelocationError } from '../../core/errors.js';
import type { SharedOutput } from '../../stream/inflate/inflater.js';

/** What the other half may be behind: enough that neither waits for the other's next turn, little enough for the cache. */
const MOST_SLOTS = 8;

/** In milliseconds. A slot is taken in one or two; that a worker has died cannot be noticed while this thread waits. */
const LONGEST_WAIT = 60_000;

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

  /** Whether half of the slots or more are free. */
  get hasRoom(): boolean {
    this.#forgetTaken();
    return this.#inUse.length <= MOST_SLOTS / 2;
  }

  /** Hands a slot over. */
  add(start: number, end: number): void {
    this.#inUse.push({ start, end });
  }

  /** Blocks until nothing between these places is in use, and not too much elsewhere. */
  claim(start: number, end: number): void {
    for (;;) {
      const count = this.#forgetTaken();
      const isFree = !this.#inUse.some((slot) => slot.start < end && start < slot.end);
      if (isFree && this.#inUse.length < MOST_SLOTS) return;
      if (Atomics.wait(this.taken, 0, count, LONGEST_WAIT) === 'timed-out') throw stuck();
    }
  }

  #forgetTaken(): number {
    const count = Atomics.load(this.taken, 0);
    this.#inUse.splice(0, (count - this.#seen) | 0);
    this.#seen = count;
    return count;
  }
}

function stuck(): RelocationError {
  return new RelocationError(
    'engine-failed',
    'Cannot go on with the package: its worker takes nothing any more',
    {
      hint: 'Run the same command again; with --workers 0 if memory is short',
      data: { milliseconds: LONGEST_WAIT },
    },
  );
}

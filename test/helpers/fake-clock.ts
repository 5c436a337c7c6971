// A clock that only a test moves.
import type { Clock } from '../../src/transport/steady/clock.js';
import { settle } from './stream-source.js';

interface Alarm {
  readonly at: number;
  readonly callback: () => void;
}

export class FakeClock implements Clock {
  #now = 1000;
  readonly #alarms = new Set<Alarm>();

  now(): number {
    return this.#now;
  }

  after(milliseconds: number, callback: () => void): () => void {
    const alarm = { at: this.#now + milliseconds, callback };
    this.#alarms.add(alarm);
    return () => void this.#alarms.delete(alarm);
  }

  /** How many wait. */
  get alarms(): number {
    return this.#alarms.size;
  }

  /** Lets time pass; what it sets off is finished before more passes. */
  async pass(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds;
    await settle();
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      this.#now = Math.max(this.#now, next.at);
      this.#alarms.delete(next);
      next.callback();
      await settle();
    }
    this.#now = end;
    await settle();
  }

  #next(end: number): Alarm | undefined {
    return [...this.#alarms].sort((a, b) => a.at - b.at).find(({ at }) => at <= end);
  }
}

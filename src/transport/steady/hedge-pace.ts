// When it is time to race another source of an object: after one long wait, or after many short ones.

/** In units of `after`: how long an object is waited for in all before others are raced, and how long the rest must take to be worth it. */
const LONG = 5;

export interface HedgePaceOptions {
  /** How long a chunk is waited for, in milliseconds, before another source is raced; 0 for ever. */
  readonly after: number;
  /** Whether the source lost before. */
  readonly isSuspect?: boolean | undefined;
}

export class HedgePace {
  readonly #after: number;
  /** How long a chunk is waited for. */
  patience: number;
  /** How long the object is waited for in all. */
  #endurance: number;
  /** Since the last race. */
  #waited = 0;
  #bytes = 0;

  constructor({ after, isSuspect }: HedgePaceOptions) {
    this.#after = after;
    this.patience = isSuspect ? 0 : after;
    this.#endurance = after * LONG;
  }

  took(milliseconds: number, bytes: number): void {
    this.#waited += milliseconds;
    this.#bytes += bytes;
  }

  raced(): void {
    this.patience = Math.max(this.#after, this.patience * 2);
    this.#endurance *= 2;
    this.#waited = 0;
    this.#bytes = 0;
  }

  /** Whether an object comes steadily, but slowly. */
  isRaceDue({ position, total }: { readonly position: number; readonly total: number | undefined }): boolean {
    if (this.#after === 0 || this.#waited < this.#endurance) return false;
    if (total === undefined) return true;
    return (total - position) * this.#waited > this.#after * LONG * this.#bytes;
  }
}

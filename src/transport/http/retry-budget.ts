// How many retries a run may spend: a network that fails everywhere must not multiply the requests.

/** Requests that bring one retry. */
const COST = 5;

/** Shared by all mirrors of a run. */
export class RetryBudget {
  /** What is left, in requests. */
  #left: number;

  /** @param reserve - retries that there are in any case */
  constructor(reserve: number) {
    this.#left = reserve * COST;
  }

  /** Notes a request, which is not a retry. */
  earn(): void {
    this.#left++;
  }

  /** Takes a retry; false when none is left. */
  take(): boolean {
    if (this.#left < COST) return false;
    this.#left -= COST;
    return true;
  }
}

// Memory blocks that several writers share: whoever wants one waits while all are in use, so that memory stays bounded.

const BLOCK_LENGTH = 1 << 20;

export class BlockPool {
  readonly #free: ArrayBuffer[] = [];
  readonly #waiting: ((block: ArrayBuffer) => void)[] = [];
  readonly #limit: number;
  readonly #blockLength: number;
  #made = 0;

  /** @param limit - how many blocks there may be at the same time, at least 1. */
  constructor(limit: number, blockLength = BLOCK_LENGTH) {
    if (!Number.isInteger(limit) || limit < 1) throw new TypeError(`A pool needs a block: ${limit}`);
    this.#limit = limit;
    this.#blockLength = blockLength;
  }

  /** A block with whatever was in it. Who takes one gives it back without taking another one first. */
  async take(): Promise<ArrayBuffer> {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    if (this.#made < this.#limit) {
      this.#made++;
      return new ArrayBuffer(this.#blockLength);
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Gives a block back; undefined for one that was lost. */
  give(block: ArrayBuffer | undefined): void {
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) waiting(block ?? new ArrayBuffer(this.#blockLength));
    else if (block === undefined) this.#made--;
    else this.#free.push(block);
  }
}

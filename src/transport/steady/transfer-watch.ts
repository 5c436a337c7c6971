// Watches how long the reader of one body waits for its mirror, and how much comes meanwhile. Time that the reader takes for itself does
// not count.
import type { MirrorError } from '../../core/errors.js';
import type { Clock } from './clock.js';
import { tooLong, tooSlow } from './errors.js';
import type { TransferSettings } from './transfer-settings.js';

export interface TransferWatchOptions {
  readonly settings: Pick<TransferSettings, 'totalTimeout' | 'lowestRate' | 'rateWindow'>;
  readonly clock: Clock;
  /** For messages. */
  readonly location: string;
}

export class TransferWatch {
  readonly #options: TransferWatchOptions;
  /** Time waited in all, and in the current window. */
  #waited = 0;
  #inWindow = 0;
  /** Bytes in the current window. */
  #bytes = 0;

  constructor(options: TransferWatchOptions) {
    this.#options = options;
  }

  /** Notes bytes that came. */
  arrived(bytes: number): void {
    this.#bytes += bytes;
  }

  /**
   * Waits for the mirror, but not longer than it may take.
   * @throws MirrorError `mirror-too-slow`, `mirror-timeout`
   */
  async during<Result>(pending: Promise<Result>): Promise<Result> {
    let cancel = () => {};
    const limit = new Promise<never>((_, reject) => {
      const arm = () => {
        const time = this.#timeLeft();
        if (time === Number.POSITIVE_INFINITY) return;
        const begin = this.#options.clock.now();
        const stop = this.#options.clock.after(time, () => {
          this.#count(begin);
          const problem = this.#problem();
          if (problem === undefined) arm();
          else reject(problem);
        });
        cancel = () => {
          stop();
          this.#count(begin);
        };
      };
      arm();
    });
    pending.catch(() => {}); // it may fail after its time is over
    try {
      return await Promise.race([pending, limit]);
    } finally {
      cancel();
    }
  }

  #count(begin: number): void {
    const time = this.#options.clock.now() - begin;
    this.#waited += time;
    this.#inWindow += time;
  }

  #timeLeft(): number {
    const { totalTimeout, lowestRate, rateWindow } = this.#options.settings;
    const total = totalTimeout === 0 ? Number.POSITIVE_INFINITY : totalTimeout - this.#waited;
    const window = lowestRate === 0 ? Number.POSITIVE_INFINITY : rateWindow - this.#inWindow;
    return Math.max(0, Math.min(total, window));
  }

  /** What is wrong, if anything; where a window is over and nothing is, the next one begins. */
  #problem(): MirrorError | undefined {
    const { settings, location } = this.#options;
    const { totalTimeout, lowestRate, rateWindow } = settings;
    if (totalTimeout > 0 && this.#waited >= totalTimeout) return tooLong({ location, limit: totalTimeout });
    if (this.#inWindow < rateWindow) return undefined;
    const [bytes, milliseconds] = [this.#bytes, this.#inWindow];
    this.#bytes = 0;
    this.#inWindow = 0;
    const isSlow = bytes < (lowestRate * milliseconds) / 1000;
    return isSlow ? tooSlow({ location, bytes, milliseconds, lowestRate }) : undefined;
  }
}

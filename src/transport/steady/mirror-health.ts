// Whether a mirror is worth asking: after some failures in a row it is left alone for the rest of the run, and that is told once.
import { MirrorError } from '../../core/errors.js';
import { leftAlone } from './errors.js';

export interface MirrorHealthOptions {
  /** Without credentials. */
  readonly mirror: string;
  /** Failures in a row that are too many; 0 for never. */
  readonly limit: number;
  readonly onLeftAlone?: ((error: MirrorError) => void) | undefined;
}

export class MirrorHealth {
  readonly #options: MirrorHealthOptions;
  #failures = 0;
  #verdict: MirrorError | undefined;

  constructor(options: MirrorHealthOptions) {
    this.#options = options;
  }

  /** @throws MirrorError `mirror-left-alone` */
  requireUsable(): void {
    if (this.#verdict !== undefined) throw this.#verdict;
  }

  /** Something was read to its end, or the mirror said that there is nothing to read. */
  worked(): void {
    this.#failures = 0;
  }

  /** Notes an error, unless another server would have given it, too: one that is not about the network. */
  failed(error: unknown): void {
    if (!(error instanceof MirrorError)) return;
    if (!isFailure(error)) return this.worked();
    const { mirror, limit, onLeftAlone } = this.#options;
    if (++this.#failures !== limit) return;
    this.#verdict = leftAlone({ mirror, failures: limit, cause: error });
    onLeftAlone?.(this.#verdict);
  }
}

function isFailure({ code, retryable }: MirrorError): boolean {
  return code === 'mirror-unreachable' || (retryable && code !== 'mirror-changed');
}

// A body that goes on where it broke off: whoever reads it keeps the state of its digest and its decoder, and notices nothing. What the
// store says of the object, by its tag, its time and its size, must stay the same (RFC 9110 §13, §14).
import { MirrorError } from '../../core/errors.js';
import type { RetryPolicy } from '../http/retry-policy.js';
import type { OpenedObject, OpenOptions } from '../object-store.js';
import { isRetryable } from '../read-object.js';
import { changedMeanwhile, otherLength } from './errors.js';
import type { MirrorHealth } from './mirror-health.js';
import type { TransferWatch } from './transfer-watch.js';

export interface SteadyBodyOptions {
  /** The object, its body not yet read. */
  readonly object: OpenedObject;
  /** How it was opened. */
  readonly options: OpenOptions;
  /** Opens it again. */
  readonly reopen: (options: OpenOptions) => Promise<OpenedObject>;
  readonly retry: RetryPolicy;
  readonly watch: TransferWatch;
  readonly health: MirrorHealth;
}

/**
 * Errors: those of the store's bodies; `mirror-changed` and `mirror-length` where the object is no longer what it was. Errors of bodies that
 * were resumed in vain say in `attempts` how often in a row.
 */
export function steadyBody(options: SteadyBodyOptions): ReadableStream<Uint8Array> {
  const body = new SteadyBody(options);
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const chunk = await body.next();
        if (chunk === undefined) controller.close();
        else controller.enqueue(chunk);
      },
      cancel: (reason) => body.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}

class SteadyBody {
  readonly #options: SteadyBodyOptions;
  #reader: ReadableStreamDefaultReader<Uint8Array>;
  /** Of the next byte in the object. */
  #position: number;
  /** Without a byte in between. */
  #failures = 0;

  constructor(options: SteadyBodyOptions) {
    this.#options = options;
    this.#reader = options.object.body.getReader();
    this.#position = options.options.range?.start ?? 0;
  }

  async next(): Promise<Uint8Array | undefined> {
    const { watch, health, options } = this.#options;
    for (;;) {
      try {
        const { value, done } = await watch.during(this.#reader.read());
        if (done) {
          health.worked();
          return undefined;
        }
        this.#position += value.length;
        if (value.length > 0) this.#failures = 0;
        return value;
      } catch (error) {
        await this.#resume(error).catch((failure: unknown) => {
          if (!options.signal?.aborted) health.failed(failure);
          throw failure;
        });
      }
    }
  }

  async cancel(reason: unknown): Promise<void> {
    await this.#reader.cancel(reason);
  }

  async #resume(error: unknown): Promise<void> {
    const { retry, options } = this.#options;
    const { signal } = options;
    signal?.throwIfAborted();
    await this.#reader.cancel().catch(() => {}); // what was waited for too long
    if (!isRetryable(error) || !this.#isResumable) throw error;
    const attempt = ++this.#failures;
    if (attempt >= retry.attempts || retry.budget?.take() === false)
      throw error.with({ data: { ...error.data, attempts: attempt } });
    await retry.wait({ attempt, retryAfter: undefined, signal });
    signal?.throwIfAborted();
    this.#reader = (await this.#reopen()).body.getReader();
  }

  /** Without anything to tell the object by, bytes of two objects could be mixed, unless somebody looks at the digest. */
  get #isResumable(): boolean {
    const { object, options } = this.#options;
    return object.tag !== undefined || object.modified !== undefined || options.sha256 !== undefined;
  }

  async #reopen(): Promise<OpenedObject> {
    const { object, options, reopen } = this.#options;
    const { tag, modified } = object;
    const range = { start: this.#position, end: options.range?.end };
    const condition = tag === undefined ? { ifModified: modified } : { ifTag: tag };
    const opened = await reopen({ ...options, unlessTag: undefined, range, ...condition }).catch(
      (error: unknown) => Promise.reject(this.#explain(error)),
    );
    const problem = this.#misfit(opened);
    if (problem === undefined) return opened;
    await opened.body.cancel().catch(() => {});
    throw problem;
  }

  /** Why the rest does not belong to what was read. */
  #misfit({ encoding, total }: OpenedObject): MirrorError | undefined {
    const { object } = this.#options;
    const { location, tag, modified } = object;
    const announced = this.#total;
    if (encoding !== object.encoding) return changedMeanwhile(location);
    if (announced === undefined || total === undefined || announced === total) return undefined;
    const isSame = tag !== undefined || modified !== undefined;
    return isSame ? otherLength({ location, announced, actual: total }) : changedMeanwhile(location);
  }

  /** The size of the whole object, as it was first told. */
  get #total(): number | undefined {
    const { object, options } = this.#options;
    return object.total ?? (options.range === undefined ? object.size : undefined);
  }

  #explain(error: unknown): unknown {
    if (!(error instanceof MirrorError)) return error;
    const { location } = this.#options.object;
    // From the beginning it may go well.
    if ('contentRange' in error.data) return error.with({ retryable: true });
    if (error.code === 'mirror-changed' || error.code === 'mirror-range')
      return changedMeanwhile(location, error);
    return error.with({ data: { ...error.data, attempts: this.#failures } });
  }
}

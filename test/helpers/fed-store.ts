// A store with one object, whose bytes come when a test lets them come.
import { MirrorError } from '../../src/core/errors.js';
import type { ObjectStore, OpenedObject, OpenOptions } from '../../src/transport/object-store.js';
import { settle } from './stream-source.js';

interface FedBody {
  readonly controller: ReadableStreamDefaultController<Uint8Array>;
  readonly onArrival: OpenOptions['onArrival'];
  position: number;
  isCancelled: boolean;
}

export class FedStore {
  readonly store: ObjectStore;
  /** Where each opening began. */
  readonly opened: number[] = [];
  /** Whether an opening waits for `answer`. */
  holdsBack = false;
  readonly #bytes: Uint8Array;
  readonly #bodies: FedBody[] = [];
  #answer: () => void = () => {};

  constructor(bytes: Uint8Array, url = 'http://fed') {
    this.#bytes = bytes;
    this.store = {
      url,
      hasLastingTags: true,
      location: (path) => `${url}/${path}`,
      open: ((path: string, options: OpenOptions = {}) =>
        this.#open(`${url}/${path}`, options)) as ObjectStore['open'],
      stat: async () => ({ size: bytes.length, tag: '"fed"' }),
    };
  }

  /** Whether the last body was cancelled. */
  get isCancelled(): boolean {
    return this.#last.isCancelled;
  }

  /** Lets bytes come, as a chunk. */
  async feed(count: number): Promise<void> {
    const body = this.#last;
    const chunk = this.#bytes.slice(body.position, body.position + count);
    body.position += chunk.length;
    body.onArrival?.(chunk.length);
    body.controller.enqueue(chunk);
    if (body.position === this.#bytes.length) body.controller.close();
    await settle();
  }

  /** Lets bytes arrive that make no chunk yet. */
  arrive(count: number): void {
    this.#last.onArrival?.(count);
  }

  /** Breaks the body off. */
  async breakOff(code: 'mirror-truncated' | 'mirror-not-found' = 'mirror-truncated'): Promise<void> {
    this.#last.controller.error(
      new MirrorError(code, 'Cannot read it', { retryable: code === 'mirror-truncated' }),
    );
    await settle();
  }

  /** Ends the body where it is. */
  async end(): Promise<void> {
    this.#last.controller.close();
    await settle();
  }

  async answer(): Promise<void> {
    this.#answer();
    await settle();
  }

  get #last(): FedBody {
    const body = this.#bodies.at(-1);
    if (body === undefined) throw new Error('nothing is open');
    return body;
  }

  async #open(location: string, { range, onArrival, signal }: OpenOptions): Promise<OpenedObject> {
    const start = range?.start ?? 0;
    this.opened.push(start);
    if (this.holdsBack)
      await new Promise<void>((resolve, reject) => {
        this.#answer = resolve;
        signal?.addEventListener('abort', () => reject(signal.reason));
      });
    const { length } = this.#bytes;
    const body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#bodies.push({ controller, onArrival, position: start, isCancelled: false });
        },
        cancel: () => {
          this.#last.isCancelled = true;
        },
      },
      { highWaterMark: 0 },
    );
    return { body, size: length - start, total: length, tag: '"fed"', location };
  }
}

// Makes the bodies of any store steady, so that those who read them need not know of bad networks.
import type { MirrorError } from '../../core/errors.js';
import type { WithSignal } from '../../core/with-signal.js';
import type { RetryPolicy } from '../http/retry-policy.js';
import type {
  ObjectFacts,
  ObjectLister,
  ObjectStore,
  ObjectWriter,
  OpenedObject,
  OpenOptions,
} from '../object-store.js';
import { type Clock, SYSTEM_CLOCK } from './clock.js';
import { MirrorHealth } from './mirror-health.js';
import { type EncodingMemory, encodedPart, plainObject } from './plain-object.js';
import { steadyBody } from './steady-body.js';
import type { TransferSettings } from './transfer-settings.js';
import { TransferWatch } from './transfer-watch.js';

export interface SteadyStoreOptions {
  readonly store: ObjectStore;
  readonly retry: RetryPolicy;
  readonly settings: TransferSettings;
  readonly clock?: Clock | undefined;
  /** Told once when the mirror has failed too often. */
  readonly onLeftAlone?: ((error: MirrorError) => void) | undefined;
}

/** A store on a network. */
export class SteadyStore implements ObjectStore {
  readonly url: string;
  readonly hasLastingTags: boolean;
  readonly lister: ObjectLister | undefined;
  readonly writer: ObjectWriter | undefined;
  readonly #options: SteadyStoreOptions;
  readonly #health: MirrorHealth;
  /** Of objects that the server says are encoded. */
  readonly #encodings = new Map<string, EncodingMemory>();

  constructor(options: SteadyStoreOptions) {
    const { store, settings, onLeftAlone } = options;
    this.#options = options;
    this.#health = new MirrorHealth({ mirror: store.url, limit: settings.failuresInRow, onLeftAlone });
    this.url = store.url;
    this.hasLastingTags = store.hasLastingTags;
    this.lister = store.lister;
    this.writer = store.writer;
  }

  location(path: string): string {
    return this.#options.store.location(path);
  }

  open(path: string, options?: OpenOptions & { readonly unlessTag?: undefined }): Promise<OpenedObject>;
  open(path: string, options: OpenOptions): Promise<OpenedObject | 'not-modified'>;
  async open(path: string, options: OpenOptions = {}): Promise<OpenedObject | 'not-modified'> {
    const { store } = this.#options;
    const watch = this.#watch(path);
    const onArrival = (bytes: number) => {
      watch.arrived(bytes);
      options.onArrival?.(bytes);
    };
    const how = { ...options, onArrival };
    const object = await this.#ask(() => store.open(path, how), options);
    if (object === 'not-modified') {
      this.#health.worked();
      return object;
    }
    const reopen = (again: OpenOptions) => store.open(path, { ...again, unlessTag: undefined });
    const health = this.#health;
    const body = steadyBody({ object, options: how, reopen, retry: this.#options.retry, watch, health });
    const steady = { ...object, body };
    const plain = object.encoding === undefined ? steady : await this.#plain(path, steady, options);
    // What has a digest that its reader checks cannot have been made for this request.
    if (object.guard === undefined || options.sha256 !== undefined) return plain;
    return { ...plain, body: object.guard(plain.body) };
  }

  async stat(path: string, options: WithSignal = {}): Promise<ObjectFacts | undefined> {
    const facts = await this.#ask(() => this.#options.store.stat(path, options), options);
    this.#health.worked();
    return facts;
  }

  async close(): Promise<void> {
    await this.#options.store.close?.();
  }

  async #plain(path: string, object: OpenedObject, { range, sha256 }: OpenOptions): Promise<OpenedObject> {
    const memory = this.#encodings.get(path) ?? {};
    this.#encodings.set(path, memory);
    const encoding = object.encoding ?? '';
    const isWhole = range === undefined || (range.start === 0 && range.end === undefined);
    if (isWhole) return plainObject({ object, encoding, sha256, memory });
    // Known to be a wrong label.
    if (memory.reading === 'sent') return { ...object, encoding: undefined };
    await object.body.cancel().catch(() => {});
    throw encodedPart(object.location, encoding);
  }

  async #ask<Answer>(question: () => Promise<Answer>, { signal }: WithSignal): Promise<Answer> {
    this.#health.requireUsable();
    try {
      return await question();
    } catch (error) {
      if (!signal?.aborted) this.#health.failed(error);
      throw error;
    }
  }

  #watch(path: string): TransferWatch {
    const { settings, clock = SYSTEM_CLOCK } = this.#options;
    return new TransferWatch({ settings, clock, location: this.location(path) });
  }
}

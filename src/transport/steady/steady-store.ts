// Makes the bodies of any store steady, so that those who read them need not know of bad networks.
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
import { steadyBody } from './steady-body.js';

export interface SteadyStoreOptions {
  readonly store: ObjectStore;
  readonly retry: RetryPolicy;
}

/** A store on a network. */
export class SteadyStore implements ObjectStore {
  readonly url: string;
  readonly hasLastingTags: boolean;
  readonly lister: ObjectLister | undefined;
  readonly writer: ObjectWriter | undefined;
  readonly #store: ObjectStore;
  readonly #retry: RetryPolicy;

  constructor({ store, retry }: SteadyStoreOptions) {
    this.#store = store;
    this.#retry = retry;
    this.url = store.url;
    this.hasLastingTags = store.hasLastingTags;
    this.lister = store.lister;
    this.writer = store.writer;
  }

  location(path: string): string {
    return this.#store.location(path);
  }

  open(path: string, options?: OpenOptions & { readonly unlessTag?: undefined }): Promise<OpenedObject>;
  open(path: string, options: OpenOptions): Promise<OpenedObject | 'not-modified'>;
  async open(path: string, options: OpenOptions = {}): Promise<OpenedObject | 'not-modified'> {
    const object = await this.#store.open(path, options);
    if (object === 'not-modified') return object;
    const reopen = (how: OpenOptions) => this.#store.open(path, { ...how, unlessTag: undefined });
    return { ...object, body: steadyBody({ object, options, reopen, retry: this.#retry }) };
  }

  stat(path: string, options?: WithSignal): Promise<ObjectFacts | undefined> {
    return this.#store.stat(path, options);
  }

  async close(): Promise<void> {
    await this.#store.close?.();
  }
}

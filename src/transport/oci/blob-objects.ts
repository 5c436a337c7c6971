// The blobs of a repository as objects by digest, to be read: so what makes bodies steady on bad networks works for them, too.
import type { WithSignal } from '../../core/with-signal.js';
import { checkRange } from '../byte-range.js';
import { openedObject, openHeaders } from '../http/opened-object.js';
import { isRangeStatus } from '../http/range.js';
import type { ObjectFacts, ObjectStore, OpenedObject, OpenOptions } from '../object-store.js';
import type { RegistryClient } from './registry-client.js';

export class BlobObjects implements ObjectStore {
  readonly url: string;
  readonly hasLastingTags = false;
  readonly #client: RegistryClient;

  constructor(client: RegistryClient) {
    this.#client = client;
    this.url = client.place.url;
  }

  location(digest: string): string {
    return this.#client.location(digest);
  }

  open(digest: string, options?: OpenOptions & { readonly unlessTag?: undefined }): Promise<OpenedObject>;
  open(digest: string, options: OpenOptions): Promise<OpenedObject | 'not-modified'>;
  async open(digest: string, options: OpenOptions = {}): Promise<OpenedObject | 'not-modified'> {
    const { range, onArrival, signal } = options;
    if (range !== undefined) checkRange(range);
    const headers = openHeaders({ range });
    const answer = await this.#client.send({ method: 'GET', target: `blobs/${digest}`, headers, signal });
    const isUsable = [200, 203, 206, 404].includes(answer.status);
    const isEnd = range !== undefined && isRangeStatus(answer.status);
    if (!isUsable && !isEnd) throw await this.#client.error(answer, { purpose: 'read', reference: digest });
    try {
      const { body, size, total, encoding } = openedObject(answer, { range, onArrival });
      // Without tag and time: the servers behind a registry need not agree on them, and the digest says more.
      return { body, size, total, encoding, tag: undefined, location: this.location(digest) };
    } catch (error) {
      // What comes after it may be less than it announces.
      if (answer.status === 416) answer.abort();
      else answer.discard();
      throw error;
    }
  }

  async stat(digest: string, { signal }: WithSignal = {}): Promise<ObjectFacts | undefined> {
    const answer = await this.#client.send({ method: 'HEAD', target: `blobs/${digest}`, signal });
    answer.discard();
    if (answer.status === 404) return undefined;
    if (answer.status === 200) return { size: answer.size, tag: undefined };
    throw await this.#client.error(answer, { purpose: 'read', reference: digest });
  }

  close(): Promise<void> {
    return this.#client.close();
  }
}

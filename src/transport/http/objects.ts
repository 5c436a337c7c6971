// Objects behind HTTP or HTTPS: GET with ranges (RFC 9110 §14) and entity tags (§13), HEAD for existence and size.

import type { WithSignal } from '../../core/with-signal.js';
import { checkRange } from '../byte-range.js';
import { splitObjectPath } from '../object-path.js';
import type { ObjectFacts, ObjectStore, OpenedObject, OpenOptions } from '../object-store.js';
import { HttpClient, type HttpClientOptions } from './client.js';
import { statusError } from './errors.js';
import { basicAuthorizer, joinUrl, redactUrl, withoutCredentials } from './location.js';
import { isAbsent, isSuccess, openedObject, openHeaders } from './opened-object.js';

/** Answers to HEAD of servers that do not know it. */
const NO_HEAD: ReadonlySet<number> = new Set([405, 501]);

export interface HttpObjectsOptions extends HttpClientOptions {
  readonly url: URL;
}

/** The objects below a URL. */
export class HttpObjects implements ObjectStore {
  readonly url: string;
  readonly hasLastingTags = true;
  readonly #root: URL;
  readonly #client: HttpClient;

  constructor({ url, ...options }: HttpObjectsOptions) {
    this.#root = withoutCredentials(url);
    this.#client = new HttpClient({ ...options, authorizer: options.authorizer ?? basicAuthorizer(url) });
    this.url = redactUrl(this.#root).replace(/\/+(?=$|\?)/, '');
  }

  location(path: string): string {
    return path === '' ? this.url : redactUrl(joinUrl(this.#root, path.split('/')));
  }

  open(path: string, options?: OpenOptions & { readonly unlessTag?: undefined }): Promise<OpenedObject>;
  open(path: string, options: OpenOptions): Promise<OpenedObject | 'not-modified'>;
  async open(path: string, options: OpenOptions = {}): Promise<OpenedObject | 'not-modified'> {
    const { range, unlessTag, signal } = options;
    if (range !== undefined) checkRange(range);
    const answer = await this.#client.send({
      method: 'GET',
      url: this.#resolve(path),
      headers: openHeaders(options),
      signal,
    });
    if (unlessTag !== undefined && answer.status === 304) {
      answer.discard();
      return 'not-modified';
    }
    try {
      return openedObject(answer, options);
    } catch (error) {
      answer.discard();
      throw error;
    }
  }

  async stat(path: string, { signal }: WithSignal = {}): Promise<ObjectFacts | undefined> {
    const url = this.#resolve(path);
    let answer = await this.#client.send({ method: 'HEAD', url, signal });
    answer.discard();
    if (NO_HEAD.has(answer.status)) {
      answer = await this.#client.send({ method: 'GET', url, signal });
      answer.abort();
    }
    if (isSuccess(answer.status)) return { size: answer.size, tag: answer.tag };
    if (isAbsent(answer.status)) return undefined;
    throw statusError(answer);
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  #resolve(path: string): URL {
    return joinUrl(this.#root, splitObjectPath(path, this.url));
  }
}

// Objects behind HTTP or HTTPS: GET with ranges (RFC 9110 §14) and entity tags (§13), HEAD for existence and size.

import type { WithSignal } from '../../core/with-signal.js';
import { checkRange } from '../byte-range.js';
import { splitObjectPath } from '../object-path.js';
import type { ByteRange, ObjectFacts, ObjectStore, OpenedObject, OpenOptions } from '../object-store.js';
import { HttpClient, type HttpClientOptions } from './client.js';
import { hiddenError, statusError } from './errors.js';
import { joinUrl, redactUrl, withoutCredentials } from './location.js';
import { type Login, loginAuthorizer } from './login.js';
import { isAbsent, isHidden, isSuccess, openedObject, openHeaders } from './opened-object.js';
import { isRangeStatus, rangeHeader, wholeSize } from './range.js';

/** Answers to HEAD of servers that do not know it, or do not allow it. */
const NO_HEAD: ReadonlySet<number> = new Set([403, 405, 501]);
/** Where there is no HEAD: one byte tells the size. */
const FIRST_BYTE: ByteRange = { start: 0, end: 1 };

export interface HttpObjectsOptions extends HttpClientOptions, Login {
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
    this.#client = new HttpClient({
      ...options,
      authorizer: options.authorizer ?? loginAuthorizer(url, options),
      secrets: [...url.searchParams.values()],
    });
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
      if (isHidden(answer)) throw hiddenError(answer);
      return { ...openedObject(answer, options), encoding: answer.header('content-encoding') };
    } catch (error) {
      answer.discard();
      throw error;
    }
  }

  async stat(path: string, { signal }: WithSignal = {}): Promise<ObjectFacts | undefined> {
    const url = this.#resolve(path);
    let answer = await this.#client.send({ method: 'HEAD', url, signal });
    answer.discard();
    if (NO_HEAD.has(answer.status) && !isHidden(answer)) {
      answer = await this.#client.send({
        method: 'GET',
        url,
        headers: { range: rangeHeader(FIRST_BYTE) },
        signal,
      });
      if (answer.status === 206) answer.discard();
      else answer.abort();
    }
    if (isSuccess(answer.status) || isRangeStatus(answer.status))
      return { size: wholeSize(answer), tag: answer.tag };
    if (isAbsent(answer.status) || isHidden(answer)) return undefined;
    throw statusError(answer);
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  #resolve(path: string): URL {
    return joinUrl(this.#root, splitObjectPath(path, this.url));
  }
}

// Objects behind HTTP or HTTPS: GET with ranges (RFC 9110 §14) and entity tags (§13), HEAD for what is there.

import type { WithSignal } from '../../core/with-signal.js';
import { checkRange } from '../byte-range.js';
import { splitObjectPath } from '../object-path.js';
import type { ObjectFacts, ObjectStore, OpenedObject, OpenOptions } from '../object-store.js';
import type { HttpAnswer } from './answer.js';
import { HttpClient, type HttpClientOptions } from './client.js';
import { absentError, changedError, statusError } from './errors.js';
import { basicAuthorizer, joinUrl, redactUrl, withoutCredentials } from './location.js';
import { isRangeStatus, openPart, rangeHeader } from './range.js';
import type { HttpHeaders } from './request.js';

const ABSENT: ReadonlySet<number> = new Set([404, 410]);
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
      return opened(answer, options);
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
    if (ABSENT.has(answer.status)) return undefined;
    throw statusError(answer);
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  #resolve(path: string): URL {
    return joinUrl(this.#root, splitObjectPath(path, this.url));
  }
}

function openHeaders({ range, unlessTag, ifTag }: OpenOptions): HttpHeaders {
  return {
    ...(range !== undefined && { range: rangeHeader(range) }),
    ...(unlessTag !== undefined && { 'if-none-match': unlessTag }),
    ...(ifTag !== undefined && { 'if-match': ifTag }),
  };
}

/** The object of an answer, which is still to be discarded when this throws. */
function opened(answer: HttpAnswer, { range, ifTag }: OpenOptions): OpenedObject {
  const { status, size, tag, location } = answer;
  if (ABSENT.has(status)) throw absentError(answer);
  if (ifTag !== undefined && status === 412) throw changedError(answer);
  const isPart = range !== undefined && isRangeStatus(status);
  if (!isPart && !isSuccess(status)) throw statusError(answer);
  // Some servers do not know the condition. What has no tag now is another object, too.
  const isUntagged = status === 416 && tag === undefined;
  if (ifTag !== undefined && tag !== ifTag && !isUntagged) throw changedError(answer);
  if (range !== undefined) return { ...openPart(answer, range), tag, location };
  return { body: answer.body(), size, tag, location };
}

function isSuccess(status: number): boolean {
  return status === 200 || status === 203;
}

// A mirror behind HTTP or HTTPS (RFC 9110), on undici: keep-alive, redirects, retries, entity tags.

import { setMaxListeners } from 'node:events';
import type { Dispatcher } from 'undici';

import { MirrorError } from '../../core/errors.js';
import { BODY_BUFFER_SIZE, httpBodyStream } from './body.js';
import { type ConnectionOptions, makeDispatcher } from './dispatcher.js';
import { connectionError, redirectError, statusError } from './errors.js';
import { basicAuthorization, joinUrl, redactUrl } from './location.js';
import type { GetOptions, Mirror, MirrorObject } from '../../mirror/mirror.js';
import { splitObjectPath } from '../object-path.js';
import { exponentialBackoff, parseRetryAfter, type RetryPolicy } from './retry-policy.js';

const MAX_REDIRECTS = 10;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const ABSENT: ReadonlySet<number> = new Set([404, 410]);
/** Answers to HEAD of servers that do not know it. */
const NO_HEAD: ReadonlySet<number> = new Set([405, 501]);

export interface HttpMirrorOptions extends ConnectionOptions {
  readonly url: URL;
  readonly name?: string | undefined;
  readonly signed?: boolean | undefined;
  readonly retry?: RetryPolicy | undefined;
}

interface HttpRequest {
  readonly method: 'GET' | 'HEAD';
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal | undefined;
}

interface HttpAnswer {
  readonly status: number;
  readonly headers: Dispatcher.ResponseData['headers'];
  readonly body: Dispatcher.ResponseData['body'];
  /** Where the last redirect led, for messages. */
  readonly location: string;
}

/** Reads a build cache from a web server. */
export class HttpMirror implements Mirror {
  readonly name: string;
  readonly url: string;
  readonly signed: boolean;
  readonly #root: URL;
  readonly #authorization: string | undefined;
  readonly #options: HttpMirrorOptions;
  readonly #retry: RetryPolicy;
  #dispatcher: Promise<Dispatcher> | undefined;
  #closed = false;
  /** The last request used up its attempts: until one succeeds, a dead server gets a single try per request. */
  #down = false;

  constructor(options: HttpMirrorOptions) {
    this.#options = options;
    this.#authorization = basicAuthorization(options.url);
    this.#root = withoutCredentials(options.url);
    this.#retry = options.retry ?? exponentialBackoff();
    this.url = redactUrl(this.#root).replace(/\/+(?=$|\?)/, '');
    this.name = options.name ?? this.url;
    this.signed = options.signed ?? true;
  }

  location(path: string): string {
    return path === '' ? this.url : redactUrl(joinUrl(this.#root, path.split('/')));
  }

  async get(path: string, { signal }: GetOptions = {}): Promise<MirrorObject> {
    const answer = await this.#request({ method: 'GET', url: this.#resolve(path), signal });
    return this.#object(answer, signal);
  }

  async getIfChanged(
    path: string,
    etag: string,
    { signal }: GetOptions = {},
  ): Promise<MirrorObject | 'not-modified'> {
    const headers = { 'if-none-match': etag };
    const answer = await this.#request({ method: 'GET', url: this.#resolve(path), headers, signal });
    if (answer.status !== 304) return this.#object(answer, signal);
    discard(answer.body);
    return 'not-modified';
  }

  async has(path: string, { signal }: GetOptions = {}): Promise<boolean> {
    const url = this.#resolve(path);
    let answer = await this.#request({ method: 'HEAD', url, signal });
    discard(answer.body);
    if (NO_HEAD.has(answer.status)) {
      answer = await this.#request({ method: 'GET', url, signal });
      answer.body.on('error', () => {}).destroy();
    }
    if (isSuccess(answer.status)) return true;
    if (ABSENT.has(answer.status)) return false;
    throw statusError(answer);
  }

  async close(): Promise<void> {
    this.#closed = true;
    const dispatcher = await this.#dispatcher?.catch(() => undefined);
    await dispatcher?.destroy();
  }

  #resolve(path: string): URL {
    return joinUrl(this.#root, splitObjectPath(path, this.url));
  }

  #object(answer: HttpAnswer, signal: AbortSignal | undefined): MirrorObject {
    const { headers, location } = answer;
    if (!isSuccess(answer.status)) {
      discard(answer.body);
      throw ABSENT.has(answer.status) ? absent(answer) : statusError(answer);
    }
    const size = contentLength(headers);
    const body = httpBodyStream({ readable: answer.body, location, size, signal });
    return { body, size, etag: strongEtag(headers), location };
  }

  /** Sends a request until it is answered for good; the body of the answer is still to be read or discarded. */
  async #request(request: HttpRequest): Promise<HttpAnswer> {
    for (let attempt = 1; ; attempt++) {
      const outcome = await this.#try(request);
      if ('answer' in outcome) {
        this.#down = false;
        return outcome.answer;
      }
      if (this.#down || attempt >= this.#retry.attempts) {
        this.#down = true;
        throw outcome.failure;
      }
      await this.#retry.wait({ attempt, retryAfter: outcome.retryAfter, signal: request.signal });
      request.signal?.throwIfAborted();
    }
  }

  /** One attempt: an answer, or a failure that may go away; other failures are thrown. */
  async #try(request: HttpRequest): Promise<Attempt> {
    try {
      const answer = await this.#follow(request);
      if (!isTransient(answer.status)) return { answer };
      discard(answer.body);
      return {
        failure: statusError(answer),
        retryAfter: parseRetryAfter(header(answer, 'retry-after'), Date.now()),
      };
    } catch (error) {
      if (error instanceof MirrorError && error.retryable) return { failure: error, retryAfter: undefined };
      throw error;
    }
  }

  async #follow(request: HttpRequest): Promise<HttpAnswer> {
    const visited = new Set<string>();
    for (let url = request.url; ; ) {
      visited.add(url.href);
      const answer = await this.#send({ ...request, url });
      if (!REDIRECTS.has(answer.status)) return answer;
      discard(answer.body);
      const next = redirectTarget(url, answer);
      if (visited.has(next.href) || visited.size > MAX_REDIRECTS) {
        throw redirectError(
          redactUrl(request.url),
          [...visited].map((href) => redactUrl(new URL(href))),
        );
      }
      url = next;
    }
  }

  async #send({ method, url, headers, signal }: HttpRequest): Promise<HttpAnswer> {
    if (this.#closed) throw new TypeError(`Mirror "${this.name}" is closed`);
    signal?.throwIfAborted();
    // Each request listens to the signal; more than ten at a time are no leak.
    if (signal !== undefined) setMaxListeners(0, signal);
    this.#dispatcher ??= makeDispatcher(this.#options);
    const dispatcher = await this.#dispatcher;
    const location = redactUrl(url);
    try {
      const answer = await dispatcher.request({
        origin: url.origin,
        path: url.pathname + url.search,
        method,
        headers: { ...this.#headers(url), ...headers },
        highWaterMark: BODY_BUFFER_SIZE,
        signal: signal ?? null,
      });
      return { status: answer.statusCode, headers: answer.headers, body: answer.body, location };
    } catch (error) {
      signal?.throwIfAborted();
      throw connectionError(location, error);
    }
  }

  #headers(url: URL): Record<string, string> {
    // The bytes as they are stored: a compressed transfer would change what sizes and checksums are about.
    const headers: Record<string, string> = {
      'user-agent': 'regraft',
      accept: '*/*',
      'accept-encoding': 'identity',
    };
    // A redirect to another server must not carry the password along.
    if (this.#authorization !== undefined && url.origin === this.#root.origin)
      headers.authorization = this.#authorization;
    return headers;
  }
}

type Attempt =
  | { readonly answer: HttpAnswer }
  | { readonly failure: MirrorError; readonly retryAfter: number | undefined };

function withoutCredentials(url: URL): URL {
  const clean = new URL(url.href);
  clean.username = '';
  clean.password = '';
  clean.hash = '';
  return clean;
}

function isSuccess(status: number): boolean {
  return status === 200 || status === 203;
}

function isTransient(status: number): boolean {
  return status === 408 || status === 429 || (status >= 500 && status !== 501 && status !== 505);
}

function absent({ status, location }: HttpAnswer): MirrorError {
  return new MirrorError('mirror-not-found', `Cannot read "${location}": the server answered ${status}`, {
    data: { location, status },
  });
}

function redirectTarget(from: URL, answer: HttpAnswer): URL {
  const target = header(answer, 'location');
  if (target === undefined || !URL.canParse(target, from.href)) throw statusError(answer);
  const next = withoutCredentials(new URL(target, from.href));
  const secure = next.protocol === 'https:';
  if (secure || (next.protocol === 'http:' && from.protocol === 'http:')) return next;
  throw new MirrorError(
    'mirror-protocol',
    `Cannot follow the redirect from "${answer.location}" to "${next.protocol}"`,
    {
      hint: 'Redirects may lead to https:, and from http: to http:',
      data: { location: answer.location, protocol: next.protocol },
    },
  );
}

function header(answer: Pick<HttpAnswer, 'headers'>, name: string): string | undefined {
  const value = answer.headers[name];
  return typeof value === 'string' ? value : undefined;
}

function contentLength(headers: HttpAnswer['headers']): number | undefined {
  const value = header({ headers }, 'content-length');
  return value !== undefined && /^\d{1,15}$/.test(value) ? Number(value) : undefined;
}

function strongEtag(headers: HttpAnswer['headers']): string | undefined {
  const value = header({ headers }, 'etag');
  return value !== undefined && /^"[\x21\x23-\x7e]*"$/.test(value) ? value : undefined;
}

/** Drops a body that nobody wants; a short one is read, so that the connection can be used again. */
function discard(body: HttpAnswer['body']): void {
  body.dump({ limit: 64 * 1024 }).catch(() => {});
}

// Talks to web servers (RFC 9110), on undici: keep-alive, redirects, retries, timeouts, and a hook that authorizes each hop.

import { setMaxListeners } from 'node:events';
import type { Dispatcher } from 'undici';

import { BuildcacheError, MirrorError } from '../../core/errors.js';
import { type ConnectionOptions, makeDispatcher } from '../connection/dispatcher.js';
import { HttpAnswer } from './answer.js';
import { BODY_BUFFER_SIZE } from './body.js';
import { connectionError, redirectError, statusError } from './errors.js';
import { redactUrl } from './location.js';
import { Proofs } from './proofs.js';
import { redirected } from './redirect.js';
import {
  type Authorizer,
  type Hop,
  type HttpHeaders,
  type HttpRequest,
  isRepeatable,
  isReplayable,
  openBody,
  sizeOfBody,
} from './request.js';
import { exponentialBackoff, parseRetryAfter, type RetryPolicy } from './retry-policy.js';

const MAX_REDIRECTS = 10;
/** Transient statuses that guarantee the server did nothing. */
const NOT_DONE: ReadonlySet<number> = new Set([408, 429, 503]);

export interface HttpClientOptions extends ConnectionOptions {
  readonly retry?: RetryPolicy | undefined;
  readonly authorizer?: Authorizer | undefined;
  /** What is in the URLs of requests, and must not be told. */
  readonly secrets?: readonly string[] | undefined;
  /** Says what a transient answer means, and takes its body; by default only its status is told. */
  readonly explain?: ((answer: HttpAnswer) => Promise<MirrorError>) | undefined;
}

/** Sends requests and retries them until there is a final answer. */
export class HttpClient {
  readonly #options: HttpClientOptions;
  readonly #retry: RetryPolicy;
  #dispatcher: Promise<Dispatcher> | undefined;
  #isClosed = false;
  /** The last request used up its attempts: until one succeeds, a dead server gets a single try per request. */
  #isDown = false;

  constructor(options: HttpClientOptions = {}) {
    this.#options = options;
    this.#retry = options.retry ?? exponentialBackoff();
  }

  /**
   * Sends a request; the caller decides which statuses are errors. A redirect is returned as is if the request cannot be repeated.
   * @throws MirrorError `mirror-unreachable`; `mirror-http-status` for a transient status that persists; `mirror-redirect-loop`,
   * `mirror-protocol`. UsageError `config` for a certificate file or a proxy that cannot be used.
   */
  async send(request: HttpRequest): Promise<HttpAnswer> {
    const { budget } = this.#retry;
    budget?.earn();
    for (let attempt = 1; ; attempt++) {
      const outcome = await this.#try(request, attempt);
      if (outcome instanceof HttpAnswer) {
        this.#isDown = false;
        return outcome;
      }
      if (this.#isDown || attempt >= this.#retry.attempts) {
        this.#isDown = true;
        throw outcome.failure;
      }
      if (!outcome.mayRepeat || budget?.take() === false) throw outcome.failure;
      await this.#retry.wait({ attempt, retryAfter: outcome.retryAfter, signal: request.signal });
      request.signal?.throwIfAborted();
    }
  }

  /** Closes open connections; the client cannot be used afterwards. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const dispatcher = await this.#dispatcher?.catch(() => undefined);
    await dispatcher?.destroy();
  }

  /** One attempt: an answer, or a transient failure; other failures are thrown. */
  async #try(request: HttpRequest, attempt: number): Promise<HttpAnswer | Failure> {
    const canReplay = isReplayable(request.body);
    try {
      const answer = await this.#follow(request, attempt);
      if (!isTransient(answer.status)) return answer;
      return {
        failure: await this.#explain(answer),
        retryAfter: parseRetryAfter(answer.header('retry-after'), Date.now()),
        mayRepeat: canReplay && (isRepeatable(request) || NOT_DONE.has(answer.status)),
      };
    } catch (failure) {
      if (!(failure instanceof MirrorError && failure.retryable)) throw failure;
      return { failure, retryAfter: undefined, mayRepeat: canReplay && isRepeatable(request) };
    }
  }

  #explain(answer: HttpAnswer): MirrorError | Promise<MirrorError> {
    if (this.#options.explain !== undefined) return this.#options.explain(answer);
    answer.discard();
    return statusError(answer);
  }

  async #follow(first: HttpRequest, attempt: number): Promise<HttpAnswer> {
    const visited = new Map<string, string>();
    const proofs = new Proofs(this.#options.secrets);
    for (let request = first; ; ) {
      const location = request === first ? redactUrl(first.url) : proofs.shown(request.url);
      visited.set(requestKey(request), location);
      proofs.addQuery(request.url);
      const answer = await this.#hop(request, { attempt, location, proofs });
      const next = redirectOf(request, answer);
      if (next === undefined) return answer;
      if (visited.has(requestKey(next)) || visited.size > MAX_REDIRECTS) {
        const location = redactUrl(first.url);
        throw redirectError({ method: first.method, location }, [...visited.values()]);
      }
      request = next;
    }
  }

  /** Sends a request to one place, and answers a 401 once. */
  async #hop(request: HttpRequest, { attempt, location, proofs }: HopContext): Promise<HttpAnswer> {
    const { authorizer } = this.#options;
    const { method, url, body, signal } = request;
    const hop: Hop = { method, url, headers: headersOf(request), body, attempt };
    signal?.throwIfAborted();
    const answer = await this.#transmit(hop, {
      proof: await authorizer?.authorize?.(hop),
      ...{ location, proofs, signal },
    });
    if (answer.status !== 401 || authorizer?.answerChallenge === undefined || !isReplayable(body))
      return answer;
    const proof = await authorizer.answerChallenge(hop, answer);
    if (proof === undefined) return answer;
    answer.discard();
    return this.#transmit(hop, { proof, location, proofs, signal });
  }

  async #transmit(hop: Hop, { proof, location, proofs, signal }: Transmission): Promise<HttpAnswer> {
    const { method, url } = hop;
    if (this.#isClosed) throw new TypeError(`The connections to "${location}" are closed`);
    signal?.throwIfAborted();
    // Each request listens to the signal; more than ten listeners are not a leak.
    if (signal !== undefined) setMaxListeners(0, signal);
    this.#dispatcher ??= makeDispatcher(this.#options);
    const dispatcher = await this.#dispatcher;
    const body = await openBody(hop.body);
    const headers = { ...hop.headers, ...proof };
    proofs.addHeaders(headers);
    try {
      const answer = await dispatcher.request({
        origin: url.origin,
        path: url.pathname + url.search,
        method: method as Dispatcher.HttpMethod,
        headers,
        body,
        highWaterMark: BODY_BUFFER_SIZE,
        signal: signal ?? null,
      });
      return new HttpAnswer({ ...answer, method, location, proofs, signal });
    } catch (error) {
      signal?.throwIfAborted();
      // An error from the source of the body is more precise.
      if (error instanceof BuildcacheError) throw error;
      throw connectionError({ method, location }, error);
    }
  }
}

interface Failure {
  readonly failure: MirrorError;
  readonly retryAfter: number | undefined;
  readonly mayRepeat: boolean;
}

interface HopContext {
  readonly attempt: number;
  /** Without credentials. */
  readonly location: string;
  /** Gets those of the hop. */
  readonly proofs: Proofs;
}

interface Transmission extends Omit<HopContext, 'attempt'> {
  /** The headers that authorize it. */
  readonly proof: HttpHeaders | undefined;
  readonly signal: AbortSignal | undefined;
}

function headersOf({ headers, body }: HttpRequest): HttpHeaders {
  const size = sizeOfBody(body);
  return {
    'user-agent': 'regraft',
    accept: '*/*',
    // The bytes as stored: sizes and checksums would not fit a compressed transfer.
    'accept-encoding': 'identity',
    ...(size !== undefined && { 'content-length': String(size) }),
    ...headers,
  };
}

/** The request that follows a redirect, whose body is dropped. */
function redirectOf(request: HttpRequest, answer: HttpAnswer): HttpRequest | undefined {
  try {
    const next = redirected(request, answer);
    if (next !== undefined) answer.discard();
    return next;
  } catch (error) {
    answer.discard();
    throw error;
  }
}

function requestKey({ method, url }: HttpRequest): string {
  return `${method} ${url.href}`;
}

function isTransient(status: number): boolean {
  return status === 408 || status === 429 || (status >= 500 && status !== 501 && status !== 505);
}

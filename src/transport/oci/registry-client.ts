// Requests to one repository of a registry (OCI distribution specification 1.1, "Endpoints").
import { MirrorError } from '../../core/errors.js';
import type { WithSignal } from '../../core/with-signal.js';
import type { HttpAnswer } from '../http/answer.js';
import { HttpClient, type HttpClientOptions } from '../http/client.js';
import type { HttpHeaders, RequestBody } from '../http/request.js';
import { exponentialBackoff, type RetryPolicy } from '../http/retry-policy.js';
import { isRetryable, readBody } from '../read-object.js';
import { isDigest, isTag } from './digest.js';
import type { RegistryLogin } from './login/registry-login.js';
import { type Purpose, readRefusal, refusalError } from './refusal.js';
import type { RepositoryPlace } from './repository-place.js';

export interface RegistryRequest extends WithSignal {
  readonly method: string;
  /** Below the repository, such as `tags/list`; or a URL that the registry gave. */
  readonly target: string | URL;
  readonly headers?: HttpHeaders | undefined;
  readonly body?: RequestBody | undefined;
  /** As in `HttpRequest`. */
  readonly isRepeatable?: boolean | undefined;
}

export interface Demand {
  readonly purpose: Purpose;
  /** For messages: a tag or a digest, or nothing for the repository. */
  readonly reference?: string | undefined;
  /** The statuses that are no errors. */
  readonly expected: readonly number[];
}

export interface ReadDemand extends Demand {
  /** In bytes. */
  readonly limit: number;
}

export interface ReadAnswer {
  readonly answer: HttpAnswer;
  /** Undefined for another status that was expected. */
  readonly bytes: Uint8Array | undefined;
}

export interface RegistryClientOptions {
  readonly place: RepositoryPlace;
  readonly login: RegistryLogin;
  readonly http: HttpClientOptions;
}

export class RegistryClient {
  readonly place: RepositoryPlace;
  readonly #http: HttpClient;
  readonly #login: RegistryLogin;
  readonly #retry: RetryPolicy;

  constructor({ place, login, http }: RegistryClientOptions) {
    this.place = place;
    this.#retry = http.retry ?? exponentialBackoff();
    this.#login = login;
    this.#http = new HttpClient({ ...http, authorizer: login });
  }

  /** URL of a tag, a digest, or the repository, for messages. */
  location(reference = ''): string {
    const { url } = this.place;
    if (reference === '') return url;
    return isDigest(reference) ? `${url}@${reference}` : `${url}:${reference}`;
  }

  /** Sends a request; the caller judges the answer. Errors as `HttpClient.send`. */
  send({ method, target, headers, body, signal, isRepeatable }: RegistryRequest): Promise<HttpAnswer> {
    const isWrite = method === 'PUT' || method === 'POST' || method === 'PATCH';
    const sent: RequestBody | undefined = body ?? (isWrite ? EMPTY : undefined);
    return this.#http.send({ method, url: this.url(target), headers, body: sent, signal, isRepeatable });
  }

  /**
   * As `send`, where other statuses than those that are expected are errors.
   * @throws MirrorError `mirror-login-failed`, `mirror-not-found`, `mirror-no-delete`, `mirror-read-only`, `mirror-write-failed`,
   * `mirror-full`, `mirror-http-status`, `blob-missing`; IntegrityError `checksum-mismatch`
   */
  async demand(request: RegistryRequest, demand: Demand): Promise<HttpAnswer> {
    const answer = await this.send(request);
    if (demand.expected.includes(answer.status)) return answer;
    throw await this.error(answer, demand);
  }

  /**
   * As `demand`, with the body of a 200, which is asked for again where it breaks off.
   * @throws MetadataError `metadata-too-large` beyond the limit, in bytes
   */
  async read(request: RegistryRequest, demand: ReadDemand): Promise<ReadAnswer> {
    for (let attempt = 1; ; attempt++) {
      const answer = await this.demand(request, demand);
      if (answer.status !== 200) {
        answer.discard();
        return { answer, bytes: undefined };
      }
      const { size, encoding } = answer;
      const object = {
        body: answer.guard(answer.body()),
        size,
        encoding,
        location: this.location(demand.reference),
      };
      try {
        return { answer, bytes: await readBody(object, { limit: demand.limit, signal: request.signal }) };
      } catch (error) {
        if (attempt >= this.#retry.attempts || !isRetryable(error)) throw error;
        await this.pause(attempt, request);
      }
    }
  }

  /** Waits before something is tried once more, as long as the mirror's retries wait. */
  async pause(attempt: number, { signal }: WithSignal = {}): Promise<void> {
    await this.#retry.wait({ attempt, retryAfter: undefined, signal });
    signal?.throwIfAborted();
  }

  /** Ends an upload that is not wanted any more. Never fails: the registry removes what is left of it some day. */
  async giveUp(session: URL): Promise<void> {
    const ended = await this.send({ method: 'DELETE', target: session }).catch(() => undefined);
    ended?.discard();
  }

  /** The error of an answer, which is read. */
  async error(answer: HttpAnswer, { purpose, reference }: Omit<Demand, 'expected'>): Promise<Error> {
    const refusal = await readRefusal(answer);
    const isDenied = refusal.status === 401 || refusal.status === 403;
    const isAnonymous = isDenied && (await this.#login.isAnonymous());
    return refusalError(refusal, { purpose, location: this.location(reference), isAnonymous });
  }

  /**
   * The URL that the registry says to go on with, relative to the one that was asked.
   * @throws MirrorError `mirror-protocol` for one that is not of the web, or less secure than the registry
   */
  follow(location: string | undefined, asked: string | URL): URL {
    const from = this.url(asked);
    const problem = () =>
      new MirrorError(
        'mirror-protocol',
        `Cannot go on at "${this.place.url}": the registry names no usable URL`,
        {
          data: { location: this.place.url },
        },
      );
    if (location === undefined || !URL.canParse(location, from.href)) throw problem();
    const next = new URL(location, from.href);
    const isAllowed = next.protocol === 'https:' || (next.protocol === 'http:' && from.protocol === 'http:');
    if (!isAllowed || next.username !== '' || next.password !== '') throw problem();
    return next;
  }

  url(target: string | URL): URL {
    if (target instanceof URL) return target;
    return new URL(`${this.place.origin}/v2/${this.place.name}/${target}`);
  }

  async close(): Promise<void> {
    await Promise.all([this.#http.close(), this.#login.close()]);
  }
}

const EMPTY = new Uint8Array(0);

/** A reference as it stands in a URL. */
export function requireReference(reference: string): string {
  if (isDigest(reference) || isTag(reference)) return reference;
  throw new TypeError(`Neither a tag nor a digest: "${reference}"`);
}

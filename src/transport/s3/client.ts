// Requests to one bucket: signed, sent to where the bucket is, and sent again when the server says what was wrong with them: the region,
// the clock, credentials that have ended.
import type { MirrorError } from '../../core/errors.js';
import { HttpAnswer } from '../http/answer.js';
import { HttpClient, type HttpClientOptions } from '../http/client.js';
import type { HttpHeaders, RequestBody } from '../http/request.js';
import {
  type AnswerParts,
  type Purpose,
  type Refusal,
  readRefusal,
  refusalError,
  refusalIn,
} from './answer/refusal.js';
import { type BucketPlace, requestUrl } from './bucket-place.js';
import type { CredentialCache, Credentials } from './credentials/credentials.js';
import type { Endpoint } from './endpoint.js';
import { CONTENT_SHA256, makeSigner, sha256Hex } from './signer.js';

/** Bytes whose SHA-256 is known before they are read: it is signed. */
export interface HashedBody {
  readonly body: RequestBody;
  readonly sha256: string;
}

export interface S3Request {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** Below the prefix; nothing for the bucket itself. */
  readonly path?: string | undefined;
  readonly query?: Readonly<Record<string, string>> | undefined;
  readonly headers?: HttpHeaders | undefined;
  readonly content?: HashedBody | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface S3ClientOptions {
  readonly place: BucketPlace;
  readonly endpoint: Endpoint;
  /** Where the bucket is, or a guess. */
  readonly region: string;
  readonly credentials: CredentialCache;
  readonly http: HttpClientOptions;
  /** Of an object, for messages. */
  readonly locate: (path: string) => string;
}

/** What a request is signed by, as it was when it was sent. */
interface Beliefs {
  readonly region: string;
  readonly clockOffset: number;
  readonly credentials: Credentials | undefined;
}

/** A 301 of S3 names a region, and no place. */
const REDIRECTS: ReadonlySet<number> = new Set([307, 308]);
const EMPTY = new Uint8Array(0);
const EMPTY_SHA256 = sha256Hex(EMPTY);
/** Region, clock and credentials may be wrong one after another. */
const ATTEMPTS = 4;
const ENDED: ReadonlySet<string | undefined> = new Set([
  'ExpiredToken',
  'ExpiredTokenException',
  'TokenRefreshRequired',
]);
/** Servers refuse what is 15 minutes off. */
const CLOCK_TOLERANCE = 5 * 60_000;

export class S3Client {
  readonly #options: S3ClientOptions;
  readonly #http: HttpClient;
  #region: string;
  #clockOffset = 0;

  constructor(options: S3ClientOptions) {
    this.#options = options;
    this.#region = options.region;
    const authorizer = makeSigner({
      credentials: options.credentials,
      region: () => this.#region,
      clockOffset: () => this.#clockOffset,
      host: () => this.#url({ method: 'GET' }).hostname,
    });
    const explain = async (answer: HttpAnswer) => this.#transientError(answer);
    this.#http = new HttpClient({ ...options.http, authorizer, explain });
  }

  /**
   * Sends a request. What comes back without a code of S3's to explain is an answer: successes, 304 and 416.
   * @throws MirrorError as `HttpClient.send`.
   */
  async send(request: S3Request): Promise<HttpAnswer | Refusal> {
    for (let attempt = 1; ; attempt++) {
      const sentBy: Beliefs = {
        region: this.#region,
        clockOffset: this.#clockOffset,
        credentials: await this.#options.credentials.get(),
      };
      const answer = await this.#transmit(request);
      if (answer.status < 300 || answer.status === 304 || answer.status === 416) return answer;
      const refusal = await this.#read(answer, request);
      if (attempt >= ATTEMPTS || !this.#adapt(refusal, sentBy)) return refusal;
    }
  }

  /** As `send`, where every refusal is an error. */
  async demand(request: S3Request, purpose: Purpose): Promise<HttpAnswer> {
    const answer = await this.send(request);
    if (answer instanceof HttpAnswer) return answer;
    throw await this.error(answer, { purpose, path: request.path });
  }

  async error(
    refusal: Refusal,
    { purpose, path = '' }: { readonly purpose: Purpose; readonly path?: string | undefined },
  ): Promise<MirrorError> {
    const isAnonymous = (await this.#options.credentials.get()) === undefined;
    return refusalError(refusal, { purpose, location: this.#options.locate(path), isAnonymous });
  }

  /** As the function of this name. */
  async refusalIn(parts: Omit<AnswerParts, 'credentials'>): Promise<Refusal> {
    return refusalIn({ ...parts, credentials: await this.#options.credentials.get() });
  }

  close(): Promise<void> {
    return this.#http.close();
  }

  #transmit(request: S3Request): Promise<HttpAnswer> {
    const { method, headers, content, signal } = request;
    const isWrite = method === 'PUT' || method === 'POST';
    return this.#http.send({
      method,
      url: this.#url(request),
      headers: { [CONTENT_SHA256]: content?.sha256 ?? EMPTY_SHA256, ...headers },
      body: content?.body ?? (isWrite ? EMPTY : undefined),
      signal,
      isRepeatable: true, // what is sent twice is told apart by the token of its writer
      redirects: REDIRECTS,
    });
  }

  #url({ path, query }: S3Request): URL {
    const { place, endpoint } = this.#options;
    const key = path === undefined ? undefined : place.prefix + path;
    return requestUrl(endpoint, { bucket: place.bucket, key, query, region: this.#region });
  }

  /** An answer to HEAD has no body: a byte of the object is asked for, to be told what is wrong. */
  async #read(answer: HttpAnswer, request: S3Request): Promise<Refusal> {
    const credentials = await this.#options.credentials.get();
    const refusal = await readRefusal(answer, credentials);
    const isElsewhere = refusal.region !== undefined && refusal.region !== this.#region;
    if (request.method !== 'HEAD' || refusal.status === 404 || isElsewhere) return refusal;
    const headers = { ...request.headers, range: 'bytes=0-0' };
    const other = await this.#transmit({ ...request, method: 'GET', headers });
    if (other.status >= 400 && other.status !== 416) return readRefusal(other, credentials);
    other.abort();
    return refusal;
  }

  /** Whether the request can do better now: of many that are refused at once, only the first one brings news, but all of them gain by it. */
  #adapt({ status, code, region, date }: Refusal, sentBy: Beliefs): boolean {
    if (region !== undefined && region !== sentBy.region && [301, 307, 400, 403].includes(status)) {
      this.#region = region;
      return true;
    }
    if (code === 'RequestTimeTooSkewed' && date !== undefined) {
      const offset = date - Date.now();
      const isNews = Math.abs(offset - sentBy.clockOffset) > CLOCK_TOLERANCE;
      this.#clockOffset = offset;
      return isNews;
    }
    return ENDED.has(code) && this.#options.credentials.drop(sentBy.credentials);
  }

  async #transientError(answer: HttpAnswer): Promise<MirrorError> {
    const { method, location } = answer;
    const purpose = method === 'GET' || method === 'HEAD' ? 'read' : method === 'DELETE' ? 'remove' : 'write';
    const refusal = await readRefusal(answer, await this.#options.credentials.get());
    return refusalError(refusal, { purpose, location, isAnonymous: false });
  }
}

// Requests to a web server: their bodies, which can be sent again or not, and who vouches for them at each hop.
import { Readable } from 'node:stream';

/** Names in lower case. */
export type HttpHeaders = Readonly<Record<string, string>>;

/** A body that is made when it is sent. */
export interface BodySource {
  /** In bytes, where it is known; servers may refuse a body without it. */
  readonly size?: number | undefined;
  /** Whether `open` can be called again: for another try, a redirect, an answer to a 401. */
  readonly isReplayable: boolean;
  open(): ReadableStream<Uint8Array> | Promise<ReadableStream<Uint8Array>>;
}

export type RequestBody = Uint8Array | BodySource;

export interface HttpRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers?: HttpHeaders | undefined;
  readonly body?: RequestBody | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Whether it may be sent twice when it is not known if the server got it; by default unless it is POST or PATCH. */
  readonly isRepeatable?: boolean | undefined;
  /** Statuses that are followed as redirects; all of them by default. */
  readonly redirects?: ReadonlySet<number> | undefined;
}

/** One request that is sent: for each try, each redirect, each answer to a 401 there is one. */
export interface Hop {
  readonly method: string;
  readonly url: URL;
  /** Everything that is sent but what authorizes it. */
  readonly headers: HttpHeaders;
  readonly body: RequestBody | undefined;
  /** From 1. */
  readonly attempt: number;
}

/** A 401: what the server wants to see. */
export interface Challenge {
  readonly location: string;
  header(name: string): string | undefined;
}

/** Makes the headers that authorize requests. It sees where each hop goes, and decides who gets to see what. */
export interface Authorizer {
  authorize?(hop: Hop): HttpHeaders | undefined | Promise<HttpHeaders | undefined>;
  /** Answers a 401 with other headers, once per hop; undefined leaves it at that. */
  answerChallenge?(
    hop: Hop,
    challenge: Challenge,
  ): HttpHeaders | undefined | Promise<HttpHeaders | undefined>;
}

export function isReplayable(body: RequestBody | undefined): boolean {
  return body === undefined || body instanceof Uint8Array || body.isReplayable;
}

/** Whether a request may be sent again after it may have reached the server. */
export function isRepeatable({ method, isRepeatable }: HttpRequest): boolean {
  return isRepeatable ?? (method !== 'POST' && method !== 'PATCH');
}

export function sizeOfBody(body: RequestBody | undefined): number | undefined {
  return body instanceof Uint8Array ? body.length : body?.size;
}

/** The body as the HTTP library takes it. */
export async function openBody(body: RequestBody | undefined): Promise<Uint8Array | Readable | null> {
  if (body === undefined || body instanceof Uint8Array) return body ?? null;
  return Readable.from(await body.open(), { objectMode: false });
}

// Requests to a web server: their bodies, which may or may not be repeatable, and the authorizer of each hop.
import { Readable } from 'node:stream';

/** Names in lower case. */
export type HttpHeaders = Readonly<Record<string, string>>;

/** A body that is produced when it is sent. */
export interface BodySource {
  /** In bytes, if known; servers may refuse a body without it. */
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
  /** Whether it may be sent again when the server may already have received it; by default unless it is POST or PATCH. */
  readonly isRepeatable?: boolean | undefined;
  /** Statuses that are followed as redirects; all of them by default. */
  readonly redirects?: ReadonlySet<number> | undefined;
}

/** One request on the wire: each attempt, each redirect, each reply to a 401. */
export interface Hop {
  readonly method: string;
  readonly url: URL;
  /** All headers except those that authorize the request. */
  readonly headers: HttpHeaders;
  readonly body: RequestBody | undefined;
  /** Counted from 1. */
  readonly attempt: number;
}

/** A 401 and its challenge. */
export interface Challenge {
  readonly location: string;
  header(name: string): string | undefined;
  headerValues(name: string): readonly string[];
}

/** Makes the headers that authorize requests. It sees the target of each hop, and decides which credentials go there. */
export interface Authorizer {
  authorize?(hop: Hop): HttpHeaders | undefined | Promise<HttpHeaders | undefined>;
  /** Answers a 401 with other headers, once per hop; undefined accepts the 401. */
  answerChallenge?(
    hop: Hop,
    challenge: Challenge,
  ): HttpHeaders | undefined | Promise<HttpHeaders | undefined>;
}

export function isReplayable(body: RequestBody | undefined): boolean {
  return body === undefined || body instanceof Uint8Array || body.isReplayable;
}

/** Whether a request that may have reached the server may be sent again. */
export function isRepeatable({ method, isRepeatable }: HttpRequest): boolean {
  return isRepeatable ?? (method !== 'POST' && method !== 'PATCH');
}

export function sizeOfBody(body: RequestBody | undefined): number | undefined {
  return body instanceof Uint8Array ? body.length : body?.size;
}

/** The body in the form the HTTP library takes. */
export async function openBody(body: RequestBody | undefined): Promise<Uint8Array | Readable | null> {
  if (body === undefined || body instanceof Uint8Array) return body ?? null;
  return Readable.from(await body.open(), { objectMode: false });
}

// The answer of a web server, its body not yet read.
import type { Dispatcher } from 'undici';
import type { ByteRange } from '../object-store.js';
import { httpBodyStream } from './body.js';

export interface HttpAnswerFacts extends Pick<Dispatcher.ResponseData, 'statusCode' | 'headers' | 'body'> {
  readonly method: string;
  readonly location: string;
  readonly signal: AbortSignal | undefined;
}

/** Bytes to take of a body, and how many it has, where that is known better than from `Content-Length`. */
export interface BodyPart {
  readonly size?: number | undefined;
  readonly range?: ByteRange | undefined;
}

/** Read its body to the end, cancel it, or call `discard`. */
export class HttpAnswer {
  /** Of the request that was answered: redirects may have made a GET of it. */
  readonly method: string;
  readonly status: number;
  /** Where the last redirect led, for messages. */
  readonly location: string;
  readonly #headers: Dispatcher.ResponseData['headers'];
  readonly #body: Dispatcher.ResponseData['body'];
  readonly #signal: AbortSignal | undefined;

  constructor({ method, statusCode, location, headers, body, signal }: HttpAnswerFacts) {
    this.method = method;
    this.status = statusCode;
    this.location = location;
    this.#headers = headers;
    this.#body = body;
    this.#signal = signal;
    body.on('error', () => {}); // a body that breaks before anybody reads it
  }

  /** A header by its lower-case name; undefined when it is missing or there several times. */
  header(name: string): string | undefined {
    const value = this.#headers[name];
    return typeof value === 'string' ? value : undefined;
  }

  /** What `Content-Length` says. */
  get size(): number | undefined {
    const value = this.header('content-length');
    return value !== undefined && /^\d{1,15}$/.test(value) ? Number(value) : undefined;
  }

  /** A strong entity tag, with its quotes. */
  get tag(): string | undefined {
    const value = this.header('etag');
    return value !== undefined && /^"[\x21\x23-\x7e]*"$/.test(value) ? value : undefined;
  }

  /** The bytes that were sent. Errors: those of `httpBodyStream`. */
  body({ size = this.size, range }: BodyPart = {}): ReadableStream<Uint8Array> {
    return httpBodyStream({
      readable: this.#body,
      location: this.location,
      size,
      signal: this.#signal,
      range,
    });
  }

  /** Drops a body that nobody wants; a short one is read, so that the connection can be used again. */
  discard(): void {
    this.#body.dump({ limit: 64 * 1024 }).catch(() => {});
  }

  /** Drops the body and its connection. */
  abort(): void {
    this.#body.destroy();
  }
}

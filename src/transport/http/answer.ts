// The answer of a web server, its body not yet read.
import type { Dispatcher } from 'undici';
import type { ByteRange } from '../object-store.js';
import { httpBodyStream } from './body.js';

export interface HttpAnswerFacts extends Pick<Dispatcher.ResponseData, 'statusCode' | 'headers' | 'body'> {
  readonly method: string;
  readonly location: string;
  readonly signal: AbortSignal | undefined;
}

/** Which bytes of a body to take, and its size, if known from a better source than `Content-Length`. */
export interface BodyPart {
  readonly size?: number | undefined;
  readonly range?: ByteRange | undefined;
  /** As in `OpenOptions`. */
  readonly onArrival?: ((bytes: number) => void) | undefined;
}

/** Read its body to the end, cancel it, or call `discard`. */
export class HttpAnswer {
  /** The method of the request that was answered: a redirect may have turned it into a GET. */
  readonly method: string;
  readonly status: number;
  /** The URL after the last redirect, for messages. */
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
    body.on('error', () => {}); // a body that fails before anything reads it
  }

  /** A header by its lower-case name; undefined when it is missing or repeated. */
  header(name: string): string | undefined {
    const value = this.#headers[name];
    return typeof value === 'string' ? value : undefined;
  }

  /** All values of a header that may be repeated. */
  headerValues(name: string): readonly string[] {
    const value = this.#headers[name];
    return value === undefined ? [] : [value].flat();
  }

  /** The value of `Content-Length`. */
  get size(): number | undefined {
    const value = this.header('content-length');
    return value !== undefined && /^\d{1,15}$/.test(value) ? Number(value) : undefined;
  }

  /** A strong entity tag, with its quotes. */
  get tag(): string | undefined {
    const value = this.header('etag');
    return value !== undefined && /^"[\x21\x23-\x7e]*"$/.test(value) ? value : undefined;
  }

  /** The value of `Content-Encoding`, unless it says that there is none. */
  get encoding(): string | undefined {
    const value = this.header('content-encoding')?.trim().toLowerCase();
    return value === '' || value === 'identity' ? undefined : value;
  }

  /** The value of `Last-Modified`, where it is a strong validator: from at least a second before the answer (RFC 9110 §8.8.2.2). */
  get modified(): string | undefined {
    const value = this.header('last-modified');
    if (value === undefined) return undefined;
    return Date.parse(this.header('date') ?? '') - Date.parse(value) >= 1000 ? value : undefined;
  }

  /** The bytes that were sent. Errors: those of `httpBodyStream`. */
  body({ size = this.size, range, onArrival }: BodyPart = {}): ReadableStream<Uint8Array> {
    return httpBodyStream({
      readable: this.#body,
      location: this.location,
      size,
      signal: this.#signal,
      range,
      onArrival,
    });
  }

  /** Drops an unwanted body; a short one is read to the end, so that the connection can be reused. */
  discard(): void {
    this.#body.dump({ limit: 64 * 1024 }).catch(() => {});
  }

  /** Drops the body and its connection. */
  abort(): void {
    this.#body.destroy();
  }
}

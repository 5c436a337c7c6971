// A web server on a free loopback port that plays a mirror: files of a folder, entity tags, and everything that can go wrong.

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

export interface RecordedRequest {
  readonly method: string;
  /** As it was sent, still encoded. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
}

export type Handler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

export interface MirrorServerOptions {
  /** Files to serve. */
  readonly folder?: string;
  /** Which entity tags files have; strong ones by default. */
  readonly etag?: 'strong' | 'weak' | 'none';
}

export class MirrorServer {
  /** Every request, in the order of arrival. */
  readonly requests: RecordedRequest[] = [];
  etag: 'strong' | 'weak' | 'none';
  readonly #server: Server;
  readonly #folder: string | undefined;
  readonly #handlers = new Map<string, Handler>();
  #other: Handler | undefined;
  #failures: { status: number; times: number; headers: Readonly<Record<string, string>> } | undefined;

  private constructor({ folder, etag = 'strong' }: MirrorServerOptions) {
    this.#folder = folder;
    this.etag = etag;
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  static async start(options: MirrorServerOptions = {}): Promise<MirrorServer> {
    const server = new MirrorServer(options);
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** `METHOD path` of every request. */
  get log(): readonly string[] {
    return this.requests.map(({ method, path }) => `${method} ${path}`);
  }

  /** Answers a path (decoded, with its leading slash) by a function, or with fixed bytes. */
  handle(path: string, answer: Handler | Uint8Array | string): this {
    this.#handlers.set(path, typeof answer === 'function' ? answer : serveBytes(answer, () => this.etag));
    return this;
  }

  /** Answers every path that has no handler of its own. */
  handleAll(answer: Handler): this {
    this.#other = answer;
    return this;
  }

  /** Answers the next requests with a status, whatever they ask for. */
  failNext(times: number, status: number, headers: Readonly<Record<string, string>> = {}): this {
    this.#failures = { times, status, headers };
    return this;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '', headers } = request;
    this.requests.push({ method, path: url, headers });
    if (this.#failures !== undefined && this.#failures.times-- > 0) {
      response.writeHead(this.#failures.status, this.#failures.headers).end('out of order');
      return;
    }
    const path = decodeURIComponent(url.replace(/\?.*/, '').replace(/^http:\/\/[^/]+/, ''));
    const handler =
      this.#handlers.get(path) ?? this.#other ?? ((_, answer) => this.#serveFile(path, request, answer));
    await handler(request, response);
  }

  async #serveFile(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const bytes = this.#folder && (await readFile(join(this.#folder, path)).catch(() => undefined));
    if (bytes) await serveBytes(bytes, () => this.etag)(request, response);
    else response.writeHead(404).end('not here');
  }
}

/** Serves bytes with an entity tag, answers 304 where the client has them. */
export function serveBytes(
  content: Uint8Array | string,
  etag: () => MirrorServer['etag'] = () => 'none',
): Handler {
  const bytes = Buffer.from(content as Uint8Array);
  return (request, response) => {
    const digest = createHash('sha256').update(bytes).digest('hex').slice(0, 16);
    const tag = { strong: `"${digest}"`, weak: `W/"${digest}"`, none: undefined }[etag()];
    if (tag !== undefined) response.setHeader('etag', tag);
    if (tag !== undefined && request.headers['if-none-match'] === tag) {
      response.writeHead(304).end();
      return;
    }
    response.writeHead(200, { 'content-length': bytes.length });
    response.end(request.method === 'HEAD' ? undefined : bytes);
  };
}

/** Announces all bytes, sends the first `sent` of them, then cuts the connection. */
export function serveTruncated(bytes: Uint8Array, sent: number): Handler {
  return (_, response) => {
    response.writeHead(200, { 'content-length': bytes.length });
    response.write(bytes.subarray(0, sent), () => response.destroy());
  };
}

export function redirectTo(location: string, status = 302): Handler {
  return (_, response) => void response.writeHead(status, { location }).end('elsewhere');
}

export function serveStatus(status: number, headers: Readonly<Record<string, string>> = {}): Handler {
  return (_, response) => void response.writeHead(status, headers).end('no');
}

/** Sends the first part at once, and the rest when `gate` is resolved. */
export function serveGated(first: Uint8Array, rest: Uint8Array, gate: Promise<unknown>): Handler {
  return async (_, response) => {
    response.writeHead(200, { 'content-length': first.length + rest.length });
    response.write(first);
    await gate;
    response.end(rest);
  };
}

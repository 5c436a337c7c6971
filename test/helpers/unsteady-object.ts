// An object on a server that misbehaves on purpose: breaks off, ignores ranges, changes, lies about lengths. It counts what it sends.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Handler } from './mirror-server.js';

export interface UnsteadyAnswer {
  /** Where the answer breaks off, in bytes of the object; at its end by default. */
  readonly cutAt?: number;
  /** Whether a range is honoured, by default it is. */
  readonly knowsRanges?: boolean;
  /** Whether conditions are honoured, by default they are. */
  readonly knowsConditions?: boolean;
  readonly tag?: string | undefined;
  readonly modified?: string | undefined;
  /** Other content from now on. */
  readonly bytes?: Buffer;
  /** In place of the right headers. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly status?: number;
}

/** Answers one after another; the last one stays. */
export class UnsteadyObject {
  /** `Range` and conditions of each request. */
  readonly asked: (string | undefined)[] = [];
  readonly conditions: Readonly<Record<string, string | undefined>>[] = [];
  /** Bytes of bodies that were sent. */
  sent = 0;
  #bytes: Buffer;
  readonly #answers: UnsteadyAnswer[];

  constructor(bytes: Buffer, answers: readonly UnsteadyAnswer[] = [{}]) {
    this.#bytes = bytes;
    this.#answers = [...answers];
  }

  readonly handler: Handler = (request, response) => this.#answer(request, response);

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const [answer = {}] = this.#answers.length > 1 ? this.#answers.splice(0, 1) : this.#answers;
    this.#bytes = answer.bytes ?? this.#bytes;
    const { range, 'if-match': tag, 'if-unmodified-since': modified } = request.headers;
    this.asked.push(range);
    this.conditions.push({ tag, modified });
    this.#describe(answer, response);
    const isChanged = (tag ?? answer.tag) !== answer.tag || (modified ?? answer.modified) !== answer.modified;
    if (isChanged && answer.knowsConditions !== false) return void response.writeHead(412).end();
    const start = answer.knowsRanges === false ? undefined : startOf(range);
    if (start !== undefined && start >= this.#bytes.length) {
      response.writeHead(416, { 'content-range': `bytes */${this.#bytes.length}` }).end();
      return;
    }
    this.#send(answer, start, response);
  }

  #describe({ tag, modified }: UnsteadyAnswer, response: ServerResponse): void {
    if (tag !== undefined) response.setHeader('etag', tag);
    if (modified !== undefined) response.setHeader('last-modified', modified);
  }

  #send(
    { cutAt, headers, status }: UnsteadyAnswer,
    start: number | undefined,
    response: ServerResponse,
  ): void {
    const { length } = this.#bytes;
    const from = start ?? 0;
    const part = this.#bytes.subarray(from, Math.max(from, cutAt ?? length));
    response.writeHead(status ?? (start === undefined ? 200 : 206), {
      'content-length': length - from,
      ...(start !== undefined && { 'content-range': `bytes ${start}-${length - 1}/${length}` }),
      ...headers,
    });
    this.sent += part.length;
    if (cutAt === undefined) response.end(part);
    else response.write(part, () => response.destroy());
  }
}

function startOf(range: string | undefined): number | undefined {
  const start = /^bytes=(\d+)-/.exec(range ?? '')?.[1];
  return start === undefined ? undefined : Number(start);
}

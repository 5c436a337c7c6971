// Sends a spooled object: in one request, or in parts that become an object in the last one ("Multipart upload"). With a condition the
// server decides in the moment that the object appears.
import { HttpAnswer } from '../http/answer.js';
import type { HttpHeaders } from '../http/request.js';
import type { CommitCondition } from '../object-store.js';
import { answerText } from './answer/answer-text.js';
import { type Refusal, refusalIn } from './answer/refusal.js';
import { elementText, encodeText } from './answer/xml.js';
import type { S3Client } from './client.js';
import { sha256Hex } from './signer.js';
import type { Spool } from './spool.js';

/** Tells an object that this writer made from one of the same name: an answer may get lost, and the request be sent again. */
export const WRITER_HEADER = 'x-amz-meta-regraft-writer';
const PARTS_IN_FLIGHT = 4;

export interface UploadOptions {
  readonly client: S3Client;
  readonly path: string;
  readonly spool: Spool;
  /** Of the writer. */
  readonly token: string;
  readonly signal: AbortSignal | undefined;
}

/** What a server says of an object that was made; undefined where it says nothing. */
export type SentObject = { readonly tag: string | undefined };

export function conditionHeaders(condition: CommitCondition | undefined): HttpHeaders {
  if (condition === undefined) return {};
  return condition === 'absent' ? { 'if-none-match': '*' } : { 'if-match': condition.ifTag };
}

/** Sends a small object. */
export async function putObject(
  { client, path, spool, token, signal }: UploadOptions,
  condition: CommitCondition | undefined,
): Promise<SentObject | Refusal> {
  const headers = { [WRITER_HEADER]: token, ...conditionHeaders(condition) };
  const answer = await client.send({ method: 'PUT', path, headers, content: spool.part(0), signal });
  if (!(answer instanceof HttpAnswer)) return answer;
  answer.discard();
  return { tag: answer.tag };
}

/** An object whose parts are sent while it is still being written, several at a time; after a failure no more are begun. */
export class MultipartUpload {
  readonly path: string;
  readonly #options: UploadOptions;
  readonly #id: string;
  readonly #tags: string[] = [];
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  readonly #sending = new Set<Promise<void>>();
  #next = 0;

  private constructor(options: UploadOptions, id: string) {
    const { path, signal } = options;
    this.path = path;
    this.#options = options;
    this.#id = id;
    this.#signal = AbortSignal.any(signal === undefined ? [this.#stop.signal] : [this.#stop.signal, signal]);
  }

  /**
   * Begins an upload.
   * @throws MirrorError as `ObjectWriter`
   */
  static async begin(options: UploadOptions): Promise<MultipartUpload> {
    const { client, path, token, signal } = options;
    const headers = { [WRITER_HEADER]: token };
    const answer = await client.demand(
      { method: 'POST', path, query: { uploads: '' }, headers, signal },
      'write',
    );
    const id = elementText(await answerText(answer), 'UploadId');
    if (id === undefined) throw await client.error(NO_ANSWER, { purpose: 'write', path });
    return new MultipartUpload(options, id);
  }

  /**
   * Sends the parts that are complete.
   * @throws what sending an earlier one brought
   */
  sendComplete(): void {
    this.#signal.throwIfAborted();
    this.#beginParts(this.#options.spool.completeParts);
  }

  /**
   * Sends all parts, once everything is written.
   * @throws MirrorError as `ObjectWriter`; then it is to be given up
   */
  async sendAll(): Promise<void> {
    for (;;) {
      this.#signal.throwIfAborted();
      this.#beginParts(this.#options.spool.partCount);
      if (this.#sending.size === 0) return;
      await Promise.race(this.#sending);
    }
  }

  /** Makes the object of the parts. An answer of 200 may still hold an error. */
  async complete(condition: CommitCondition | undefined): Promise<SentObject | Refusal> {
    const { client, path, signal } = this.#options;
    const parts = this.#tags.map(
      (tag, index) => `<Part><PartNumber>${index + 1}</PartNumber><ETag>${encodeText(tag)}</ETag></Part>`,
    );
    const body = Buffer.from(`<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`);
    const answer = await client.send({
      method: 'POST',
      path,
      query: { uploadId: this.#id },
      headers: conditionHeaders(condition),
      content: { body, sha256: sha256Hex(body) },
      signal,
    });
    if (!(answer instanceof HttpAnswer)) return answer;
    const text = await answerText(answer);
    const tag = elementText(text, 'ETag');
    const code = elementText(text, 'Code');
    if (tag !== undefined && code === undefined) return { tag };
    return client.refusalIn({ xml: text, requestId: answer.header('x-amz-request-id') });
  }

  /** Gives up the parts, so that nobody pays for them. Never throws. */
  async abort(): Promise<void> {
    const { client, path } = this.#options;
    this.#stop.abort(new Error('The upload was given up'));
    await Promise.all(this.#sending);
    const answer = await client
      .send({ method: 'DELETE', path, query: { uploadId: this.#id } })
      .catch(() => undefined);
    if (answer instanceof HttpAnswer) answer.discard();
  }

  #beginParts(count: number): void {
    while (this.#next < count && this.#sending.size < PARTS_IN_FLIGHT && !this.#signal.aborted) {
      const sending = this.#sendPart(this.#next++).then(
        () => void this.#sending.delete(sending),
        (error: unknown) => {
          this.#sending.delete(sending);
          this.#stop.abort(error);
        },
      );
      this.#sending.add(sending);
    }
  }

  async #sendPart(index: number): Promise<void> {
    const { client, path, spool } = this.#options;
    const signal = this.#signal;
    const query = { partNumber: String(index + 1), uploadId: this.#id };
    const content = spool.part(index);
    const answer = await client.demand({ method: 'PUT', path, query, content, signal }, 'write');
    answer.discard();
    const tag = answer.header('etag');
    if (tag === undefined) throw await client.error(NO_ANSWER, { purpose: 'write', path });
    this.#tags[index] = tag;
  }
}

const NO_ANSWER = refusalIn({ xml: '', requestId: undefined, credentials: undefined });

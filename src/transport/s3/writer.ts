// Writes the objects of a bucket. Their bytes are spooled, since a request must say how many there are, and may have to be sent again.
import { randomBytes } from 'node:crypto';

import { MirrorError } from '../../core/errors.js';
import type { WithSignal } from '../../core/with-signal.js';
import { HttpAnswer } from '../http/answer.js';
import type { HttpHeaders } from '../http/request.js';
import type {
  BeginOptions,
  CommitCondition,
  ObjectFacts,
  ObjectWriter,
  PendingObject,
  RemoveOptions,
  UnfinishedObject,
} from '../object-store.js';
import type { Refusal } from './answer/refusal.js';
import type { S3Client } from './client.js';
import { removeObjects } from './remove-objects.js';
import { Spool } from './spool.js';
import { unfinishedUploads } from './unfinished-uploads.js';
import { MultipartUpload, putObject, type SentObject, type UploadOptions, WRITER_HEADER } from './upload.js';

/** Also the size up to which an object is sent in one request. 10,000 parts are the most: 156 GiB. */
const PART_SIZE = 16 << 20;

export interface S3WriterOptions {
  readonly client: S3Client;
  /** What the keys of all paths begin with. */
  readonly prefix: string;
  /** Throws for a path that no object can have. */
  readonly check: (path: string) => void;
  readonly partSize?: number | undefined;
}

export class S3Writer implements ObjectWriter {
  readonly #options: S3WriterOptions;

  constructor(options: S3WriterOptions) {
    this.#options = options;
  }

  async begin({ path, isRepeatable = false, signal }: BeginOptions = {}): Promise<PendingObject> {
    signal?.throwIfAborted();
    const { client, check, partSize = PART_SIZE } = this.#options;
    if (path !== undefined) check(path);
    const spool = await Spool.create(partSize);
    return new PendingUpload({ client, check, spool, expected: path, isRepeatable, partSize, signal });
  }

  async remove(path: string, { ifTag, ifModified, signal }: RemoveOptions = {}): Promise<void> {
    this.#options.check(path);
    if (ifTag === undefined) return this.#remove(path, {}, signal);
    // Not every server knows the condition, and some ignore it.
    const found = await this.#options.client.send({ method: 'HEAD', path, signal });
    if (!(found instanceof HttpAnswer)) return this.#settleRemoval(found, path);
    found.discard();
    const modified = Date.parse(found.header('last-modified') ?? '');
    const isWrittenAnew =
      ifModified !== undefined && !Number.isNaN(modified) && inSeconds(modified) !== inSeconds(ifModified);
    if (found.tag !== ifTag || isWrittenAnew) throw changedMeanwhile(path, found.status);
    await this.#remove(path, { 'if-match': ifTag }, signal);
  }

  async removeMany(paths: readonly string[], { signal }: WithSignal = {}): Promise<void> {
    const { client, prefix, check } = this.#options;
    for (const path of paths) check(path);
    await removeObjects({
      client,
      prefix,
      paths,
      signal,
      removeOne: (path) => this.remove(path, { signal }),
    });
  }

  unfinished(folder: string, { signal }: WithSignal = {}): AsyncIterable<UnfinishedObject> {
    const { client, prefix } = this.#options;
    return unfinishedUploads({ client, prefix, folder, signal });
  }

  async #remove(path: string, headers: HttpHeaders, signal: AbortSignal | undefined): Promise<void> {
    const answer = await this.#options.client.send({ method: 'DELETE', path, headers, signal });
    if (answer instanceof HttpAnswer) return answer.discard();
    const isConditional = 'if-match' in headers;
    if (isConditional && answer.status === 501) return this.#remove(path, {}, signal);
    if (isConditional && isUnmetCondition(answer) && !isGone(answer))
      throw changedMeanwhile(path, answer.status);
    return this.#settleRemoval(answer, path);
  }

  async #settleRemoval(refusal: Refusal, path: string): Promise<void> {
    if (!isGone(refusal)) throw await this.#options.client.error(refusal, { purpose: 'remove', path });
  }
}

interface PendingUploadOptions {
  readonly client: S3Client;
  readonly check: (path: string) => void;
  readonly spool: Spool;
  /** The name it will get, if that is known. */
  readonly expected: string | undefined;
  readonly isRepeatable: boolean;
  readonly partSize: number;
  readonly signal: AbortSignal | undefined;
}

class PendingUpload implements PendingObject {
  readonly #options: PendingUploadOptions;
  readonly #token = randomBytes(12).toString('hex');
  /** Parts that are on the server. */
  #upload: MultipartUpload | undefined;
  #isDone = false;

  constructor(options: PendingUploadOptions) {
    this.#options = options;
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#requireOpen();
    await this.#orDiscard(async () => {
      const { expected, spool, partSize } = this.#options;
      await spool.append(bytes);
      if (expected === undefined || spool.size <= partSize) return;
      this.#upload ??= await MultipartUpload.begin(this.#uploadTo(expected));
      this.#upload.sendComplete();
    });
  }

  async prepare(): Promise<void> {
    this.#requireOpen();
    const { expected, spool, partSize } = this.#options;
    if (expected === undefined || spool.size <= partSize) return;
    await this.#orDiscard(() => this.#sendParts(expected));
  }

  async commit(path: string, condition?: CommitCondition): Promise<ObjectFacts> {
    this.#requireOpen();
    return this.#orDiscard(async () => {
      const { check, spool, isRepeatable } = this.#options;
      check(path);
      const sent = await this.#send(path, condition);
      const { tag } = 'status' in sent ? await this.#settle(sent, { path, condition }) : sent;
      this.#upload = undefined;
      if (!isRepeatable) await this.discard();
      return { size: spool.size, tag };
    });
  }

  async discard(): Promise<void> {
    if (this.#isDone) return;
    this.#isDone = true;
    await this.#upload?.abort();
    await this.#options.spool.close();
  }

  async #send(path: string, condition: CommitCondition | undefined): Promise<SentObject | Refusal> {
    const { spool, partSize } = this.#options;
    if (spool.size <= partSize) return putObject(this.#uploadTo(path), condition);
    const upload = await this.#sendParts(path);
    return upload.complete(condition);
  }

  /** An upload that fails is given up with the object. */
  async #sendParts(path: string): Promise<MultipartUpload> {
    if (this.#upload !== undefined && this.#upload.path !== path) {
      await this.#upload.abort();
      this.#upload = undefined;
    }
    this.#upload ??= await MultipartUpload.begin(this.#uploadTo(path));
    await this.#upload.sendAll();
    return this.#upload;
  }

  #uploadTo(path: string): UploadOptions {
    const { client, spool, signal } = this.#options;
    return { client, path, spool, token: this.#token, signal };
  }

  /** A refusal may come from our own object, when the answer to the first of two requests was lost. */
  async #settle(refusal: Refusal, { path, condition }: Commit): Promise<SentObject> {
    const { client } = this.#options;
    const isUnmet = condition !== undefined && isUnmetCondition(refusal);
    let isFalse = false;
    if (isUnmet || refusal.code === 'NoSuchUpload') {
      const found = await this.#find(path);
      if (typeof found === 'object' && found.isOwn) return found;
      isFalse = refusal.status === 412 && holds(condition, found);
    }
    if (condition !== undefined && (refusal.status === 501 || isFalse))
      throw await this.#unconditional(refusal, path);
    if (!isUnmet) throw await client.error(refusal, { purpose: 'write', path });
    const { message } = await client.error(refusal, { purpose: 'write', path });
    throw new MirrorError('mirror-changed', message, { data: { path, status: refusal.status } });
  }

  async #unconditional(refusal: Refusal, path: string): Promise<MirrorError> {
    const { message } = await this.#options.client.error(refusal, { purpose: 'write', path });
    return new MirrorError('mirror-unconditional', message, {
      hint: 'The server does not know conditions for writing',
      data: { path, status: refusal.status, s3Code: refusal.code },
    });
  }

  /** Undefined where the server does not say. */
  async #find(path: string): Promise<FoundObject | 'absent' | undefined> {
    const { client, signal } = this.#options;
    const answer = await client.send({ method: 'HEAD', path, signal });
    if (!(answer instanceof HttpAnswer)) return answer.status === 404 ? 'absent' : undefined;
    answer.discard();
    return { tag: answer.tag, isOwn: answer.header(WRITER_HEADER) === this.#token };
  }

  #requireOpen(): void {
    if (this.#isDone) throw new TypeError('The object is finished already');
  }

  async #orDiscard<T>(operation: () => Promise<T>): Promise<T> {
    try {
      return await operation();
    } catch (error) {
      await this.discard();
      throw error;
    }
  }
}

/** Some servers refuse what is as the condition says: they know no conditions, and asking again and again would not help. */
function holds(condition: CommitCondition | undefined, found: FoundObject | 'absent' | undefined): boolean {
  if (condition === undefined || found === undefined) return false;
  if (condition === 'absent' || found === 'absent') return condition === found;
  return found.tag === condition.ifTag;
}

interface FoundObject extends SentObject {
  readonly isOwn: boolean;
}

interface Commit {
  readonly path: string;
  readonly condition: CommitCondition | undefined;
}

/** 412, a race that the server could not decide, or a tag that is asked for where nothing is. */
function isUnmetCondition({ status, code }: Refusal): boolean {
  return status === 412 || (status === 409 && code === 'ConditionalRequestConflict') || code === 'NoSuchKey';
}

/** Headers say no more. */
function inSeconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000);
}

function isGone({ status, code }: Refusal): boolean {
  return code === 'NoSuchKey' || (status === 404 && code === undefined); // a HEAD has no body
}

function changedMeanwhile(path: string, status: number): MirrorError {
  return new MirrorError('mirror-changed', `Cannot remove "${path}": it was changed by someone else`, {
    data: { path, status },
  });
}

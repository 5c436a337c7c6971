// The objects of a bucket (Amazon S3, "API Reference"), and of servers that speak the same protocol.
import { MirrorError } from '../../core/errors.js';
import type { WithSignal } from '../../core/with-signal.js';
import { checkRange } from '../byte-range.js';
import { HttpAnswer } from '../http/answer.js';
import { openedObject, openHeaders } from '../http/opened-object.js';
import { splitObjectPath } from '../object-path.js';
import type {
  ObjectFacts,
  ObjectLister,
  ObjectStore,
  ObjectWriter,
  OpenedObject,
  OpenOptions,
} from '../object-store.js';
import { inWords, type Refusal } from './answer/refusal.js';
import { S3Client, type S3ClientOptions } from './client.js';
import { listRequest, S3Lister } from './lister.js';
import { S3Writer } from './writer.js';

export interface S3ObjectsOptions extends Omit<S3ClientOptions, 'locate'> {
  /** `s3` or `gs`. */
  readonly scheme: string;
}

/** The objects below a prefix of a bucket. */
export class S3Objects implements ObjectStore {
  readonly url: string;
  readonly hasLastingTags = true;
  readonly lister: ObjectLister;
  readonly writer: ObjectWriter;
  readonly #client: S3Client;
  readonly #base: string;
  readonly #prefix: string;
  #canList: Promise<boolean> | undefined;

  constructor({ scheme, ...options }: S3ObjectsOptions) {
    const { place, endpoint } = options;
    this.#base = `${scheme}://${place.bucket}/${place.prefix}`;
    this.#prefix = place.prefix;
    const root = this.#base.replace(/\/$/, '');
    // Another server may have a bucket of the same name.
    this.url = endpoint.name === undefined ? root : `${root}?endpoint=${endpoint.name}`;
    this.#client = new S3Client({ ...options, locate: (path) => this.location(path) });
    this.lister = new S3Lister(this.#client, place.prefix);
    const { prefix } = place;
    this.writer = new S3Writer({ client: this.#client, prefix, check: (path) => this.#check(path) });
  }

  location(path: string): string {
    return path === '' ? this.url : this.#base + path;
  }

  open(path: string, options?: OpenOptions & { readonly unlessTag?: undefined }): Promise<OpenedObject>;
  open(path: string, options: OpenOptions): Promise<OpenedObject | 'not-modified'>;
  async open(path: string, options: OpenOptions = {}): Promise<OpenedObject | 'not-modified'> {
    const { range, signal } = options;
    this.#check(path);
    if (range !== undefined) checkRange(range);
    const answer = await this.#client.send({ method: 'GET', path, headers: openHeaders(options), signal });
    if (!(answer instanceof HttpAnswer)) throw await this.#refused(answer, { path, signal });
    if (answer.status === 304 && options.unlessTag !== undefined) {
      answer.discard();
      return 'not-modified';
    }
    try {
      return {
        ...openedObject(answer, options),
        location: this.location(path),
        encoding: answer.header('content-encoding'),
      };
    } catch (error) {
      answer.discard();
      throw error;
    }
  }

  async stat(path: string, { signal }: WithSignal = {}): Promise<ObjectFacts | undefined> {
    this.#check(path);
    const answer = await this.#client.send({ method: 'HEAD', path, signal });
    if (answer instanceof HttpAnswer) {
      answer.discard();
      return { size: answer.size, tag: answer.tag };
    }
    const error = await this.#refused(answer, { path, signal });
    if (error.code === 'mirror-not-found') return undefined;
    throw error;
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  #check(path: string): void {
    splitObjectPath(path, this.url);
  }

  async #refused(
    refusal: Refusal,
    { path, signal }: WithSignal & { readonly path: string },
  ): Promise<MirrorError> {
    if (refusal.status === 412) {
      const location = this.location(path);
      return new MirrorError('mirror-changed', `Cannot read "${location}": it has changed`, {
        data: { location },
      });
    }
    if (refusal.code === 'AccessDenied' && !(await this.#mayList(signal))) return this.#hidden(refusal, path);
    return this.#client.error(refusal, { purpose: 'read', path });
  }

  /**
   * To those who may not list it, a bucket says of what is not there that access is denied. So this counts as "not there", which is what
   * it means for nearly all who ask; the message tells of it.
   */
  #hidden(refusal: Refusal, path: string): MirrorError {
    const location = this.location(path);
    return new MirrorError('mirror-not-found', `Cannot read "${location}": ${inWords(refusal)}`, {
      hint: 'It is not there, or may not be read: to those who may not list a bucket, S3 does not tell which. Check the credentials',
      data: { location, status: refusal.status, s3Code: refusal.code, requestId: refusal.requestId },
    });
  }

  /** Asked once: whether the bucket can be listed below the prefix. */
  #mayList(signal: AbortSignal | undefined): Promise<boolean> {
    this.#canList ??= this.#tryList(signal).catch((error: unknown) => {
      this.#canList = undefined;
      throw error;
    });
    return this.#canList;
  }

  async #tryList(signal: AbortSignal | undefined): Promise<boolean> {
    const answer = await this.#client.send(listRequest({ prefix: this.#prefix, limit: 1, signal }));
    if (answer instanceof HttpAnswer) answer.discard();
    else if (answer.code !== 'AccessDenied') throw await this.#client.error(answer, { purpose: 'list' });
    return answer instanceof HttpAnswer;
  }
}

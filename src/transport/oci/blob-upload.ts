// Writes a blob (OCI distribution specification 1.1, "Pushing blobs"). Its digest is known at its end, and most are there already, so it is
// spooled first: a small one is then sent in one request, a large one in pieces, going on where the registry says that it is, or anew.
import { MirrorError } from '../../core/errors.js';
import type { WithSignal } from '../../core/with-signal.js';
import type { HttpAnswer } from '../http/answer.js';
import type { RequestBody } from '../http/request.js';
import { SpoolFile } from '../spool-file.js';
import type { RegistryClient } from './registry-client.js';
import type { PendingBlob } from './repository.js';

/** Also the size up to which a blob is sent in one request. */
const PIECE_SIZE = 16 << 20;
/** Tries without progress. */
const ATTEMPTS = 4;
const OCTETS = { 'content-type': 'application/octet-stream' };
/** Of registries that do not know uploads in pieces. */
const NO_PIECES: ReadonlySet<unknown> = new Set([400, 404, 405, 411, 415, 416, 501]);

export interface BlobUploadOptions extends WithSignal {
  readonly client: RegistryClient;
  /** Whether the blob is there. */
  readonly has: (digest: string, options: WithSignal) => Promise<boolean>;
  /** In bytes; the default is for real registries. */
  readonly pieceSize?: number | undefined;
}

export class BlobUpload implements PendingBlob {
  readonly #options: BlobUploadOptions;
  readonly #spool: SpoolFile;
  #pieceSize: number;
  /** Where the next piece goes; undefined before the first one. */
  #session: URL | undefined;
  /** Bytes that the registry has. */
  #sent = 0;

  private constructor(options: BlobUploadOptions, spool: SpoolFile) {
    this.#options = options;
    this.#spool = spool;
    this.#pieceSize = options.pieceSize ?? PIECE_SIZE;
  }

  /** Errors as `SpoolFile.create`. */
  static async begin(options: BlobUploadOptions): Promise<BlobUpload> {
    return new BlobUpload(options, await SpoolFile.create());
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.#spool.append(bytes);
  }

  async commit(digest: string, { signal = this.#options.signal }: WithSignal = {}): Promise<void> {
    const { client, has } = this.#options;
    for (let attempt = 1; ; attempt++) {
      // After a try that failed it may be there nevertheless.
      if (await has(digest, { signal })) break;
      const before = this.#sent;
      try {
        await this.#send(digest, signal);
        this.#session = undefined; // nothing is left to be given up
        break;
      } catch (error) {
        signal?.throwIfAborted();
        if (!(error instanceof MirrorError) || !mayGoOn(error)) throw error;
        await client.pause(attempt, { signal });
        await this.#askStatus(signal);
        if (this.#sent > before) attempt = 0;
        else if (attempt >= ATTEMPTS) throw error;
      }
    }
    await this.discard();
  }

  async discard(): Promise<void> {
    await this.#spool.close();
    const session = this.#session;
    this.#session = undefined;
    if (session !== undefined) await this.#options.client.giveUp(session);
  }

  async #send(digest: string, signal: AbortSignal | undefined): Promise<void> {
    const { size } = this.#spool;
    this.#session ??= await this.#begin(signal);
    if (size > this.#pieceSize) {
      while (this.#sent < size && (await this.#sendPiece(this.#session, signal)));
    }
    const left = size - this.#sent;
    const answer = await this.#request('PUT', withDigest(this.#session, digest), {
      // What goes after something else is the last piece.
      ...(this.#sent > 0 && left > 0 && { headers: this.#rangeOf(left) }),
      body: this.#spool.part(this.#sent, left),
      signal,
    });
    answer.discard();
  }

  /** Where to send it. */
  async #begin(signal: AbortSignal | undefined): Promise<URL> {
    const { client } = this.#options;
    const request = { method: 'POST', target: 'blobs/uploads/', signal, isRepeatable: true };
    const answer = await client.demand(request, { purpose: 'write', expected: [202] });
    answer.discard();
    this.#sent = 0;
    const least = Number(answer.header('oci-chunk-min-length'));
    if (least > this.#pieceSize) this.#pieceSize = least;
    return client.follow(answer.header('location'), request.target);
  }

  /** Says where the next byte goes. */
  #rangeOf(size: number): Readonly<Record<string, string>> {
    return { 'content-range': `${this.#sent}-${this.#sent + size - 1}` };
  }

  /** Sends the next piece; says no where the registry does not take pieces, and wants all at once. */
  async #sendPiece(session: URL, signal: AbortSignal | undefined): Promise<boolean> {
    const size = Math.min(this.#pieceSize, this.#spool.size - this.#sent);
    try {
      const answer = await this.#request('PATCH', session, {
        headers: this.#rangeOf(size),
        body: this.#spool.part(this.#sent, size),
        signal,
      });
      answer.discard();
      this.#goOn(answer, session);
      this.#sent = this.#progress(answer, size);
      return true;
    } catch (error) {
      const isFirst = this.#sent === 0 && error instanceof MirrorError && NO_PIECES.has(error.data.status);
      if (!isFirst) throw error;
      this.#session = await this.#begin(signal);
      return false;
    }
  }

  /** How far it is after a piece of a size. */
  #progress(answer: HttpAnswer, size: number): number {
    const end = this.#sent + size;
    const said = endOf(answer) ?? end;
    if (said > this.#sent && said <= end) return said;
    // A registry that never gets further would be sent to for ever.
    const location = this.#options.client.place.url;
    throw new MirrorError(
      'mirror-write-failed',
      `Cannot write to "${location}": the registry says that it has ${said} bytes after ${end} were sent`,
      { data: { location, said, sent: end } },
    );
  }

  /** Finds out how far the upload is; it begins anew where nobody knows. */
  async #askStatus(signal: AbortSignal | undefined): Promise<void> {
    const { client } = this.#options;
    const session = this.#session;
    this.#session = undefined;
    if (session === undefined) return;
    const answer = await client.send({ method: 'GET', target: session, signal }).catch(() => undefined);
    answer?.discard();
    if (answer?.status !== 204 && answer?.status !== 200) {
      this.#sent = 0;
      return;
    }
    this.#goOn(answer, session);
    this.#sent = Math.min(endOf(answer) ?? 0, this.#spool.size);
  }

  #goOn(answer: HttpAnswer, session: URL): void {
    this.#session = this.#options.client.follow(answer.header('location') ?? session.href, session);
  }

  #request(method: 'PATCH' | 'PUT', target: URL, more: SentPart): Promise<HttpAnswer> {
    const { headers, ...rest } = more;
    const expected = method === 'PATCH' ? [202] : [201];
    // What comes back of a second try tells nothing of the first: the loop finds out.
    return this.#options.client.demand(
      { method, target, headers: { ...OCTETS, ...headers }, isRepeatable: false, ...rest },
      { purpose: 'write', expected },
    );
  }
}

interface SentPart extends WithSignal {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: RequestBody;
}

/** The end of what the registry has, from `Range: 0-N`; some say 0-0 of nothing. */
function endOf(answer: HttpAnswer): number | undefined {
  const last = /^(?:bytes=)?0-(\d{1,15})$/.exec(answer.header('range')?.trim() ?? '')?.[1];
  return last === undefined || last === '0' ? undefined : Number(last) + 1;
}

/** A piece that did not arrive, or that arrived without anybody being told; an upload that the registry lost. */
function mayGoOn(error: MirrorError): boolean {
  const { status, registryCodes } = error.data as { status?: number; registryCodes?: readonly string[] };
  const isLost =
    registryCodes?.includes('BLOB_UPLOAD_UNKNOWN') || registryCodes?.includes('BLOB_UPLOAD_INVALID');
  return error.retryable || status === 416 || status === 404 || isLost === true;
}

/** The rest of the URL stays as it is: it is the registry's own. */
function withDigest(session: URL, digest: string): URL {
  const url = new URL(session.href);
  url.search = `${url.search === '' ? '?' : `${url.search}&`}digest=${encodeURIComponent(digest)}`;
  return url;
}

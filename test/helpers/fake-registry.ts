// A strict registry for tests, on a free loopback port (OCI distribution specification 1.1): it checks digests, the order of pieces, types of
// manifests and what they name, pages its lists, knows referrers, asks for logins, and fails as it is told.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type FakeLogin, loginFor, type RegistryGuard } from './fake-registry-login.js';

export interface FakeRegistryOptions {
  /** Tags and referrers in a page; 1 unless given. */
  readonly pageSize?: number;
  /** Whether the size of pages that is asked for is ignored, and all come at once. */
  readonly ignoresPageSize?: boolean;
  /** Whether the API of referrers is missing; false by default. */
  readonly hasNoReferrers?: boolean;
  readonly hasNoDelete?: boolean;
  /** Whether blobs come from another server, which refuses whoever shows it a login. */
  readonly redirectsBlobs?: boolean;
  /** Whether uploads go to that other server. */
  readonly uploadsElsewhere?: boolean;
  /** Whether a piece of an upload is refused. */
  readonly hasNoPieces?: boolean;
  readonly login?: FakeLogin;
  readonly tls?: { readonly certificate: string; readonly key: string };
  /** Least size of a piece, as the registry says it. */
  readonly leastPiece?: number;
}

export interface FakeManifest {
  readonly bytes: Buffer;
  readonly mediaType: string;
}

export interface FakeRepository {
  readonly blobs: Map<string, Buffer>;
  readonly manifests: Map<string, FakeManifest>;
  readonly tags: Map<string, string>;
}

export interface FakeRequest {
  readonly method: string;
  /** Below `/v2/`. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** Answers in place of the registry; `after` lets the request take effect first. */
export interface RegistryFault {
  readonly when: (request: FakeRequest) => boolean;
  readonly times?: number;
  readonly status?: number;
  readonly headers?: ReplyHeaders;
  readonly body?: string | Buffer;
  readonly isAfter?: boolean;
  /** The right answer, perhaps with other headers, whose body breaks off after so many bytes. */
  readonly cutAt?: number;
  /** Whether the connection stays open and silent where the body would break off, or without any answer. */
  readonly stalls?: boolean;
  /** A body of so many bytes without any sense. */
  readonly endless?: number;
  /** The connection ends without an answer; before that so many bytes of a piece are kept. */
  readonly keeps?: number;
}

type ReplyHeaders = Readonly<Record<string, string | string[]>>;

type Reply = Pick<RegistryFault, 'headers' | 'body' | 'cutAt' | 'stalls' | 'endless'> & {
  readonly status: number;
};

interface Upload {
  readonly repository: string;
  bytes: Buffer;
}

const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const OCI_INDEX = 'application/vnd.oci.image.index.v1+json';
const INDEXES: ReadonlySet<string> = new Set([
  OCI_INDEX,
  'application/vnd.docker.distribution.manifest.list.v2+json',
]);
const IMAGES: ReadonlySet<string> = new Set([
  OCI_MANIFEST,
  'application/vnd.docker.distribution.manifest.v2+json',
]);
const NAME = /^[a-z0-9]+([._-]+[a-z0-9]+)*(\/[a-z0-9]+([._-]+[a-z0-9]+)*)*$/;
const ROUTE = /^(.+)\/(blobs\/uploads|blobs|manifests|tags|referrers)\/(.*)$/;

export class FakeRegistry {
  readonly repositories = new Map<string, FakeRepository>();
  readonly uploads = new Map<string, Upload>();
  /** `METHOD path?query status` of each request. */
  readonly log: string[] = [];
  /** Bytes of the last endless body. */
  sent = 0;
  readonly options: FakeRegistryOptions;
  readonly guard: RegistryGuard | undefined;
  readonly #faults: { readonly fault: RegistryFault; left: number }[] = [];
  readonly #acts: { readonly when: RegistryFault['when']; readonly act: () => void; left: number }[] = [];
  readonly #server: Server;
  readonly #other: Server;
  #counter = 0;

  private constructor(options: FakeRegistryOptions) {
    this.options = options;
    this.guard = options.login && loginFor(options.login, () => this.origin);
    const serve = (request: IncomingMessage, response: ServerResponse) => {
      this.#serve(request, response).catch(() => response.destroy());
    };
    const { tls } = options;
    this.#server =
      tls === undefined
        ? createServer(serve)
        : createTlsServer({ cert: readFileSync(tls.certificate), key: readFileSync(tls.key) }, serve);
    this.#other = createServer((request, response) => {
      if (request.method === 'GET' && !request.url?.startsWith('/v2/')) this.#serveBlob(request, response);
      else serve(request, response);
    });
  }

  static async start(options: FakeRegistryOptions = {}): Promise<FakeRegistry> {
    const fake = new FakeRegistry(options);
    for (const server of [fake.#server, fake.#other])
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return fake;
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get origin(): string {
    return `${this.options.tls === undefined ? 'http' : 'https'}://${this.host}`;
  }

  /** The URL of a repository, as a mirror has it. */
  url(repository: string): string {
    return `oci${this.options.tls === undefined ? '+http' : ''}://${this.host}/${repository}`;
  }

  repository(name: string): FakeRepository {
    const found = this.repositories.get(name) ?? { blobs: new Map(), manifests: new Map(), tags: new Map() };
    this.repositories.set(name, found);
    return found;
  }

  /** Puts the images of a folder in the OCI image layout into a repository, under the names that they have there. */
  loadImageLayout(folder: string, repository: string): this {
    const { blobs, manifests, tags } = this.repository(repository);
    const read = (digest: string) => readFileSync(join(folder, 'blobs', ...digest.split(':')));
    const index = JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8'));
    for (const { digest, mediaType, annotations } of index.manifests) {
      const bytes = read(digest);
      const manifest = JSON.parse(bytes.toString('utf8'));
      for (const { digest: blob } of [manifest.config, ...manifest.layers]) blobs.set(blob, read(blob));
      manifests.set(digest, { bytes, mediaType });
      const tag = annotations?.['org.opencontainers.image.ref.name'];
      if (tag !== undefined) tags.set(tag, digest);
    }
    return this;
  }

  fail(fault: RegistryFault): this {
    this.#faults.push({ fault, left: fault.times ?? 1 });
    return this;
  }

  /** Does something once a request has taken effect, before it is answered. */
  after(when: RegistryFault['when'], act: () => void, times = 1): this {
    this.#acts.push({ when, act, left: times });
    return this;
  }

  forgive(): void {
    this.#faults.length = 0;
  }

  async close(): Promise<void> {
    for (const server of [this.#server, this.#other]) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const url = new URL(incoming.url ?? '', this.origin);
    const request: FakeRequest = {
      method: incoming.method ?? '',
      path: url.pathname.replace(/^\/v2\//, ''),
      query: url.searchParams,
      headers: incoming.headers,
      body: Buffer.concat(chunks),
    };
    if (this.guard?.serve(url, incoming, response, request.body)) return;
    const isOther = incoming.socket.localPort !== (this.#server.address() as AddressInfo).port;
    const reply = this.#guarded(request, url, isOther);
    this.log.push(`${request.method} ${request.path}${url.search} ${reply?.status ?? 'ended'}`);
    if (reply === undefined) {
      response.destroy();
      return;
    }
    await this.#send(reply, request.method === 'HEAD', response);
  }

  async #send(reply: Reply, isHead: boolean, response: ServerResponse): Promise<void> {
    const { status, headers = {}, cutAt, stalls, endless } = reply;
    if (stalls && cutAt === undefined) return;
    const body = Buffer.from(reply.body ?? '');
    response.writeHead(status, { 'content-length': endless ?? body.length, ...headers });
    if (endless !== undefined) await this.#sendEndlessly(endless, response);
    else if (cutAt === undefined || cutAt >= body.length) response.end(isHead ? undefined : body);
    else response.write(body.subarray(0, cutAt), () => stalls || response.destroy());
  }

  async #sendEndlessly(size: number, response: ServerResponse): Promise<void> {
    const piece = Buffer.alloc(1 << 16);
    const pieces = function* (this: FakeRegistry) {
      for (this.sent = 0; this.sent < size; this.sent += piece.length) yield piece;
    };
    await pipeline(pieces.call(this), response).catch(() => {});
  }

  #guarded(request: FakeRequest, url: URL, isOther: boolean): Reply | undefined {
    try {
      const found = this.#faults.find(({ fault, left }) => left > 0 && fault.when(request));
      if (found !== undefined) found.left--;
      const fault = found?.fault;
      if (fault?.keeps !== undefined) {
        const upload = this.uploads.get(url.pathname.split('/').at(-1) ?? '');
        if (upload !== undefined)
          upload.bytes = Buffer.concat([upload.bytes, request.body.subarray(0, fault.keeps)]);
        return undefined;
      }
      const replaces = fault !== undefined && !fault.isAfter && fault.cutAt === undefined;
      if (replaces) return replyOf(fault);
      if (isOther) requireNoLogin(request);
      else if (url.pathname !== '/v2/') this.#authorize(request);
      const reply = this.#answer(request);
      for (const each of this.#acts.filter(({ when, left }) => left > 0 && when(request))) {
        each.left--;
        each.act();
      }
      if (fault === undefined) return reply;
      if (fault.cutAt === undefined) return replyOf(fault);
      const { cutAt, stalls } = fault;
      return { ...reply, headers: { ...reply.headers, ...fault.headers }, cutAt, ...(stalls && { stalls }) };
    } catch (error) {
      if (error instanceof RegistryFailure) return error.reply;
      return { status: 598, body: String(error) };
    }
  }

  #authorize(request: FakeRequest): void {
    const challenge = this.guard?.challenge(request);
    if (challenge === undefined) return;
    throw new RegistryFailure(401, 'UNAUTHORIZED', { 'www-authenticate': challenge });
  }

  #answer(request: FakeRequest): Reply {
    const [, name = '', kind = '', rest = ''] = ROUTE.exec(request.path) ?? [];
    if (!NAME.test(name)) throw new RegistryFailure(404, 'NAME_UNKNOWN');
    if (kind === 'blobs/uploads') return this.#upload(name, rest, request);
    const found = this.repositories.get(name);
    if (kind === 'manifests') return this.#manifest(name, rest, request);
    if (found === undefined) throw new RegistryFailure(404, 'NAME_UNKNOWN');
    if (kind === 'tags' && rest === 'list') return this.#tags(found, name, request);
    if (kind === 'referrers') return this.#referrers(found, rest, request);
    return this.#blob(found, rest, request);
  }

  #blob({ blobs }: FakeRepository, digest: string, { method, headers }: FakeRequest): Reply {
    const bytes = blobs.get(digest);
    if (bytes === undefined) throw new RegistryFailure(404, 'BLOB_UNKNOWN');
    if (method === 'DELETE') {
      if (this.options.hasNoDelete) throw new RegistryFailure(405, 'UNSUPPORTED');
      blobs.delete(digest);
      return { status: 202 };
    }
    if (this.options.redirectsBlobs && method === 'GET') {
      const port = (this.#other.address() as AddressInfo).port;
      return { status: 307, headers: { location: `http://127.0.0.1:${port}/${digest}?signature=x` } };
    }
    return blobReply(bytes, digest, headers);
  }

  /** The place where blobs lie, which is not the registry. */
  #serveBlob({ url = '', headers }: IncomingMessage, response: ServerResponse): void {
    const digest = url.slice(1).split('?')[0] ?? '';
    const bytes = [...this.repositories.values()].map(({ blobs }) => blobs.get(digest)).find(Boolean);
    const reply: Reply =
      headers.authorization !== undefined || bytes === undefined
        ? { status: 400, body: 'Only one login is allowed' }
        : blobReply(bytes, digest, headers);
    const { status, body = '' } = reply;
    response.writeHead(status, {
      'content-length': Buffer.byteLength(body),
      ...reply.headers,
    });
    response.end(body);
  }

  #upload(name: string, id: string, request: FakeRequest): Reply {
    const { method, query } = request;
    if (method === 'POST') return this.#beginUpload(name, query, request);
    const upload = this.uploads.get(id);
    if (upload === undefined || upload.repository !== name)
      throw new RegistryFailure(404, 'BLOB_UPLOAD_UNKNOWN');
    if (method === 'GET') return { status: 204, headers: this.#progress(name, id, upload) };
    if (method === 'DELETE') {
      this.uploads.delete(id);
      return { status: 204 };
    }
    if (method === 'PATCH') {
      if (this.options.hasNoPieces) throw new RegistryFailure(416, 'RANGE_INVALID');
      requireOrder(upload, request);
      const { leastPiece = 0 } = this.options;
      if (request.body.length < leastPiece && upload.bytes.length % leastPiece !== 0)
        throw new RegistryFailure(416, 'RANGE_INVALID');
      upload.bytes = Buffer.concat([upload.bytes, request.body]);
      return { status: 202, headers: this.#progress(name, id, upload) };
    }
    if (method !== 'PUT') throw new RegistryFailure(405, 'UNSUPPORTED');
    if (upload.bytes.length > 0 && request.body.length > 0) requireOrder(upload, request);
    const bytes = Buffer.concat([upload.bytes, request.body]);
    return this.#endUpload(name, { id, bytes, digest: query.get('digest') ?? '' });
  }

  #beginUpload(name: string, query: URLSearchParams, { body }: FakeRequest): Reply {
    const mount = query.get('mount');
    const from = this.repositories.get(query.get('from') ?? '')?.blobs.get(mount ?? '');
    if (mount !== null && from !== undefined) {
      this.repository(name).blobs.set(mount, from);
      return { status: 201, headers: { location: `/v2/${name}/blobs/${mount}` } };
    }
    const digest = query.get('digest');
    const id = `upload${++this.#counter}`;
    if (digest !== null) return this.#endUpload(name, { id, bytes: body, digest });
    this.uploads.set(id, { repository: name, bytes: Buffer.alloc(0) });
    const { leastPiece } = this.options;
    const headers = {
      location: `${this.#uploadOrigin}/v2/${name}/blobs/uploads/${id}?_state=a%3Db`,
      ...(leastPiece !== undefined && { 'oci-chunk-min-length': String(leastPiece) }),
    };
    return { status: 202, headers };
  }

  #endUpload(name: string, { id, bytes, digest }: { id: string; bytes: Buffer; digest: string }): Reply {
    if (digest !== digestOf(bytes)) throw new RegistryFailure(400, 'DIGEST_INVALID');
    this.uploads.delete(id);
    this.repository(name).blobs.set(digest, bytes);
    return {
      status: 201,
      headers: { location: `/v2/${name}/blobs/${digest}`, 'docker-content-digest': digest },
    };
  }

  #progress(name: string, id: string, { bytes }: Upload): Readonly<Record<string, string>> {
    const last = Math.max(0, bytes.length - 1);
    const origin = this.#uploadOrigin || this.origin;
    return { location: `${origin}/v2/${name}/blobs/uploads/${id}?_state=a%3Db`, range: `0-${last}` };
  }

  /** Empty where uploads stay with the registry. */
  get #uploadOrigin(): string {
    const { port } = this.#other.address() as AddressInfo;
    return this.options.uploadsElsewhere ? `http://127.0.0.1:${port}` : '';
  }

  #manifest(name: string, reference: string, request: FakeRequest): Reply {
    const { method, headers, body } = request;
    if (method === 'PUT') return this.#putManifest(name, reference, { headers, body });
    const found = this.repositories.get(name);
    const digest = reference.startsWith('sha256:') ? reference : found?.tags.get(reference);
    const manifest = found?.manifests.get(digest ?? '');
    if (found === undefined || digest === undefined || manifest === undefined)
      throw new RegistryFailure(404, 'MANIFEST_UNKNOWN');
    if (method === 'DELETE') {
      if (this.options.hasNoDelete) throw new RegistryFailure(405, 'UNSUPPORTED');
      found.tags.delete(reference);
      if (reference === digest) {
        found.manifests.delete(digest);
        for (const [tag, named] of found.tags) if (named === digest) found.tags.delete(tag);
      }
      return { status: 202 };
    }
    if (!(headers.accept ?? '').includes(manifest.mediaType))
      throw new RegistryFailure(404, 'MANIFEST_UNKNOWN');
    return {
      status: 200,
      headers: { 'content-type': manifest.mediaType, 'docker-content-digest': digest, etag: `"${digest}"` },
      body: manifest.bytes,
    };
  }

  #putManifest(
    name: string,
    reference: string,
    { headers, body }: Pick<FakeRequest, 'headers' | 'body'>,
  ): Reply {
    const mediaType = headers['content-type'] ?? '';
    const isIndex = INDEXES.has(mediaType);
    const manifest = JSON.parse(body.toString('utf8'));
    const digest = digestOf(body);
    const isTag = /^\w[\w.-]{0,127}$/.test(reference);
    if (!isTag && reference !== digest) throw new RegistryFailure(400, 'DIGEST_INVALID');
    if ((!isIndex && !IMAGES.has(mediaType)) || (manifest.mediaType ?? mediaType) !== mediaType)
      throw new RegistryFailure(400, 'MANIFEST_INVALID');
    const found = this.repository(name);
    const named: { digest: string; size: number }[] = isIndex
      ? manifest.manifests
      : [manifest.config, ...manifest.layers];
    for (const { digest: each, size } of named) {
      const content = isIndex ? found.manifests.get(each)?.bytes : found.blobs.get(each);
      if (content === undefined) throw new RegistryFailure(400, 'MANIFEST_BLOB_UNKNOWN');
      if (content.length !== size) throw new RegistryFailure(400, 'MANIFEST_INVALID');
    }
    found.manifests.set(digest, { bytes: body, mediaType });
    if (isTag) found.tags.set(reference, digest);
    const subject: string | undefined = this.options.hasNoReferrers ? undefined : manifest.subject?.digest;
    return {
      status: 201,
      headers: {
        location: `/v2/${name}/manifests/${digest}`,
        'docker-content-digest': digest,
        ...(subject !== undefined && { 'oci-subject': subject }),
      },
    };
  }

  #tags({ tags }: FakeRepository, name: string, { query }: FakeRequest): Reply {
    const all = [...tags.keys()].sort();
    const { pageSize = 1, ignoresPageSize } = this.options;
    const after = query.get('last');
    const left = after === null ? all : all.filter((tag) => tag > after);
    const page = ignoresPageSize
      ? left
      : left.slice(0, Math.min(pageSize, Number(query.get('n') ?? pageSize)));
    const last = page.at(-1);
    const hasMore = page.length < left.length && last !== undefined;
    const next = `</v2/${name}/tags/list?last=${encodeURIComponent(last ?? '')}&n=${query.get('n')}>; rel="next"`;
    return {
      status: 200,
      headers: { 'content-type': 'application/json', ...(hasMore && { link: next }) },
      body: JSON.stringify({ name, tags: page.length === 0 && all.length === 0 ? null : page }),
    };
  }

  #referrers({ manifests }: FakeRepository, digest: string, { query }: FakeRequest): Reply {
    if (this.options.hasNoReferrers) throw new RegistryFailure(404, 'NAME_UNKNOWN');
    const found = [...manifests].flatMap(([each, { bytes, mediaType }]) => {
      const { subject, artifactType, config, annotations } = JSON.parse(bytes.toString('utf8'));
      const type = artifactType ?? config?.mediaType;
      if (subject?.digest !== digest) return [];
      return [{ mediaType, digest: each, size: bytes.length, artifactType: type, annotations }];
    });
    const { pageSize = 1 } = this.options;
    const start = Number(query.get('page') ?? 0);
    const hasMore = start + pageSize < found.length;
    const link = `<?page=${start + pageSize}>; rel="next"`;
    return {
      status: 200,
      headers: { 'content-type': OCI_INDEX, ...(hasMore && { link }) },
      body: JSON.stringify({
        schemaVersion: 2,
        mediaType: OCI_INDEX,
        manifests: found.slice(start, start + pageSize),
      }),
    };
  }
}

function replyOf(fault: RegistryFault): Reply {
  return { ...fault, status: fault.status ?? (fault.endless === undefined ? 599 : 200) };
}

class RegistryFailure extends Error {
  readonly reply: Reply;

  constructor(status: number, code: string, headers: Readonly<Record<string, string>> = {}) {
    super(code);
    const body = JSON.stringify({ errors: [{ code, message: 'It is so.', detail: null }] });
    this.reply = { status, headers: { 'content-type': 'application/json', ...headers }, body };
  }
}

/** Who comes with a link of the registry needs none, and must not tell it to somebody else. */
function requireNoLogin({ headers }: FakeRequest): void {
  if (headers.authorization !== undefined) throw new RegistryFailure(400, 'DENIED');
}

function requireOrder({ bytes }: Upload, { headers, body }: FakeRequest): void {
  const wanted = `${bytes.length}-${bytes.length + body.length - 1}`;
  if (headers['content-range'] !== wanted) throw new RegistryFailure(416, 'RANGE_INVALID');
}

function blobReply(bytes: Buffer, digest: string, headers: IncomingMessage['headers']): Reply {
  const facts = { etag: `"${digest}"`, 'docker-content-digest': digest, 'accept-ranges': 'bytes' };
  const start = /^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1];
  if (start === undefined) return { status: 200, headers: facts, body: bytes };
  // As some registries do: the size that it announces is that of the whole blob.
  if (Number(start) >= bytes.length)
    return {
      status: 416,
      headers: { 'content-length': String(bytes.length), 'content-range': `bytes */${bytes.length}` },
      body: 'no',
    };
  const range = `bytes ${start}-${bytes.length - 1}/${bytes.length}`;
  return { status: 206, headers: { ...facts, 'content-range': range }, body: bytes.subarray(Number(start)) };
}

export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

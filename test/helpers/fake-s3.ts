// A strict S3 for tests, on a free loopback port: it checks signatures by an implementation of its own ("Authenticating Requests: Using the
// Authorization Header", AWS Signature Version 4), lists short pages, knows conditions and multipart uploads, and fails as it is told.
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface FakeS3Options {
  /** Keys in a page of a list; 1 unless given. */
  readonly pageSize?: number;
  readonly region?: string;
  /** Whether each answer names the region. */
  readonly tellsRegion?: boolean;
  /** Keys that may be removed at once; 1,000 unless given. */
  readonly batchSize?: number;
  /** Whether everybody may read without a signature. */
  readonly isPublic?: boolean;
  /** Whether a list is denied, and 403 is said of keys that are not there. */
  readonly hidesAbsence?: boolean;
  /** Whether uploads in parts cannot be listed from one of them on, only from a key on, as in versitygw. */
  readonly refusesUploadMarkers?: boolean;
  /** The token that a session must have at first. */
  readonly sessionToken?: string;
}

export const FAKE_KEYS = { id: 'AKIAFAKE', secret: 'fake/secret+key' } as const;

export interface FakeObject {
  readonly bytes: Buffer;
  readonly tag: string;
  readonly meta: Readonly<Record<string, string>>;
  /** In milliseconds since 1970; lists say it in seconds. */
  readonly modified: number;
}

export interface FakeRequest {
  readonly method: string;
  /** The key; empty for the bucket. */
  readonly key: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** Answers in place of the server, or gives undefined; `after` lets the request take effect first. */
export interface Fault {
  readonly when: (request: FakeRequest) => boolean;
  readonly times?: number;
  readonly status: number;
  readonly code?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly isAfter?: boolean;
  /** In place of another status: the right answer, whose body breaks off after so many bytes. */
  readonly cutAt?: number;
}

interface Upload {
  readonly key: string;
  readonly meta: Readonly<Record<string, string>>;
  readonly parts: Map<number, Buffer>;
  /** In milliseconds since 1970. */
  readonly begun: number;
}

interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string | number>>;
  readonly body?: Buffer | string;
  readonly cutAt?: number | undefined;
}

const LEAST_PART = 16; // bytes; 5 MiB at AWS

export class FakeS3 {
  readonly bucket = 'bucket';
  readonly objects = new Map<string, FakeObject>();
  /** Codes by key: a removal of many does not remove these. */
  readonly undeletable = new Map<string, string>();
  readonly uploads = new Map<string, Upload>();
  readonly log: string[] = [];
  readonly options: FakeS3Options;
  /** The token that a session must have now: a test may end it. */
  sessionToken: string | undefined;
  /** The clock, in milliseconds since 1970. */
  now = (): number => Date.now();
  /** The time that objects get when they are written. */
  writes = (): number => Date.parse('2024-01-10T00:00:00Z');
  readonly #server: Server;
  #faults: { fault: Fault; left: number }[] = [];
  #counter = 0;

  private constructor(options: FakeS3Options) {
    this.options = options;
    this.sessionToken = options.sessionToken;
    this.#server = createServer((request, response) => {
      // A client that is stopped sends half of a request.
      this.#serve(request, response).catch(() => response.destroy());
    });
  }

  static async start(options: FakeS3Options = {}): Promise<FakeS3> {
    const fake = new FakeS3(options);
    await new Promise<void>((resolve) => fake.#server.listen(0, '127.0.0.1', resolve));
    return fake;
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get endpoint(): string {
    return `http://${this.host}`;
  }

  /** Variables of somebody who may do everything. */
  get environment(): Readonly<Record<string, string>> {
    const token = this.sessionToken;
    return {
      HOME: '/nowhere',
      AWS_ENDPOINT_URL: this.endpoint,
      AWS_ACCESS_KEY_ID: FAKE_KEYS.id,
      AWS_SECRET_ACCESS_KEY: FAKE_KEYS.secret,
      AWS_EC2_METADATA_DISABLED: 'true',
      ...(token !== undefined && { AWS_SESSION_TOKEN: token }),
    };
  }

  fail(fault: Fault): this {
    this.#faults.push({ fault, left: fault.times ?? 1 });
    return this;
  }

  /** Fails no more. */
  forgive(): void {
    this.#faults = [];
  }

  put(key: string, bytes: Buffer | string): void {
    this.#store(key, Buffer.from(bytes as Buffer), {});
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const url = new URL(`http://x${incoming.url ?? ''}`);
    const [, bucket = '', ...key] = url.pathname.split('/').map(decodeURIComponent);
    const request: FakeRequest = {
      method: incoming.method ?? '',
      key: key.join('/'),
      query: url.searchParams,
      headers: incoming.headers as Record<string, string>,
      body: Buffer.concat(chunks),
    };
    this.log.push(`${request.method} ${request.key}${url.search === '' ? '' : ` ${url.searchParams}`}`);
    const reply = this.#guarded(request, { bucket, url, target: incoming.url ?? '' });
    const { status, headers = {}, body = '' } = reply;
    const date = new Date(this.now()).toUTCString();
    const length = Buffer.byteLength(body);
    response.writeHead(status, {
      date,
      'x-amz-request-id': `REQ${++this.#counter}`,
      ...(this.options.tellsRegion && { 'x-amz-bucket-region': this.options.region ?? 'us-east-1' }),
      ...(request.method === 'HEAD' ? {} : { 'content-length': length }),
      ...headers,
    });
    if (reply.cutAt !== undefined)
      response.write(Buffer.from(body as Buffer).subarray(0, reply.cutAt), () => response.destroy());
    else response.end(request.method === 'HEAD' ? undefined : body);
  }

  #guarded(request: FakeRequest, where: { bucket: string; url: URL; target: string }): Reply {
    try {
      const fault = this.#faultFor(request);
      if (fault !== undefined && !fault.isAfter && fault.cutAt === undefined) return faultReply(fault);
      this.#authorize(request, where);
      if (where.bucket !== this.bucket) throw new S3Failure(404, 'NoSuchBucket');
      const reply = this.#answer(request);
      if (fault?.cutAt !== undefined) return { ...reply, cutAt: fault.cutAt };
      return fault === undefined ? reply : faultReply(fault);
    } catch (error) {
      if (error instanceof S3Failure) return error.reply(this.options.region);
      return { status: 599, body: String(error) };
    }
  }

  #faultFor(request: FakeRequest): Fault | undefined {
    const found = this.#faults.find(({ fault, left }) => left > 0 && fault.when(request));
    if (found !== undefined) found.left--;
    return found?.fault;
  }

  #authorize(request: FakeRequest, { target }: { target: string }): void {
    const { method, headers, body } = request;
    const given = headers.authorization;
    if (given === undefined) {
      const isRead = method === 'GET' || method === 'HEAD';
      if (this.options.isPublic && isRead) return;
      throw new S3Failure(403, 'AccessDenied');
    }
    const match =
      /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})$/.exec(
        given,
      );
    if (match === null) throw new S3Failure(400, 'AuthorizationHeaderMalformed');
    const [, id, day = '', region = '', names = '', signature = ''] = match;
    const { region: own = 'us-east-1' } = this.options;
    const { sessionToken } = this;
    if (id !== FAKE_KEYS.id) throw new S3Failure(403, 'InvalidAccessKeyId');
    if (region !== own) throw new S3Failure(400, 'AuthorizationHeaderMalformed');
    if (sessionToken !== headers['x-amz-security-token'])
      throw new S3Failure(400, sessionToken === undefined ? 'InvalidToken' : 'ExpiredToken');
    const time = headers['x-amz-date'] ?? '';
    if (!time.startsWith(day)) throw new S3Failure(403, 'SignatureDoesNotMatch');
    if (Math.abs(parseTime(time) - this.now()) > 15 * 60_000)
      throw new S3Failure(403, 'RequestTimeTooSkewed');
    const signed = names.split(';');
    const unsigned = Object.keys(headers).filter(
      (name) => name.startsWith('x-amz-') && !signed.includes(name),
    );
    if (unsigned.length > 0 || !signed.includes('host')) throw new S3Failure(403, 'AccessDenied');
    const hash = headers['x-amz-content-sha256'];
    if (hash === undefined) throw new S3Failure(400, 'InvalidRequest');
    if (hash !== sha256(body)) throw new S3Failure(400, 'XAmzContentSHA256Mismatch');
    const { secret } = FAKE_KEYS;
    const expected = signatureOf({
      service: 's3',
      secret,
      method,
      target,
      headers,
      signed,
      hash,
      time,
      day,
      region,
    });
    if (!timingSafeEqual(Buffer.from(expected), Buffer.from(signature)))
      throw new S3Failure(403, 'SignatureDoesNotMatch');
    if (method === 'PUT' && headers['content-length'] === undefined)
      throw new S3Failure(411, 'MissingContentLength');
  }

  #answer(request: FakeRequest): Reply {
    const { method, key, query } = request;
    if (key === '') return query.has('delete') ? this.#deleteMany(request) : this.#list(query);
    if (method === 'GET' && query.has('uploadId')) return this.#listParts(key, query);
    if (method === 'GET' || method === 'HEAD') return this.#read(request);
    if (method === 'PUT') return query.has('uploadId') ? this.#putPart(request) : this.#put(request);
    if (method === 'POST') return query.has('uploads') ? this.#begin(request) : this.#complete(request);
    if (query.has('uploadId')) {
      this.#upload(key, query);
      this.uploads.delete(query.get('uploadId') ?? '');
    } else this.#delete(request);
    return { status: 204 };
  }

  #read({ key, headers }: FakeRequest): Reply {
    const object = this.objects.get(key);
    if (object === undefined)
      throw this.options.hidesAbsence ? new S3Failure(403, 'AccessDenied') : new S3Failure(404, 'NoSuchKey');
    const { bytes, tag, meta: own, modified } = object;
    const meta = { ...own, 'last-modified': new Date(modified).toUTCString() };
    if (headers['if-match'] !== undefined && headers['if-match'] !== tag)
      throw new S3Failure(412, 'PreconditionFailed');
    if (headers['if-none-match'] === tag) return { status: 304, headers: { etag: tag } };
    const range = /^bytes=(\d+)-(\d*)$/.exec(headers.range ?? '');
    if (range === null)
      return { status: 200, headers: { ...meta, etag: tag, 'content-length': bytes.length }, body: bytes };
    const start = Number(range[1]);
    const end = Math.min(range[2] ? Number(range[2]) + 1 : bytes.length, bytes.length);
    if (start >= bytes.length)
      return {
        ...new S3Failure(416, 'InvalidRange').reply(),
        headers: { 'content-range': `bytes */${bytes.length}` },
      };
    const body = bytes.subarray(start, end);
    const contentRange = `bytes ${start}-${end - 1}/${bytes.length}`;
    return { status: 206, headers: { ...meta, etag: tag, 'content-range': contentRange }, body };
  }

  #put({ key, headers, body }: FakeRequest): Reply {
    this.#requireCondition(key, headers);
    return { status: 200, headers: { etag: this.#store(key, body, metaOf(headers)) } };
  }

  #delete({ key, headers }: FakeRequest): void {
    if (headers['if-match'] !== undefined) this.#requireCondition(key, headers);
    this.objects.delete(key);
  }

  #deleteMany({ method, headers, body }: FakeRequest): Reply {
    if (method !== 'POST') throw new S3Failure(405, 'MethodNotAllowed');
    const digest = headers['content-md5'];
    if (digest === undefined) throw new S3Failure(400, 'InvalidRequest');
    if (digest !== createHash('md5').update(body).digest('base64')) throw new S3Failure(400, 'BadDigest');
    const keys = [...body.toString().matchAll(/<Object><Key>([^<]+)<\/Key><\/Object>/g)].map(([, key = '']) =>
      key.replaceAll(/&#(\d+);/g, (_, code) => String.fromCodePoint(Number(code))),
    );
    if (keys.length === 0 || keys.length > (this.options.batchSize ?? 1000))
      throw new S3Failure(400, 'MalformedXML');
    const errors = keys.map((key) => {
      const code = this.undeletable.get(key);
      if (code === undefined) this.objects.delete(key);
      const name = key.replaceAll(/[<>&]/g, (each) => `&#${each.charCodeAt(0)};`);
      return code === undefined
        ? ''
        : `<Error><Key>${name}</Key><Code>${code}</Code><Message>It is ${code}.</Message></Error>`;
    });
    return { status: 200, body: `<?xml version="1.0"?><DeleteResult>${errors.join('')}</DeleteResult>` };
  }

  #requireCondition(key: string, headers: FakeRequest['headers']): void {
    const there = this.objects.get(key);
    if (headers['if-none-match'] === '*' && there !== undefined)
      throw new S3Failure(412, 'PreconditionFailed');
    const wanted = headers['if-match'];
    if (wanted === undefined) return;
    if (there === undefined) throw new S3Failure(404, 'NoSuchKey');
    if (wanted !== there.tag) throw new S3Failure(412, 'PreconditionFailed');
  }

  #begin({ key, headers }: FakeRequest): Reply {
    const id = `upload-${++this.#counter}`;
    this.uploads.set(id, { key, meta: metaOf(headers), parts: new Map(), begun: this.writes() });
    return {
      status: 200,
      body: `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`,
    };
  }

  #putPart({ key, query, body }: FakeRequest): Reply {
    const upload = this.#upload(key, query);
    upload.parts.set(Number(query.get('partNumber')), body);
    return { status: 200, headers: { etag: `"${md5(body)}"` } };
  }

  #complete({ key, query, headers, body }: FakeRequest): Reply {
    const { parts, meta } = this.#upload(key, query);
    const named = [...body.toString().matchAll(/<PartNumber>(\d+)<\/PartNumber><ETag>([^<]+)<\/ETag>/g)];
    const bytes = named.map(([, number, tag = ''], index) => {
      const part = parts.get(Number(number));
      if (Number(number) !== index + 1) throw new S3Failure(400, 'InvalidPartOrder');
      if (part === undefined || tag.replaceAll(/&(quot|#34);/g, '"') !== `"${md5(part)}"`)
        throw new S3Failure(400, 'InvalidPart');
      if (index < named.length - 1 && part.length < LEAST_PART) throw new S3Failure(400, 'EntityTooSmall');
      return part;
    });
    if (bytes.length !== parts.size) throw new S3Failure(400, 'InvalidPart');
    this.#requireCondition(key, headers);
    this.uploads.delete(query.get('uploadId') ?? '');
    const tag = this.#store(key, Buffer.concat(bytes), meta, `-${bytes.length}`);
    const answer = `<CompleteMultipartUploadResult><ETag>${tag.replaceAll('"', '&quot;')}</ETag></CompleteMultipartUploadResult>`;
    return { status: 200, body: answer };
  }

  #upload(key: string, query: URLSearchParams): Upload {
    const upload = this.uploads.get(query.get('uploadId') ?? '');
    if (upload?.key !== key) throw new S3Failure(404, 'NoSuchUpload');
    return upload;
  }

  #listParts(key: string, query: URLSearchParams): Reply {
    const numbers = [...this.#upload(key, query).parts].sort(([a], [b]) => a - b);
    const after = Number(query.get('part-number-marker') ?? 0);
    const rest = numbers.filter(([number]) => number > after);
    const page = rest.slice(0, this.options.pageSize ?? 1);
    const items = page.map(
      ([number, { length }]) => `<Part><PartNumber>${number}</PartNumber><Size>${length}</Size></Part>`,
    );
    const next = `<NextPartNumberMarker>${page.at(-1)?.[0] ?? 0}</NextPartNumberMarker>`;
    const body = `<ListPartsResult>${next}<IsTruncated>${rest.length > page.length}</IsTruncated>${items.join('')}</ListPartsResult>`;
    return { status: 200, body };
  }

  #listUploads(query: URLSearchParams): Reply {
    if (this.options.refusesUploadMarkers && query.has('upload-id-marker'))
      throw new S3Failure(400, 'InvalidArgument');
    const prefix = query.get('prefix') ?? '';
    // Without an upload, the place is after all uploads of the key.
    const upload = query.get('upload-id-marker') ?? '\uffff';
    const marker = `${query.get('key-marker') ?? ''}\0${upload}`;
    const rest = [...this.uploads]
      .map(([id, upload]) => ({ id, ...upload, place: `${upload.key}\0${id}` }))
      .filter(({ key, place }) => key.startsWith(prefix) && (!query.has('key-marker') || place > marker))
      .sort((a, b) => (a.place < b.place ? -1 : 1));
    const page = rest.slice(0, this.options.pageSize ?? 1);
    const items = page.map(
      ({ id, key, begun }) =>
        `<Upload><Key>${encode(key)}</Key><UploadId>${id}</UploadId><Initiated>${new Date(begun).toISOString()}</Initiated></Upload>`,
    );
    const last = page.at(-1);
    const next = `<NextKeyMarker>${encode(last?.key ?? '')}</NextKeyMarker><NextUploadIdMarker>${last?.id}</NextUploadIdMarker>`;
    const body = `<ListMultipartUploadsResult><EncodingType>url</EncodingType>${next}<IsTruncated>${rest.length > page.length}</IsTruncated>${items.join('')}</ListMultipartUploadsResult>`;
    return { status: 200, body };
  }

  #list(query: URLSearchParams): Reply {
    if (query.has('uploads')) return this.#listUploads(query);
    if (query.get('list-type') !== '2') throw new S3Failure(400, 'InvalidArgument');
    if (this.options.hidesAbsence) throw new S3Failure(403, 'AccessDenied');
    const prefix = query.get('prefix') ?? '';
    const delimiter = query.get('delimiter') ?? '';
    const entries = new Set<string>();
    for (const key of [...this.objects.keys()].filter((each) => each.startsWith(prefix)).sort()) {
      const cut = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
      entries.add(cut === -1 ? key : key.slice(0, cut + 1));
    }
    const after = Buffer.from(query.get('continuation-token') ?? '', 'base64').toString();
    const rest = [...entries].filter((entry) => entry > after);
    const size = Math.min(this.options.pageSize ?? 1, Number(query.get('max-keys') ?? 1000));
    const page = rest.slice(0, size);
    const isTruncated = rest.length > page.length;
    const items = page.map((entry) => this.#listed(entry));
    const next = `<NextContinuationToken>${Buffer.from(page.at(-1) ?? '').toString('base64')}</NextContinuationToken>`;
    const body = `<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><EncodingType>url</EncodingType><IsTruncated>${isTruncated}</IsTruncated>${isTruncated ? next : ''}<Prefix>${encode(prefix)}</Prefix>${items.join('')}</ListBucketResult>`;
    return { status: 200, body };
  }

  #listed(entry: string): string {
    const object = this.objects.get(entry);
    if (object === undefined) return `<CommonPrefixes><Prefix>${encode(entry)}</Prefix></CommonPrefixes>`;
    const modified = new Date(Math.floor(object.modified / 1000) * 1000).toISOString();
    return `<Contents><Key>${encode(entry)}</Key><LastModified>${modified}</LastModified><Size>${object.bytes.length}</Size></Contents>`;
  }

  #store(key: string, bytes: Buffer, meta: FakeObject['meta'], suffix = ''): string {
    const tag = `"${md5(bytes)}${suffix}"`;
    this.objects.set(key, { bytes, tag, meta, modified: this.writes() });
    return tag;
  }
}

class S3Failure extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
  ) {
    super(code);
  }

  reply(region?: string): Reply {
    const where = this.code === 'AuthorizationHeaderMalformed' ? `<Region>${region}</Region>` : '';
    return { status: this.status, body: errorXml(this.code, where) };
  }
}

function faultReply({ status, code, headers = {} }: Fault): Reply {
  return { status, headers, body: code === undefined ? '' : errorXml(code) };
}

function errorXml(code: string, more = ''): string {
  return `<?xml version="1.0"?><Error><Code>${code}</Code><Message>It is &lt;${code}&gt;.</Message>${more}</Error>`;
}

export interface SignedRequest {
  /** Such as `s3`. */
  readonly service: string;
  readonly secret: string;
  readonly method: string;
  /** As it was sent. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly signed: readonly string[];
  readonly hash: string;
  readonly time: string;
  readonly day: string;
  readonly region: string;
}

export function signatureOf(request: SignedRequest): string {
  const { service, secret, method, target, headers, signed, hash, time, day, region } = request;
  const [path = '', search = ''] = target.split('?', 2);
  const query = search
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const [name = '', value = ''] = pair.split('=').map((text) => encode(decodeURIComponent(text)));
      return `${name}=${value}`;
    })
    .sort()
    .join('&');
  const canonicalPath = path
    .split('/')
    .map((part) => encode(decodeURIComponent(part)))
    .join('/');
  const lines = signed.map((name) => `${name}:${(headers[name] ?? '').trim().replace(/ +/g, ' ')}\n`);
  const canonical = [method, canonicalPath, query, lines.join(''), signed.join(';'), hash].join('\n');
  const scope = `${day}/${region}/${service}/aws4_request`;
  const text = ['AWS4-HMAC-SHA256', time, scope, sha256(canonical)].join('\n');
  let key: Buffer = Buffer.from(`AWS4${secret}`);
  for (const part of [day, region, service, 'aws4_request'])
    key = createHmac('sha256', key).update(part).digest();
  return createHmac('sha256', key).update(text).digest('hex');
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function parseTime(text: string): number {
  return Date.parse(text.replace(/^(\d{4})(\d\d)(\d\dT\d\d)(\d\d)(\d\dZ)$/, '$1-$2-$3:$4:$5'));
}

function metaOf(headers: FakeRequest['headers']): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith('x-amz-meta-')));
}

function sha256(bytes: Buffer | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function md5(bytes: Buffer): string {
  return createHash('md5').update(bytes).digest('hex');
}

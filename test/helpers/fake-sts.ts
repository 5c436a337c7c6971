// A strict Security Token Service for tests: gives out roles to those who sign their request (AWS Signature Version 4), and who are known.
import { createHash } from 'node:crypto';
import type { TestContext } from 'node:test';
import { signatureOf } from './fake-s3.js';
import { MirrorServer } from './mirror-server.js';

export interface KnownKeys {
  readonly id: string;
  readonly secret: string;
  readonly token?: string;
}

export interface FakeSts {
  readonly url: string;
  /** What was asked for, and by which key. */
  readonly asked: { readonly key: string; readonly form: Readonly<Record<string, string>> }[];
}

export interface FakeStsOptions {
  /** Who may ask. */
  readonly known: readonly KnownKeys[];
  /** What a role gives. */
  readonly issue: (form: Readonly<Record<string, string>>) => KnownKeys;
  readonly expires?: string;
}

export async function startFakeSts(
  t: TestContext,
  { known, issue, expires = '2999-01-01T00:00:00Z' }: FakeStsOptions,
): Promise<FakeSts> {
  const server = await MirrorServer.start();
  t.after(() => server.close());
  const asked: FakeSts['asked'] = [];
  const issued: KnownKeys[] = [];
  server.handle('/', async (request, response) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const form = Object.fromEntries(new URLSearchParams(body));
    const headers = request.headers as Readonly<Record<string, string>>;
    const caller = callerOf({ headers, body, known: [...known, ...issued] });
    if (caller === undefined) {
      const message = `Denied: ${headers.authorization} ${headers['x-amz-security-token']}`;
      const error = `<ErrorResponse><Error><Code>AccessDenied</Code><Message>${message}</Message></Error></ErrorResponse>`;
      return void response.writeHead(403).end(error);
    }
    asked.push({ key: caller.id, form });
    const keys = issue(form);
    issued.push(keys);
    const { id, secret, token } = keys;
    const credentials = `<Credentials><AccessKeyId>${id}</AccessKeyId><SecretAccessKey>${secret}</SecretAccessKey><SessionToken>${token}</SessionToken><Expiration>${expires}</Expiration></Credentials>`;
    response.end(
      `<AssumeRoleResponse><AssumeRoleResult>${credentials}</AssumeRoleResult></AssumeRoleResponse>`,
    );
  });
  return { url: server.url, asked };
}

interface Call {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly known: readonly KnownKeys[];
}

function callerOf({ headers, body, known }: Call): KnownKeys | undefined {
  const match =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/sts\/aws4_request, SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})$/.exec(
      headers.authorization ?? '',
    );
  const [, id, day = '', region = '', names = '', signature] = match ?? [];
  const caller = known.find((each) => each.id === id);
  if (caller === undefined || headers['x-amz-security-token'] !== caller.token) return undefined;
  const expected = signatureOf({
    service: 'sts',
    secret: caller.secret,
    method: 'POST',
    target: '/',
    headers,
    signed: names.split(';'),
    hash: createHash('sha256').update(body).digest('hex'),
    time: headers['x-amz-date'] ?? '',
    day,
    region,
  });
  return signature === expected ? caller : undefined;
}

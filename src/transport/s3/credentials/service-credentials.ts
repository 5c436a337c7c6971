// Credentials that a service gives out for a while: to containers, to machines (IMDSv2), and for a token of OpenID Connect, as CI has it.
import { readFile } from 'node:fs/promises';

import { MirrorError, UsageError } from '../../../core/errors.js';
import { describeSystemError } from '../../../host/system-error.js';
import { HttpClient } from '../../http/client.js';
import { statusError } from '../../http/errors.js';
import type { HttpRequest } from '../../http/request.js';
import { readBody } from '../../read-object.js';
import { elementText } from '../answer/xml.js';
import { awsDomain } from '../endpoint.js';
import type { CredentialSource, Credentials } from './credentials.js';

const ANSWER_LIMIT = 64 * 1024;
/** Nobody but machines of AWS has somebody who answers, so nobody waits for long. */
const MACHINE_TIMEOUT = 1000;

/** `AWS_ROLE_ARN` and `AWS_WEB_IDENTITY_TOKEN_FILE`, or the same two of a profile. */
export const webIdentityCredentials: CredentialSource = async (context) => {
  const { environment, profile, region, client } = context;
  const role = environment.AWS_ROLE_ARN || profile.role_arn;
  const file = environment.AWS_WEB_IDENTITY_TOKEN_FILE || profile.web_identity_token_file;
  if (!role || !file) return undefined;
  const url = environment.AWS_ENDPOINT_URL_STS || `https://sts.${region}.${awsDomain(region)}`;
  const form = new URLSearchParams({
    Action: 'AssumeRoleWithWebIdentity',
    Version: '2011-06-15',
    RoleArn: role,
    RoleSessionName: environment.AWS_ROLE_SESSION_NAME || profile.role_session_name || 'regraft',
    WebIdentityToken: (await readToken(file)).trim(),
  });
  const text = await ask(client, {
    method: 'POST',
    url: parseUrl(url),
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: Buffer.from(form.toString()),
    isRepeatable: true,
  });
  return issued({
    id: elementText(text, 'AccessKeyId'),
    secret: elementText(text, 'SecretAccessKey'),
    token: elementText(text, 'SessionToken'),
    expiration: elementText(text, 'Expiration'),
  });
};

const CONTAINER_HOST = 'http://169.254.170.2';
const CONTAINER_HOSTS = [
  '169.254.170.2',
  '169.254.170.23',
  '[fd00:ec2::23]',
  'localhost',
  '127.0.0.1',
  '[::1]',
];

/** `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI` or `…_FULL_URI`: ECS and EKS. */
export const containerCredentials: CredentialSource = async ({ environment, client }) => {
  const relative = environment.AWS_CONTAINER_CREDENTIALS_RELATIVE_URI;
  const full = environment.AWS_CONTAINER_CREDENTIALS_FULL_URI;
  if (!relative && !full) return undefined;
  const url = parseUrl(relative ? `${CONTAINER_HOST}${relative}` : (full ?? ''));
  if (url.protocol !== 'https:' && !CONTAINER_HOSTS.includes(url.hostname))
    throw new UsageError(
      'config',
      'Cannot get credentials for the container: its URL is not of this machine',
      {
        hint: 'Without https, AWS_CONTAINER_CREDENTIALS_FULL_URI must lead to the container agent',
      },
    );
  const file = environment.AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE;
  const token = file ? (await readToken(file)).trim() : environment.AWS_CONTAINER_AUTHORIZATION_TOKEN;
  const headers = token ? { authorization: token } : undefined;
  return parseIssued(await ask(client, { method: 'GET', url, headers }));
};

/** The role of the machine (IMDSv2); only for servers of AWS, or where somebody names the service. */
export function machineCredentials(isAws: boolean): CredentialSource {
  return async ({ environment }) => {
    const named = environment.AWS_EC2_METADATA_SERVICE_ENDPOINT;
    if (environment.AWS_EC2_METADATA_DISABLED?.toLowerCase() === 'true' || !(isAws || named))
      return undefined;
    const client = new HttpClient({
      connectTimeout: MACHINE_TIMEOUT,
      headersTimeout: MACHINE_TIMEOUT,
      retry: { attempts: 1, wait: async () => {} },
      environment: {}, // no proxy knows this machine
    });
    try {
      return await askMachine(client, parseUrl(named || 'http://169.254.169.254'));
    } catch (error) {
      if (error instanceof MirrorError) return undefined; // not a machine of AWS, or one without a role
      throw error;
    } finally {
      await client.close();
    }
  };
}

async function askMachine(client: HttpClient, base: URL): Promise<Credentials | undefined> {
  const at = (path: string) => new URL(path, base);
  const token = await ask(client, {
    method: 'PUT',
    url: at('/latest/api/token'),
    headers: { 'x-aws-ec2-metadata-token-ttl-seconds': '21600' },
    body: new Uint8Array(0),
  });
  const headers = { 'x-aws-ec2-metadata-token': token };
  const roles = '/latest/meta-data/iam/security-credentials/';
  const [role] = (await ask(client, { method: 'GET', url: at(roles), headers })).split('\n');
  if (!role) return undefined;
  return parseIssued(
    await ask(client, { method: 'GET', url: at(roles + encodeURIComponent(role)), headers }),
  );
}

async function ask(client: HttpClient, request: HttpRequest): Promise<string> {
  const answer = await client.send({ ...request, redirects: new Set() });
  if (answer.status !== 200) {
    answer.discard();
    throw statusError(answer);
  }
  const bytes = await readBody(
    { body: answer.body(), size: answer.size, location: answer.location },
    { limit: ANSWER_LIMIT },
  );
  return Buffer.from(bytes).toString('utf8');
}

interface Issued {
  readonly id: unknown;
  readonly secret: unknown;
  readonly token: unknown;
  readonly expiration: unknown;
}

function parseIssued(text: string): Credentials {
  let parsed: Record<string, unknown> = {};
  try {
    parsed = (JSON.parse(text) as Record<string, unknown> | null) ?? {};
  } catch {
    // The text may hold secrets: nothing of it is told.
  }
  const { AccessKeyId: id, SecretAccessKey: secret, Token: token, Expiration: expiration } = parsed;
  return issued({ id, secret, token, expiration });
}

function issued({ id, secret, token, expiration }: Issued): Credentials {
  if (typeof id !== 'string' || typeof secret !== 'string')
    throw new MirrorError('mirror-unreachable', 'Cannot get credentials: the service sent something else');
  const expires = typeof expiration === 'string' ? Date.parse(expiration) : Number.NaN;
  return {
    accessKeyId: id,
    secretAccessKey: secret,
    sessionToken: typeof token === 'string' ? token : undefined,
    expires: Number.isNaN(expires) ? undefined : expires,
  };
}

async function readToken(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((cause: unknown) => {
    const reason = describeSystemError(cause);
    throw new UsageError('config', `Cannot read the token in "${file}": ${reason}`, {
      cause,
      data: { file },
    });
  });
}

function parseUrl(text: string): URL {
  if (URL.canParse(text)) return new URL(text);
  throw new UsageError('config', 'Cannot get credentials: the URL of their service cannot be parsed');
}

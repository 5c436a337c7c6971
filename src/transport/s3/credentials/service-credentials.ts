// Credentials that a service gives out for a while: to containers, to machines (IMDSv2), and for a token of OpenID Connect, as CI has it.
import { readFile } from 'node:fs/promises';

import { MirrorError, UsageError } from '../../../core/errors.js';
import { describeSystemError } from '../../../host/system-error.js';
import { HttpClient } from '../../http/client.js';
import { type AssumedRole, assumeRole, DEFAULT_SESSION_NAME } from './assume-role.js';
import type { CredentialContext, CredentialSource, Credentials } from './credentials.js';
import {
  askService,
  issuedCredentials,
  nothingIssued,
  parseIssued,
  serviceUrl,
} from './issued-credentials.js';

/** Nobody but machines of AWS has somebody who answers, so nobody waits for long. */
const MACHINE_TIMEOUT = 1000;

/** `AWS_ROLE_ARN` and `AWS_WEB_IDENTITY_TOKEN_FILE`, or the same two of a profile. */
export const webIdentityCredentials: CredentialSource = (context) => {
  const { environment, profile } = context;
  const role = environment.AWS_ROLE_ARN || profile.role_arn;
  const file = environment.AWS_WEB_IDENTITY_TOKEN_FILE || profile.web_identity_token_file;
  if (!role || !file) return undefined;
  const session = environment.AWS_ROLE_SESSION_NAME || profile.role_session_name;
  return assumeWithWebIdentity(context, {
    name: 'the role of a web identity',
    file,
    parameters: { RoleArn: role, RoleSessionName: session || DEFAULT_SESSION_NAME },
  });
};

export interface WebIdentityRole extends Pick<AssumedRole, 'name' | 'parameters'> {
  /** With the token. */
  readonly file: string;
}

/** Errors as `assumeRole`, and UsageError `config` for a file that cannot be read. */
export async function assumeWithWebIdentity(
  context: CredentialContext,
  { name, file, parameters }: WebIdentityRole,
): Promise<Credentials> {
  const token = (await readToken(file)).trim();
  const withToken = { ...parameters, WebIdentityToken: token };
  return assumeRole(context, { name, credentials: undefined, parameters: withToken });
}

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
  const url = serviceUrl(relative ? `${CONTAINER_HOST}${relative}` : (full ?? ''));
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
  return parsedCredentials(await askService(client, { method: 'GET', url, headers }));
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
      return await askMachine(client, serviceUrl(named || 'http://169.254.169.254'));
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
  const token = await askService(client, {
    method: 'PUT',
    url: at('/latest/api/token'),
    headers: { 'x-aws-ec2-metadata-token-ttl-seconds': '21600' },
    body: new Uint8Array(0),
  });
  const headers = { 'x-aws-ec2-metadata-token': token };
  const roles = '/latest/meta-data/iam/security-credentials/';
  const [role] = (await askService(client, { method: 'GET', url: at(roles), headers })).split('\n');
  if (!role) return undefined;
  return parsedCredentials(
    await askService(client, { method: 'GET', url: at(roles + encodeURIComponent(role)), headers }),
  );
}

function parsedCredentials(text: string): Credentials {
  const {
    AccessKeyId: id,
    SecretAccessKey: secret,
    Token: token,
    Expiration: expiration,
  } = parseIssued(text);
  const found = issuedCredentials({ id, secret, token, expiration });
  if (found === undefined) throw nothingIssued();
  return found;
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

// Roles, whose credentials the Security Token Service gives out ("AWS STS API Reference"): to those who have others already, or a token of
// OpenID Connect.
import { MirrorError } from '../../../core/errors.js';
import type { HttpHeaders } from '../../http/request.js';
import { elementText } from '../answer/xml.js';
import { awsDomain } from '../endpoint.js';
import type { CredentialContext, Credentials } from './credentials.js';
import { askService, issuedCredentials, nothingIssued, serviceUrl } from './issued-credentials.js';

export const DEFAULT_SESSION_NAME = 'regraft';

/** What the service answers to those who may not have a role: nothing else that it says is told, since it may repeat what it was asked. */
const CODES: ReadonlySet<string | undefined> = new Set([
  'AccessDenied',
  'ExpiredToken',
  'ExpiredTokenException',
  'IDPCommunicationError',
  'IDPRejectedClaim',
  'IncompleteSignature',
  'InvalidClientTokenId',
  'InvalidIdentityToken',
  'MalformedPolicyDocument',
  'PackedPolicyTooLarge',
  'RegionDisabledException',
  'RequestExpired',
  'SignatureDoesNotMatch',
  'ValidationError',
]);

export interface AssumedRole {
  /** For messages: `the role of the profile "x"`. */
  readonly name: string;
  /** `AssumeRole`, which is signed, or `AssumeRoleWithWebIdentity`, which is not. */
  readonly credentials: Credentials | undefined;
  /** Those without a value are not sent. */
  readonly parameters: Readonly<Record<string, string | undefined>>;
}

/**
 * Assumes a role.
 * @throws MirrorError `mirror-http-status`, `mirror-unreachable`; UsageError `config` for a URL of the service that cannot be parsed.
 */
export async function assumeRole(context: CredentialContext, role: AssumedRole): Promise<Credentials> {
  const { environment, region, client } = context;
  const url = serviceUrl(environment.AWS_ENDPOINT_URL_STS || `https://sts.${region}.${awsDomain(region)}`);
  const action = role.credentials === undefined ? 'AssumeRoleWithWebIdentity' : 'AssumeRole';
  const form = new URLSearchParams({ Action: action, Version: '2011-06-15' });
  for (const [name, value] of Object.entries(role.parameters)) if (value) form.set(name, value);
  const body = form.toString();
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const proof = role.credentials && (await sign({ url, headers, body, region }, role.credentials));
  const text = await askService(
    client,
    { method: 'POST', url, headers: { ...headers, ...proof }, body: Buffer.from(body), isRepeatable: true },
    ({ status }, answer) => refused(role.name, { status, code: elementText(answer, 'Code') }),
  );
  const found = issuedCredentials({
    id: elementText(text, 'AccessKeyId'),
    secret: elementText(text, 'SecretAccessKey'),
    token: elementText(text, 'SessionToken'),
    expiration: elementText(text, 'Expiration'),
  });
  if (found === undefined) throw nothingIssued();
  return found;
}

interface FormRequest {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly region: string;
}

/** AWS Signature Version 4. */
async function sign(
  { url, headers, body, region }: FormRequest,
  { accessKeyId, secretAccessKey, sessionToken }: Credentials,
): Promise<HttpHeaders> {
  const { AwsV4Signer } = await import('aws4fetch');
  const signer = new AwsV4Signer({
    method: 'POST',
    url: url.href,
    headers,
    body,
    accessKeyId,
    secretAccessKey,
    ...(sessionToken !== undefined && { sessionToken }),
    service: 'sts',
    region,
  });
  return Object.fromEntries((await signer.sign()).headers);
}

function refused(
  name: string,
  { status, code }: { readonly status: number; readonly code: string | undefined },
): MirrorError {
  const known = CODES.has(code) ? code : undefined;
  return new MirrorError(
    'mirror-http-status',
    `Cannot assume ${name}: ${known ?? `the service answered ${status}`}`,
    {
      hint: 'Check the role, who may assume it, and what it is assumed with',
      data: { status, stsCode: known },
    },
  );
}

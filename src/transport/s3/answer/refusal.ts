// An answer of S3 that is not what was asked for: its code, in words for people. Secrets do not get in, not even those that the server
// repeats: of what it says, only its code, its message and its request id are told, without what authorized the request.
import { MirrorError, type MirrorErrorCode } from '../../../core/errors.js';
import type { HttpAnswer } from '../../http/answer.js';
import { readBody } from '../../read-object.js';
import type { Credentials } from '../credentials/credentials.js';
import { hasProof, withoutProof } from './proof.js';
import { elementText } from './xml.js';

const BODY_LIMIT = 64 * 1024;

export interface Refusal {
  readonly status: number;
  /** Such as `AccessDenied`; an answer to HEAD has none. */
  readonly code: string | undefined;
  readonly message: string | undefined;
  readonly requestId: string | undefined;
  /** Where the bucket is, if the server says so. */
  readonly region: string | undefined;
  /** The clock of the server, in milliseconds since 1970. */
  readonly date: number | undefined;
}

/** Reads an answer to its end. */
export async function readRefusal(
  answer: HttpAnswer,
  credentials: Credentials | undefined,
): Promise<Refusal> {
  const xml = await readText(answer);
  const code = elementText(xml, 'Code');
  const date = Date.parse(answer.header('date') ?? '');
  const region = answer.header('x-amz-bucket-region') ?? regionIn(xml, code);
  return {
    ...tellable({ xml, requestId: answer.header('x-amz-request-id'), credentials }),
    status: answer.status,
    region: isTellable(region, REGION, credentials) ? region : undefined,
    date: Number.isNaN(date) ? undefined : date,
  };
}

export interface AnswerParts {
  readonly xml: string;
  /** Of the header. */
  readonly requestId: string | undefined;
  readonly credentials: Credentials | undefined;
}

/** What is refused in an answer whose status says that all is well. */
export function refusalIn(parts: AnswerParts): Refusal {
  const { code, message, requestId } = tellable(parts);
  return {
    status: code === 'AccessDenied' ? 403 : 200,
    code,
    message: code === undefined ? 'the answer lacks what it must have' : message,
    requestId,
    region: undefined,
    date: undefined,
  };
}

function tellable({
  xml,
  requestId,
  credentials,
}: AnswerParts): Pick<Refusal, 'code' | 'message' | 'requestId'> {
  const code = elementText(xml, 'Code');
  const request = requestId ?? elementText(xml, 'RequestId');
  const message = elementText(xml, 'Message')?.replace(/\s+/g, ' ');
  return {
    code: isTellable(code, CODE, credentials) ? code : undefined,
    message: message === undefined ? undefined : withoutProof(message, credentials).slice(0, 300),
    requestId: isTellable(request, REQUEST_ID, credentials) ? request : undefined,
  };
}

const CODE = /^[A-Z][A-Za-z0-9.]{0,62}$/;
const REQUEST_ID = /^[\w.+/=:-]{1,100}$/;
/** It gets into URLs, too. */
const REGION = /^[a-z][a-z0-9-]{0,40}$/;

function isTellable(text: string | undefined, form: RegExp, credentials: Credentials | undefined): boolean {
  return text !== undefined && form.test(text) && !hasProof(text, credentials);
}

function regionIn(xml: string, code: string | undefined): string | undefined {
  if (code !== 'AuthorizationHeaderMalformed' && code !== 'PermanentRedirect') return undefined;
  return elementText(xml, 'Region') ?? /expecting '([^']+)'/.exec(elementText(xml, 'Message') ?? '')?.[1];
}

async function readText(answer: HttpAnswer): Promise<string> {
  if (answer.method === 'HEAD') {
    answer.discard();
    return '';
  }
  const { size, location } = answer;
  const read = readBody({ body: answer.body(), size, location }, { limit: BODY_LIMIT });
  return Buffer.from(await read.catch(() => new Uint8Array(0))).toString('utf8');
}

export type Purpose = 'read' | 'write' | 'remove' | 'list';

export interface RefusedObject {
  readonly purpose: Purpose;
  /** Without credentials. */
  readonly location: string;
  readonly isAnonymous: boolean;
}

/** The error of a refusal. */
export function refusalError(
  refusal: Refusal,
  { purpose, location, isAnonymous }: RefusedObject,
): MirrorError {
  const { status, code, requestId } = refusal;
  const hint = hintFor(refusal, isAnonymous);
  return new MirrorError(
    errorCode(refusal, purpose),
    `Cannot ${purpose} "${location}": ${inWords(refusal)}`,
    {
      ...(hint !== undefined && { hint }),
      retryable: isTransient(status),
      data: { location, status, s3Code: code, requestId },
    },
  );
}

/** `AccessDenied: Access Denied (request 4442587FB7D0A2F9)` */
export function inWords({ status, code, message, requestId }: Refusal): string {
  const name = code ?? `the server answered ${status}`;
  const text = message === undefined || message === code ? '' : `: ${message.replace(/\.$/, '')}`;
  return `${name}${text}${requestId === undefined ? '' : ` (request ${requestId})`}`;
}

const FULL: ReadonlySet<string | undefined> = new Set([
  'QuotaExceeded',
  'XMinioStorageFull',
  'InsufficientStorage',
]);

function errorCode({ status, code }: Refusal, purpose: Purpose): MirrorErrorCode {
  if (code === 'NoSuchBucket') return 'mirror-unreachable';
  if (purpose === 'read' || purpose === 'list')
    return status === 404 ? 'mirror-not-found' : 'mirror-http-status';
  if (FULL.has(code) || status === 507) return 'mirror-full';
  if (status === 401 || status === 403 || status === 405) return 'mirror-read-only';
  return isTransient(status) ? 'mirror-http-status' : 'mirror-write-failed';
}

const HINTS: Readonly<Record<string, string>> = {
  NoSuchBucket: 'Check the name of the bucket and the endpoint',
  InvalidAccessKeyId:
    'The server does not know the access key: check the mirror, AWS_ACCESS_KEY_ID and the profile',
  SignatureDoesNotMatch: 'The secret key does not belong to the access key',
  ExpiredToken: 'The session has ended: log in again',
  InvalidToken: 'The token of the session is not valid: log in again',
  RequestTimeTooSkewed: 'Check the clock of this machine',
  SlowDown: 'The server asks for fewer requests; try again later',
  ServiceUnavailable: 'The server is busy; try again later',
};

function hintFor({ status, code }: Refusal, isAnonymous: boolean): string | undefined {
  const hint = HINTS[code ?? ''];
  if (hint !== undefined || (status !== 403 && status !== 401)) return hint;
  return isAnonymous
    ? 'No credentials were found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or access_pair of the mirror'
    : 'The credentials do not allow this';
}

function isTransient(status: number): boolean {
  return status === 408 || status === 429 || status >= 500;
}

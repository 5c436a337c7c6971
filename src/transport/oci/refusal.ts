// An answer of a registry that is not what was asked for, in words for people (OCI distribution specification 1.1, "Error codes"). What a
// registry says is free text, which may repeat a password: only the codes of the specification are told.
import { type ErrorCode, IntegrityError, MirrorError, type MirrorErrorCode } from '../../core/errors.js';
import type { HttpAnswer } from '../http/answer.js';
import { readBody } from '../read-object.js';

const BODY_LIMIT = 64 * 1024;

/** The codes of the specification, and those that registries had before it. */
const CODES: ReadonlySet<string> = new Set([
  'BLOB_UNKNOWN',
  'BLOB_UPLOAD_INVALID',
  'BLOB_UPLOAD_UNKNOWN',
  'DENIED',
  'DIGEST_INVALID',
  'MANIFEST_BLOB_UNKNOWN',
  'MANIFEST_INVALID',
  'MANIFEST_UNKNOWN',
  'MANIFEST_UNVERIFIED',
  'NAME_INVALID',
  'NAME_UNKNOWN',
  'PAGINATION_NUMBER_INVALID',
  'RANGE_INVALID',
  'SIZE_INVALID',
  'TAG_INVALID',
  'TOOMANYREQUESTS',
  'UNAUTHORIZED',
  'UNAVAILABLE',
  'UNKNOWN',
  'UNSUPPORTED',
]);

export interface Refusal {
  readonly status: number;
  /** Of the specification. */
  readonly codes: readonly string[];
}

/** Reads an answer to its end. A 416 is dropped: some registries announce the size of the whole blob, and send less. */
export async function readRefusal(answer: HttpAnswer): Promise<Refusal> {
  const { status, size, location } = answer;
  if (status === 416 || answer.method === 'HEAD') {
    answer.abort();
    return { status, codes: [] };
  }
  const reading = readBody({ body: answer.body(), size, location }, { limit: BODY_LIMIT });
  return { status, codes: codesIn(await reading.catch(() => new Uint8Array(0))) };
}

function codesIn(body: Uint8Array): readonly string[] {
  try {
    const { errors } = JSON.parse(Buffer.from(body).toString('utf8')) as { errors?: unknown };
    if (!Array.isArray(errors)) return [];
    const codes = errors.map((each: { code?: unknown } | null) => String(each?.code).toUpperCase());
    return codes.filter((code) => CODES.has(code));
  } catch {
    return [];
  }
}

export type Purpose = 'read' | 'write' | 'remove' | 'list';

export interface RefusedRequest {
  readonly purpose: Purpose;
  /** Without credentials. */
  readonly location: string;
  /** Whether the request was logged in. */
  readonly isAnonymous: boolean;
}

/** The error of a refusal. */
export function refusalError(refusal: Refusal, request: RefusedRequest): MirrorError | IntegrityError {
  const { status, codes } = refusal;
  const { purpose, location } = request;
  const said = codes.length === 0 ? '' : ` (${codes.join(', ')})`;
  const message = `Cannot ${purpose} "${location}": the registry answered ${status}${said}`;
  const data = { location, status, registryCodes: codes };
  if (codes.includes('DIGEST_INVALID') && purpose === 'write')
    return new IntegrityError('checksum-mismatch', message, {
      hint: 'What arrived is not what was sent: try again',
      retryable: true,
      data,
    });
  const code = errorCode(refusal, purpose);
  const hint = hintFor(code, request);
  return new MirrorError(code, message, {
    ...(hint !== undefined && { hint }),
    retryable: isTransient(status),
    data,
  });
}

function errorCode({ status, codes }: Refusal, purpose: Purpose): MirrorErrorCode {
  const isDenied = status === 403 || codes.includes('DENIED');
  if (status === 401 || (isDenied && purpose !== 'remove')) return 'mirror-login-failed';
  if (purpose === 'remove' && (isDenied || [400, 405, 501].includes(status) || codes.includes('UNSUPPORTED')))
    return 'mirror-no-delete';
  if (codes.includes('MANIFEST_BLOB_UNKNOWN') || (purpose === 'write' && codes.includes('BLOB_UNKNOWN')))
    return 'blob-missing';
  if (purpose === 'write') {
    if (status === 507) return 'mirror-full';
    if (status === 405 || codes.includes('UNSUPPORTED')) return 'mirror-read-only';
    return isTransient(status) ? 'mirror-http-status' : 'mirror-write-failed';
  }
  return status === 404 ? 'mirror-not-found' : 'mirror-http-status';
}

function hintFor(code: ErrorCode, { isAnonymous }: RefusedRequest): string | undefined {
  if (code === 'mirror-no-delete')
    return 'The registry does not allow it, or the login does not: remove it there, or configure the registry to allow deleting';
  if (code !== 'mirror-login-failed') return undefined;
  return isAnonymous
    ? 'No login was found: "docker login", "podman login", or access_pair of the mirror'
    : 'The login is wrong, or does not allow this: check access_pair of the mirror, or log in again';
}

function isTransient(status: number): boolean {
  return status === 408 || status === 429 || (status >= 500 && status !== 501 && status !== 507);
}

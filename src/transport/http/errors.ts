// Coded errors for requests to web servers.

import { MirrorError } from '../../core/errors.js';

/** The request, for messages. */
export interface AskedServer {
  readonly method: string;
  /** Without credentials. */
  readonly location: string;
}

interface RefusedRequest extends AskedServer {
  readonly status: number;
}

/** An answer that is neither success nor "not found". */
export function statusError({ method, status, location }: RefusedRequest): MirrorError {
  const hint = statusHint(status);
  return new MirrorError('mirror-http-status', `${cannot(method, location)}: the server answered ${status}`, {
    ...(hint !== undefined && { hint }),
    retryable: status === 408 || status === 429 || status >= 500,
    data: { location, status },
  });
}

export function absentError({ method, status, location }: RefusedRequest): MirrorError {
  return new MirrorError('mirror-not-found', `${cannot(method, location)}: the server answered ${status}`, {
    data: { location, status },
  });
}

/** The same of a bucket, which may mean something else. */
export function hiddenError({ method, status, location }: RefusedRequest): MirrorError {
  return new MirrorError('mirror-not-found', `${cannot(method, location)}: the bucket denies access`, {
    hint: 'It is not there, or may not be read: to those who may not list a bucket, it does not tell which',
    data: { location, status },
  });
}

/** The object that the request depends on has changed. */
export function changedError({ method, status, location }: RefusedRequest): MirrorError {
  return new MirrorError('mirror-changed', `${cannot(method, location)}: it has changed`, {
    data: { location, status },
  });
}

function statusHint(status: number): string | undefined {
  if (status === 401) return 'The mirror requires a user and password: https://user:password@host/…';
  if (status === 403)
    return 'The server denies access; some servers also answer this for files that do not exist';
  if (status === 407)
    return 'The proxy requires a user and password: HTTPS_PROXY=http://user:password@host:port';
  if (status === 429) return 'The server limits the number of requests: try again later';
  return undefined;
}

/** Redirects that form a loop, or a chain that is too long. */
export function redirectError({ method, location }: AskedServer, visited: readonly string[]): MirrorError {
  const count = visited.length === 1 ? '1 redirect' : `${visited.length} redirects`;
  return new MirrorError('mirror-redirect-loop', `${cannot(method, location)}: gave up after ${count}`, {
    hint: 'Check the URL of the mirror',
    data: { location, visited },
  });
}

const SCHEMES: ReadonlySet<string> = new Set([
  'http:',
  'ftp:',
  'file:',
  'data:',
  'javascript:',
  'ws:',
  's3:',
]);

/** A redirect that must not be followed. What a server says is repeated only where it is the name of a scheme. */
export function redirectProtocolError(location: string, protocol: string): MirrorError {
  const known = SCHEMES.has(protocol) ? protocol : undefined;
  const target = known === undefined ? 'a URL that is not of the web' : `"${known}"`;
  return new MirrorError('mirror-protocol', `Cannot follow the redirect from "${location}" to ${target}`, {
    hint: 'A redirect may lead to https:, or from http: to http:',
    data: { location, protocol: known },
  });
}

/** No usable answer: no connection, no headers, or not HTTP. */
export function connectionError({ method, location }: AskedServer, cause: unknown): MirrorError {
  const { reason, code } = describe(cause);
  const certificate = isCertificateProblem(code);
  return new MirrorError('mirror-unreachable', `${cannot(method, location)}: ${reason}`, {
    cause,
    retryable: !certificate && !PERMANENT.has(code),
    ...(certificate && { hint: asksForClient(code) ? CLIENT_HINT : SERVER_HINT }),
    data: { location, reason: code },
  });
}

function cannot(method: string, location: string): string {
  const action = method === 'GET' || method === 'HEAD' ? 'read' : method === 'DELETE' ? 'remove' : 'write';
  return `Cannot ${action} "${location}"`;
}

/** A host that does not exist, or an answer that is not HTTP, will not change within seconds. */
const PERMANENT: ReadonlySet<string> = new Set(['ENOTFOUND', 'ERR_INVALID_URL', 'UND_ERR_INVALID_ARG']);

const SERVER_HINT = 'Set SSL_CERT_FILE to a file with the certificate authority of the server';
const CLIENT_HINT =
  'The server asks for a certificate, or does not accept the one shown: name one with "regraft mirror set NAME --client-certificate FILE"';

/** The server's own complaint. */
function asksForClient(code: string): boolean {
  return /ALERT_(CERTIFICATE_|BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|UNKNOWN_CA|HANDSHAKE_FAILURE)/.test(
    code,
  );
}

function isCertificateProblem(code: string): boolean {
  return /CERT|UNABLE_TO_|ERR_TLS_|ERR_SSL_/.test(code);
}

function describe(cause: unknown): { reason: string; code: string } {
  const error = innermost(cause);
  const code = error.code ?? '';
  return { reason: REASONS[code] ?? (code === '' ? error.message : `${error.message} (${code})`), code };
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the server refused the connection',
  ECONNRESET: 'the server closed the connection',
  UND_ERR_SOCKET: 'the server closed the connection',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'the host name cannot be looked up at the moment',
  UND_ERR_CONNECT_TIMEOUT: 'the connection timed out',
  UND_ERR_HEADERS_TIMEOUT: 'the server did not answer in time',
};

/** A host with several addresses fails with an AggregateError; the first cause stands for all. */
function innermost(cause: unknown): { message: string; code?: string } {
  if (cause instanceof AggregateError && cause.errors.length > 0) return innermost(cause.errors[0]);
  if (cause instanceof Error) return cause;
  return { message: String(cause) };
}

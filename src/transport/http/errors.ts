// What goes wrong between us and a web server, as coded errors.

import { MirrorError } from '../../core/errors.js';

/** What was asked of whom, for messages. */
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

/** The object is not the one any more that the request depends on. */
export function changedError({ method, status, location }: RefusedRequest): MirrorError {
  return new MirrorError('mirror-changed', `${cannot(method, location)}: it has changed`, {
    data: { location, status },
  });
}

function statusHint(status: number): string | undefined {
  if (status === 401) return 'The mirror wants a user and a password: https://user:password@host/…';
  if (status === 403) return 'The server refuses access; some also answer so for files that do not exist';
  if (status === 407)
    return 'The proxy wants a user and a password: HTTPS_PROXY=http://user:password@host:port';
  if (status === 429) return 'The server asks for fewer requests; try again later';
  return undefined;
}

/** Redirects that turn in a circle, or go on for too long. */
export function redirectError({ method, location }: AskedServer, visited: readonly string[]): MirrorError {
  const count = visited.length === 1 ? '1 redirect' : `${visited.length} redirects`;
  return new MirrorError('mirror-redirect-loop', `${cannot(method, location)}: gave up after ${count}`, {
    hint: 'Check the URL of the mirror',
    data: { location, visited },
  });
}

/** A redirect that must not be followed. */
export function redirectProtocolError(location: string, protocol: string): MirrorError {
  return new MirrorError(
    'mirror-protocol',
    `Cannot follow the redirect from "${location}" to "${protocol}"`,
    {
      hint: 'Redirects may lead to https:, and from http: to http:',
      data: { location, protocol },
    },
  );
}

/** No answer at all: no connection, no headers, or not HTTP. */
export function connectionError({ method, location }: AskedServer, cause: unknown): MirrorError {
  const { reason, code } = describe(cause);
  const certificate = isCertificateProblem(code);
  return new MirrorError('mirror-unreachable', `${cannot(method, location)}: ${reason}`, {
    cause,
    retryable: !certificate && !PERMANENT.has(code),
    ...(certificate && { hint: 'Name the certificate authority of the server in SSL_CERT_FILE' }),
    data: { location, reason: code },
  });
}

function cannot(method: string, location: string): string {
  const action = method === 'GET' || method === 'HEAD' ? 'read' : method === 'DELETE' ? 'remove' : 'write';
  return `Cannot ${action} "${location}"`;
}

/** A host that does not exist, or an answer that is not HTTP, will not change within seconds. */
const PERMANENT: ReadonlySet<string> = new Set(['ENOTFOUND', 'ERR_INVALID_URL', 'UND_ERR_INVALID_ARG']);

function isCertificateProblem(code: string): boolean {
  return /CERT|UNABLE_TO_|ERR_TLS_|ERR_SSL_/.test(code);
}

function describe(cause: unknown): { reason: string; code: string } {
  const error = innermost(cause);
  const code = error.code ?? '';
  return { reason: REASONS[code] ?? (code === '' ? error.message : `${error.message} (${code})`), code };
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the server refuses the connection',
  ECONNRESET: 'the server closed the connection',
  UND_ERR_SOCKET: 'the server closed the connection',
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'the name of the host cannot be looked up now',
  UND_ERR_CONNECT_TIMEOUT: 'no connection within the time',
  UND_ERR_HEADERS_TIMEOUT: 'no answer within the time',
};

/** Several addresses of a host fail with an AggregateError; the first cause speaks for all. */
function innermost(cause: unknown): { message: string; code?: string } {
  if (cause instanceof AggregateError && cause.errors.length > 0) return innermost(cause.errors[0]);
  if (cause instanceof Error) return cause;
  return { message: String(cause) };
}

// What goes wrong between us and a web server, as coded errors.

import { MirrorError } from '../../core/errors.js';

/** An answer that is neither success nor "not found". */
export function statusError({ status, location }: { status: number; location: string }): MirrorError {
  const hint = statusHint(status);
  return new MirrorError('mirror-http-status', `Cannot read "${location}": the server answered ${status}`, {
    ...(hint !== undefined && { hint }),
    retryable: status === 408 || status === 429 || status >= 500,
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
export function redirectError(location: string, visited: readonly string[]): MirrorError {
  return new MirrorError(
    'mirror-redirect-loop',
    `Cannot read "${location}": ${visited.length} redirects lead nowhere`,
    {
      hint: 'Check the URL of the mirror',
      data: { location, visited },
    },
  );
}

/** No answer at all: no connection, no headers, or not HTTP. */
export function connectionError(location: string, cause: unknown): MirrorError {
  const { reason, code } = describe(cause);
  const certificate = isCertificateProblem(code);
  return new MirrorError('mirror-unreachable', `Cannot read "${location}": ${reason}`, {
    cause,
    retryable: !certificate && !PERMANENT.has(code),
    ...(certificate && { hint: 'Name the certificate authority of the server in SSL_CERT_FILE' }),
    data: { location, reason: code },
  });
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

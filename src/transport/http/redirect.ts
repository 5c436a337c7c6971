// The request that follows a redirect (RFC 9110 §15.4).
import type { HttpAnswer } from './answer.js';
import { redirectProtocolError, statusError } from './errors.js';
import { withoutCredentials } from './location.js';
import { type HttpHeaders, type HttpRequest, isReplayable } from './request.js';

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** Redirects that keep the method and body. */
const KEEPING: ReadonlySet<number> = new Set([307, 308]);
/** Headers that must not reach another server; an authorizer makes its own for each hop. */
const SECRET = ['authorization', 'cookie', 'proxy-authorization'];
/** Headers that describe a body. */
const OF_BODY = /^content-/;

/**
 * The request that a redirect asks for; undefined if there is none, or if the body cannot be sent again.
 * @throws MirrorError `mirror-protocol` for a redirect to a forbidden protocol, `mirror-http-status` for one without a usable location.
 */
export function redirected(request: HttpRequest, answer: HttpAnswer): HttpRequest | undefined {
  if (!(request.redirects ?? REDIRECTS).has(answer.status)) return undefined;
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  const keepsBody = isRead || KEEPING.has(answer.status);
  if (keepsBody && !isReplayable(request.body)) return undefined;
  const url = redirectTarget(request.url, answer);
  const headers = url.origin === request.url.origin ? request.headers : without(request.headers, isSecret);
  if (keepsBody) return { ...request, url, headers };
  return { ...request, method: 'GET', url, headers: without(headers, isOfBody), body: undefined };
}

function redirectTarget(from: URL, answer: HttpAnswer): URL {
  const target = answer.header('location');
  if (target === undefined || !URL.canParse(target, from.href)) throw statusError(answer);
  const next = withoutCredentials(new URL(target, from.href));
  const isSecure = next.protocol === 'https:';
  if (isSecure || (next.protocol === 'http:' && from.protocol === 'http:')) return next;
  throw redirectProtocolError(answer.location, next.protocol);
}

function isSecret(name: string): boolean {
  return SECRET.includes(name.toLowerCase());
}

function isOfBody(name: string): boolean {
  return OF_BODY.test(name.toLowerCase());
}

function without(
  headers: HttpHeaders | undefined,
  isUnwanted: (name: string) => boolean,
): HttpHeaders | undefined {
  return headers && Object.fromEntries(Object.entries(headers).filter(([name]) => !isUnwanted(name)));
}

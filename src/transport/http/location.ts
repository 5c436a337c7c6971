// URLs of a web server: joining and percent-encoding (RFC 3986), and a form for messages that shows no secret.

import { createHash } from 'node:crypto';
import type { Authorizer } from './request.js';

/** The URL of an object below a store's root; a query of the root (an access token, say) stays. */
export function joinUrl(root: URL, components: readonly string[]): URL {
  const url = new URL(root.href);
  // encodeURIComponent also encodes "+", which some servers read as a blank.
  url.pathname = [root.pathname.replace(/\/+$/, ''), ...components.map(encodeURIComponent)].join('/');
  return url;
}

/** The URL without user, password and fragment; a query is replaced by a short digest, since it may hold a token. */
export function redactUrl(url: URL): string {
  const path = url.pathname === '/' ? '' : url.pathname;
  return `${url.protocol}//${url.host}${path}${redactQuery(url.search)}`;
}

/** The digest keeps two stores apart that differ only in their query. */
function redactQuery(search: string): string {
  if (search === '') return '';
  return `?redacted-${createHash('sha256').update(search).digest('hex').slice(0, 8)}`;
}

/** The URL without user, password and fragment, as it is requested. */
export function withoutCredentials(url: URL): URL {
  const clean = new URL(url.href);
  clean.username = '';
  clean.password = '';
  clean.hash = '';
  return clean;
}

/** Gives the user and password of a URL to its server, and to no other: a redirect must not carry them along. */
export function basicAuthorizer(url: URL): Authorizer | undefined {
  const authorization = basicAuthorization(url);
  if (authorization === undefined) return undefined;
  return { authorize: (hop) => (hop.url.origin === url.origin ? { authorization } : undefined) };
}

/** The `Authorization` header for the user and password of a URL. */
function basicAuthorization(url: URL): string | undefined {
  if (url.username === '' && url.password === '') return undefined;
  const pair = `${decodePercent(url.username)}:${decodePercent(url.password)}`;
  return `Basic ${Buffer.from(pair, 'utf8').toString('base64')}`;
}

function decodePercent(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

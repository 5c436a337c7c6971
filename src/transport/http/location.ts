// URLs of a web server: joining and percent-encoding (RFC 3986), and a form for messages that shows no secrets.

import { createHash } from 'node:crypto';
import type { Authorizer } from './request.js';

/** The URL of an object below a store's root; a query of the root (such as an access token) is kept. */
export function joinUrl(root: URL, components: readonly string[]): URL {
  const url = new URL(root.href);
  // encodeURIComponent also encodes "+", which some servers read as a space.
  url.pathname = [root.pathname.replace(/\/+$/, ''), ...components.map(encodeURIComponent)].join('/');
  return url;
}

/** The URL without user, password and fragment; a query is replaced by a short digest, since it may hold a token. */
export function redactUrl(url: URL): string {
  const path = url.pathname === '/' ? '' : url.pathname;
  return `${url.protocol}//${url.host}${path}${redactQuery(url.search)}`;
}

/** The digest tells apart two stores that differ only in their query. */
function redactQuery(search: string): string {
  if (search === '') return '';
  return `?redacted-${createHash('sha256').update(search).digest('hex').slice(0, 8)}`;
}

/** The URL to request: without user, password and fragment. */
export function withoutCredentials(url: URL): URL {
  const clean = new URL(url.href);
  clean.username = '';
  clean.password = '';
  clean.hash = '';
  return clean;
}

/** Sends the user and password of a URL to its own server only: a redirect must not pass them on. */
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

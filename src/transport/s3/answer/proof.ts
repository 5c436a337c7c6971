// What authorizes requests, wherever a server repeats it: signatures, tokens of sessions, signed URLs. Nobody needs them to understand an
// error, and errors end up in logs.
import type { Credentials } from '../credentials/credentials.js';

/** The words of a signature, in a header or a URL ("Authenticating Requests", AWS Signature Version 4), with their values. */
const SIGNED =
  /(?:AWS4-HMAC-SHA256|Credential|SignedHeaders|Signature|X-Amz-[A-Za-z0-9-]+|Authorization)\b["']?(?:\s*[=:,]\s*|%3D|\s+)(?:AWS4-HMAC-SHA256\s*)?[^\s,;&<>"']*/gi;
/** Signatures, keys and tokens are long and have no blanks; of a path, the URL of the request tells anyway. */
const OPAQUE = /[A-Za-z0-9+=_%-]{32,}|[A-Za-z0-9+/=_%-]{64,}/g;
/** The form of a signature. */
const SIGNATURE = /[0-9a-f]{64}/i;
/** Shorter ones would be found in ordinary words. */
const SHORTEST_SECRET = 4;

/** Replaces what authorizes a request by an ellipsis. */
export function withoutProof(text: string, credentials: Credentials | undefined): string {
  let told = text;
  for (const secret of secretsOf(credentials)) told = told.replaceAll(secret, '…');
  return told.replace(SIGNED, '…').replace(OPAQUE, '…');
}

/** Whether a word has something of it. */
export function hasProof(word: string, credentials: Credentials | undefined): boolean {
  return SIGNATURE.test(word) || secretsOf(credentials).some((secret) => word.includes(secret));
}

/** As they are, and as they stand in URLs. */
function secretsOf(credentials: Credentials | undefined): readonly string[] {
  const { secretAccessKey = '', sessionToken = '' } = credentials ?? {};
  const secrets = [secretAccessKey, sessionToken].filter((secret) => secret.length >= SHORTEST_SECRET);
  return [...new Set(secrets.flatMap((secret) => [secret, encodeURIComponent(secret)]))];
}

// Signs requests (AWS Signature Version 4), each hop anew. Only the host and the headers of AWS are signed: proxies change others.
import { createHash } from 'node:crypto';
import type { Authorizer, Hop, HttpHeaders } from '../http/request.js';
import type { CredentialCache } from './credentials/credentials.js';
import { isAwsHost } from './endpoint.js';

export const CONTENT_SHA256 = 'x-amz-content-sha256';

export interface SignerOptions {
  readonly credentials: CredentialCache;
  /** The region now: it may be learned later. */
  readonly region: () => string;
  /** What the clock of the server is ahead of ours, in milliseconds. */
  readonly clockOffset: () => number;
  /** The host that a hop must lead to, or another one of AWS: a redirect must not carry tokens elsewhere. */
  readonly host: () => string;
}

/** Makes the signer of one store; without credentials nothing is signed. */
export function makeSigner({ credentials, region, clockOffset, host }: SignerOptions): Authorizer {
  // Keys of a day are made of the secret key once, not for each request.
  const cache = new Map<string, ArrayBuffer>();
  return {
    async authorize(hop: Hop): Promise<HttpHeaders | undefined> {
      if (!mayKnow(hop.url.hostname, host())) return undefined;
      const found = await credentials.get();
      if (found === undefined) return undefined;
      const { AwsV4Signer } = await import('aws4fetch');
      const { accessKeyId, secretAccessKey, sessionToken } = found;
      const signer = new AwsV4Signer({
        method: hop.method,
        url: hop.url.href,
        headers: amazonHeaders(hop.headers),
        accessKeyId,
        secretAccessKey,
        ...(sessionToken !== undefined && { sessionToken }),
        service: 's3',
        region: region(),
        cache,
        datetime: timestamp(Date.now() + clockOffset()),
      });
      const signed = await signer.sign();
      return Object.fromEntries(signed.headers);
    },
  };
}

function mayKnow(hostname: string, own: string): boolean {
  return hostname === own || (isAwsHost(hostname) && isAwsHost(own));
}

function amazonHeaders(headers: HttpHeaders): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith('x-amz-')));
}

/** `20260102T030405Z` */
function timestamp(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/[:-]|\.\d{3}/g, '');
}

export function sha256Hex(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

// Where the objects of a bucket are: what `s3://bucket/prefix` means, and the URLs of its requests (Amazon S3, "Virtual hosting of
// general purpose buckets").
import { MirrorError } from '../../core/errors.js';
import type { Endpoint } from './endpoint.js';

export interface BucketPlace {
  readonly bucket: string;
  /** What all keys begin with: empty, or it ends in `/`. */
  readonly prefix: string;
}

/**
 * Takes an `s3:` or `gs:` URL apart. The prefix is taken as it is: nothing in it is percent-encoded.
 * @throws MirrorError `mirror-protocol`
 */
export function parseBucketUrl(reference: string): BucketPlace {
  const match = /^[a-z0-9]+:\/\/(?<bucket>[a-z0-9][a-z0-9._-]{1,221})(?:\/(?<prefix>.*))?$/is.exec(reference);
  const parts = match?.groups?.prefix?.split('/').filter((part) => part !== '') ?? [];
  const isUsable = match !== null && !parts.some((part) => part === '.' || part === '..');
  const bucket = match?.groups?.bucket;
  if (isUsable && bucket !== undefined) return { bucket, prefix: parts.map((part) => `${part}/`).join('') };
  // The text is not repeated: somebody may have put a password into it.
  throw new MirrorError('mirror-protocol', 'Cannot open a mirror: its URL does not name a bucket', {
    hint: 'Write it as s3://bucket/prefix; keys belong in mirrors.yaml or the environment',
  });
}

export interface ObjectRequest {
  readonly bucket: string;
  /** Nothing for the bucket itself. */
  readonly key?: string | undefined;
  readonly query?: Readonly<Record<string, string>> | undefined;
  readonly region: string;
}

/** The URL of a request: path style at a named endpoint and for names that no certificate covers, a virtual host at AWS. */
export function requestUrl(endpoint: Endpoint, { bucket, key = '', query = {}, region }: ObjectRequest): URL {
  const { origin, path, hasVirtualHosts } = endpoint.at(region);
  const url = new URL(origin);
  const isVirtual = hasVirtualHosts && /^[a-z0-9-]+$/.test(bucket);
  if (isVirtual) url.hostname = `${bucket}.${url.hostname}`;
  url.pathname = `${path}/${isVirtual ? '' : `${bucket}/`}${key.split('/').map(encode).join('/')}`;
  url.search = Object.entries(query)
    .map((pair) => pair.map(encode).join('='))
    .join('&');
  return url;
}

/** RFC 3986: everything but unreserved characters, as signatures have it. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

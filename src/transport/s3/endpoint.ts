// Which server has the buckets, and in which region: from the mirror, the environment and the shared files, in the order of AWS's tools
// (`S3_ENDPOINT_URL` is Spack's).
import { UsageError } from '../../core/errors.js';
import type { Environment } from '../../host/environment.js';
import { withoutCredentials } from '../http/location.js';
import type { StoreConnection } from '../store-connection.js';
import type { Profile } from './credentials/profiles.js';

export interface ServerPlace {
  /** `https://host:port` */
  readonly origin: string;
  /** Without a slash at its end. */
  readonly path: string;
  readonly hasVirtualHosts: boolean;
}

export interface Endpoint {
  /** Of a server that was named, for messages: host and path. */
  readonly name: string | undefined;
  readonly isAws: boolean;
  at(region: string): ServerPlace;
}

export interface EndpointSources {
  readonly connection: StoreConnection;
  readonly environment: Environment;
  readonly profile: Profile;
}

const GOOGLE = 'https://storage.googleapis.com';

/**
 * Finds the endpoint of `s3:`.
 * @throws UsageError `config` for an endpoint that is not an HTTP URL.
 */
export function findEndpoint({ connection, environment, profile }: EndpointSources): Endpoint {
  const named =
    connection.endpointUrl ||
    environment.AWS_ENDPOINT_URL_S3 ||
    environment.AWS_ENDPOINT_URL ||
    environment.S3_ENDPOINT_URL ||
    profile.endpoint_url;
  return named === undefined || named === '' ? AWS : namedEndpoint(named);
}

/** The endpoint of `gs:`: the same protocol, with the HMAC keys of Google's "XML API". */
export function findGoogleEndpoint(connection: StoreConnection): Endpoint {
  const endpoint = namedEndpoint(connection.endpointUrl || GOOGLE);
  return connection.endpointUrl ? endpoint : { ...endpoint, name: undefined };
}

export function findRegion({ environment, profile }: EndpointSources): string {
  return environment.AWS_REGION || environment.AWS_DEFAULT_REGION || profile.region || 'us-east-1';
}

/** The domain of AWS's servers in a region. */
export function awsDomain(region: string): string {
  return region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
}

export function isAwsHost(host: string): boolean {
  return /\.amazonaws\.com(\.cn)?$/.test(host);
}

const AWS: Endpoint = {
  name: undefined,
  isAws: true,
  at: (region) => ({
    origin: `https://s3.${region}.${awsDomain(region)}`,
    path: '',
    hasVirtualHosts: true,
  }),
};

/** A named endpoint without a scheme is reached over https, as in Spack. */
function namedEndpoint(text: string): Endpoint {
  const href = text.includes('://') ? text : `https://${text}`;
  const url = URL.canParse(href) ? withoutCredentials(new URL(href)) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol))
    throw new UsageError('config', 'Cannot use the endpoint of a mirror: it is not an HTTP URL', {
      hint: 'Write endpoint_url (or AWS_ENDPOINT_URL) as https://host:port',
    });
  const path = url.pathname.replace(/\/+$/, '');
  const place = { origin: url.origin, path, hasVirtualHosts: false };
  return { name: `${url.host}${path}`, isAws: isAwsHost(url.hostname), at: () => place };
}

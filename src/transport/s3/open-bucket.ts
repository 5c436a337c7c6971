// Opens `s3:` and `gs:` URLs: finds the endpoint, the region and the credentials.
import type { Environment } from '../../host/environment.js';
import { HttpClient, type HttpClientOptions } from '../http/client.js';
import type { ObjectStore } from '../object-store.js';
import type { StoreConnection } from '../store-connection.js';
import { parseBucketUrl } from './bucket-place.js';
import {
  CredentialCache,
  type CredentialSource,
  environmentCredentials,
  firstCredentials,
  googleCredentials,
  mirrorCredentials,
} from './credentials/credentials.js';
import { mirrorProfileCredentials, profileCredentials } from './credentials/profile-credentials.js';
import { type Profile, readProfile } from './credentials/profiles.js';
import {
  containerCredentials,
  machineCredentials,
  webIdentityCredentials,
} from './credentials/service-credentials.js';
import { type Endpoint, findEndpoint, findGoogleEndpoint, findRegion } from './endpoint.js';
import { S3Objects } from './objects.js';

export interface OpenBucketOptions extends HttpClientOptions {
  readonly connection?: StoreConnection | undefined;
}

/**
 * Opens a bucket of S3.
 * @throws MirrorError `mirror-protocol`; UsageError `config` for an endpoint or a profile that cannot be used.
 */
export function openS3Bucket(reference: string, options: OpenBucketOptions): ObjectStore {
  const { connection = {}, environment = process.env } = options;
  const profile = readProfile(connection.profile, environment);
  const sources = { connection, environment, profile };
  const endpoint = findEndpoint(sources);
  return openBucket(reference, {
    ...options,
    scheme: 's3',
    region: findRegion(sources),
    endpoint,
    profile,
    sources: [
      mirrorCredentials,
      mirrorProfileCredentials,
      environmentCredentials,
      webIdentityCredentials,
      profileCredentials,
      containerCredentials,
      machineCredentials(endpoint.isAws),
    ],
  });
}

/** Opens a bucket of Google's storage. Errors as `openS3Bucket`. */
export function openGoogleBucket(reference: string, options: OpenBucketOptions): ObjectStore {
  const { connection = {}, environment = process.env } = options;
  return openBucket(reference, {
    ...options,
    scheme: 'gs',
    region: 'auto',
    endpoint: findGoogleEndpoint(connection),
    profile: connection.profile ? readProfile(connection.profile, environment) : {},
    sources: [mirrorCredentials, mirrorProfileCredentials, googleCredentials],
  });
}

interface Bucket extends OpenBucketOptions {
  readonly scheme: string;
  readonly region: string;
  readonly endpoint: Endpoint;
  readonly profile: Profile;
  readonly sources: readonly CredentialSource[];
}

function openBucket(reference: string, bucket: Bucket): ObjectStore {
  const { scheme, region, endpoint, profile, sources, connection = {}, ...http } = bucket;
  const environment: Environment = http.environment ?? process.env;
  const caFile = http.caFile ?? (environment.AWS_CA_BUNDLE || undefined);
  const options = { ...http, environment, caFile };
  const credentials = new CredentialCache(async () => {
    const client = new HttpClient(options);
    try {
      return await firstCredentials(sources, { connection, environment, profile, region, client });
    } finally {
      await client.close();
    }
  });
  const place = parseBucketUrl(reference);
  return new S3Objects({ scheme, place, endpoint, region, credentials, http: options });
}

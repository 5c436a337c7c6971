// A real server of buckets. REGRAFT_S3_SERVER names a script that starts one for a folder, writes DIR/env with the variables of AWS, keeps the
// buckets in DIR/data, and each request in a line of DIR/access.log.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { ObjectStore } from '../../src/transport/object-store.js';
import { type OpenStoreOptions, openObjectStore } from '../../src/transport/open-store.js';
import { parseBucketUrl } from '../../src/transport/s3/bucket-place.js';
import { S3Client } from '../../src/transport/s3/client.js';
import { CredentialCache } from '../../src/transport/s3/credentials/credentials.js';
import { findEndpoint } from '../../src/transport/s3/endpoint.js';
import { sha256Hex } from '../../src/transport/s3/signer.js';
import { temporaryFolder } from '../store/temporary-folder.js';
import { makeAuthority } from './throwaway-authority.js';

const SCRIPT = process.env.REGRAFT_S3_SERVER;

/** Why tests with it cannot run; false where they can. */
export const NO_S3_SERVER: string | false =
  SCRIPT === undefined ? 'skipped: REGRAFT_S3_SERVER does not name a script that starts a server' : false;

export interface S3Server {
  /** Of somebody who may do everything; over TLS, AWS_CA_BUNDLE is among them. */
  readonly environment: Readonly<Record<string, string>>;
  open(changes?: Readonly<Record<string, string | undefined>>, options?: OpenStoreOptions): ObjectStore;
  /** Lets everybody list and read the bucket. */
  allowReading(): Promise<void>;
  /** The requests since it was asked last, such as `s3_GetObject pre/fix/x 200`. */
  requests(): string[];
}

export function startS3Server(t: TestContext, { withTls = false } = {}): S3Server {
  const folder = temporaryFolder(t);
  const authority = withTls ? makeAuthority(folder) : undefined;
  const tls = authority === undefined ? [] : ['--tls', authority.certificate, authority.key];
  execFileSync(SCRIPT ?? '', [folder, ...tls], { stdio: 'ignore' });
  const text = readFileSync(join(folder, 'env'), 'utf8');
  const variables = Object.fromEntries(
    [...text.matchAll(/(?<= )(\w+)=(\S+)/g)].map(([, name = '', value = '']) => [name, value]),
  );
  const pid = Number(variables.S3_PID);
  const opened: ObjectStore[] = [];
  t.after(async () => {
    await Promise.all(opened.map((store) => store.close?.()));
    process.kill(pid);
  });
  mkdirSync(join(folder, 'data', 'bucket'));
  const log = join(folder, 'access.log');
  writeFileSync(log, '', { flag: 'a' });
  let seen = 0;
  const environment = {
    ...variables,
    AWS_EC2_METADATA_DISABLED: 'true',
    ...(authority && { AWS_CA_BUNDLE: authority.authority }),
  };
  return {
    environment,
    open: (changes = {}, options = {}) => {
      const store = openObjectStore('s3://bucket/pre/fix', {
        ...options,
        environment: { ...environment, ...changes },
      });
      opened.push(store);
      return store;
    },
    allowReading: () => putPolicy(environment),
    requests: () => {
      const lines = readFileSync(log, 'utf8')
        .split('\n')
        .filter((line) => line !== '');
      const found = lines.slice(seen).map((line) => {
        const [, name = '', key = '', status = ''] = / (s3_\w+) (\S+) .*? (\d{3}) /.exec(line) ?? [];
        return `${name} ${key} ${status}`;
      });
      seen = lines.length;
      return found;
    },
  };
}

async function putPolicy(environment: Readonly<Record<string, string>>): Promise<void> {
  const statement = (action: string, resource: string) => ({
    Effect: 'Allow',
    Principal: '*',
    Action: action,
    Resource: `arn:aws:s3:::${resource}`,
  });
  const body = Buffer.from(
    JSON.stringify({
      Version: '2012-10-17',
      Statement: [statement('s3:GetObject', 'bucket/*'), statement('s3:ListBucket', 'bucket')],
    }),
  );
  const credentials = new CredentialCache(async () => ({
    accessKeyId: environment.AWS_ACCESS_KEY_ID ?? '',
    secretAccessKey: environment.AWS_SECRET_ACCESS_KEY ?? '',
  }));
  const client = new S3Client({
    place: parseBucketUrl('s3://bucket'),
    endpoint: findEndpoint({ connection: {}, environment, profile: {} }),
    region: 'us-east-1',
    credentials,
    http: { environment, caFile: environment.AWS_CA_BUNDLE },
    locate: () => 's3://bucket',
  });
  const content = { body, sha256: sha256Hex(body) };
  (await client.demand({ method: 'PUT', query: { policy: '' }, content }, 'write')).discard();
  await client.close();
}

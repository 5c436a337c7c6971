// Round trips with real Spacks 1.x through a bucket of a real server, and how many requests each side needs for them.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { NO_S3_SERVER, type S3Server, startS3Server } from '../helpers/s3-server.js';
import { NO_SPACK, SPACKS, versionOf } from '../helpers/spack-peer.js';
import { KEYRING, PROJECTION, ROOTS, SECRET, SpackSource } from '../helpers/spack-source.js';
import { FIXTURES_V2V3 } from '../spec/spec-samples.js';

const skip =
  NO_SPACK || NO_S3_SERVER || (FIXTURES_V2V3 === undefined ? 'skipped: no REGRAFT_FIXTURES' : false);

/** That the roots need, themselves included. */
const PACKAGES = 10;

/** As each of them is configured: `mirrors.yaml` of Spack 1.x. */
function mirrorAt({ environment }: S3Server, prefix: string) {
  return {
    url: `s3://bucket/${prefix}`,
    signed: true,
    endpoint_url: environment.AWS_ENDPOINT_URL,
    access_pair: { id: environment.AWS_ACCESS_KEY_ID, secret_variable: 'MY_SECRET' },
  };
}

for (const spack of SPACKS.length > 0 ? SPACKS : ['']) {
  const name = spack === '' ? 'Spack 1.x' : `Spack ${versionOf(spack)}`;

  test(`${name} and regraft install from a bucket what the other one pushed`, {
    skip,
  }, async (t) => {
    const server = startS3Server(t);
    const source = await SpackSource.make(t, spack);
    const { AWS_ENDPOINT_URL: endpoint = '', AWS_ACCESS_KEY_ID: id = '' } = server.environment;
    const MY_SECRET = server.environment.AWS_SECRET_ACCESS_KEY ?? '';
    const AWS_SECRET_ACCESS_KEY = MY_SECRET;
    const ours = {
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_ENDPOINT_URL: endpoint,
      AWS_ACCESS_KEY_ID: id,
      AWS_SECRET_ACCESS_KEY,
    };
    const counts: Record<string, { regraft?: number; spack?: number }> = {};
    const count = (side: 'regraft' | 'spack', step: string) => {
      const requests = server.requests();
      counts[step] = { ...counts[step], [side]: requests.length };
      if (process.env.REGRAFT_TRACE) t.diagnostic([`-- ${side} ${step}`, ...requests].join('\n'));
    };
    const regraft = async (step: string, ...args: string[]) => {
      source.environment = ours;
      await source.regraft(...args);
      count('regraft', step);
    };
    source.environment = { MY_SECRET, AWS_EC2_METADATA_DISABLED: 'true' };
    const mirrors = { ours: mirrorAt(server, 'ours'), theirs: mirrorAt(server, 'theirs') };
    const peer = source.peer(t, { name: 's', mirrors, keys: [SECRET] });
    const run = (step: string, ...args: string[]) => {
      peer(...args);
      count('spack', step);
    };
    server.requests();
    const push = (mirror: string, root = source.root) => [
      ...['push', ...ROOTS, '-m', `s3://bucket/${mirror}`, '--layout', '3', '-k', SECRET, '-r', root],
    ];
    await regraft('push', ...push('ours'));
    await regraft('index', 'index', 's3://bucket/ours');
    await regraft('push again', ...push('ours'));
    const into = ['-r', join(source.folder, 'o'), '--projection', PROJECTION];
    await regraft('install', 'install', ...ROOTS, '-m', 's3://bucket/ours', '-k', KEYRING, ...into);
    run('install', 'buildcache', 'install', '--otherarch', ...ROOTS);
    run('push', 'buildcache', 'push', '--without-build-dependencies', 'theirs', ...ROOTS);
    run('index', 'buildcache', 'update-index', 'theirs');
    run('push again', 'buildcache', 'push', '--without-build-dependencies', 'theirs', ...ROOTS);
    const from = ['-m', 's3://bucket/theirs', '-k', KEYRING];
    await regraft(
      'install theirs',
      'install',
      ...ROOTS,
      ...from,
      '-r',
      join(source.folder, 'p'),
      '--projection',
      PROJECTION,
    );
    await regraft('check theirs', 'mirror', 'check', 's3://bucket/theirs', '--deep', '-k', KEYRING);
    t.diagnostic(JSON.stringify(counts));
    const each = counts as Record<string, { regraft: number; spack: number }>;
    for (const step of ['index', 'push again'])
      assert.ok((each[step]?.regraft ?? 0) <= (each[step]?.spack ?? 0), `${step}: ${JSON.stringify(counts)}`);
    // For each package as many as Spack; the rest is for the run. Unlike Spack's, a push also writes the index of keys, and an install reads the
    // signed spec.
    assert.ok((each.push?.regraft ?? 0) <= 4 * PACKAGES + 14, JSON.stringify(counts));
    assert.ok((each.install?.regraft ?? 0) <= 3 * PACKAGES + 6, JSON.stringify(counts));
  });
}

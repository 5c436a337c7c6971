// Whatever goes wrong with a mirror on a network: no secret is told, and none is left on disk.
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { FAKE_KEYS, FakeS3, type Fault } from '../helpers/fake-s3.js';
import { type ProgramResult, runHere } from '../helpers/program-run.js';
import { publishPlace } from '../helpers/publish-place.js';

/** In every secret that is not right. */
const MARK = 'MARKED-SECRET';

const FAULTS: Readonly<Record<string, Omit<Fault, 'when'> | undefined>> = {
  none: undefined,
  denied: { status: 403, code: 'AccessDenied' },
  ended: { status: 400, code: 'ExpiredToken' },
  skewed: { status: 403, code: 'RequestTimeTooSkewed' },
  elsewhere: { status: 301, code: 'PermanentRedirect', headers: { 'x-amz-bucket-region': 'eu-north-1' } },
  redirected: {
    status: 307,
    headers: { location: `http://u:${MARK}@127.0.0.1:1/x?X-Amz-Signature=${MARK}` },
  },
  'not there': { status: 404, code: 'NoSuchBucket' },
  unknown: { status: 501, code: 'NotImplemented' },
  broken: { status: 599, code: 'InternalError' },
  'without a code': { status: 418 },
  'too long': { status: 411, code: 'MissingContentLength' },
  'not XML': { status: 200 },
};

interface Setting {
  /** Of the mirror in `mirrors.yaml`. */
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly environment?: Readonly<Record<string, string>>;
  /** How the fake differs. */
  readonly sessionToken?: string;
}

const RIGHT = { AWS_ACCESS_KEY_ID: FAKE_KEYS.id, AWS_SECRET_ACCESS_KEY: FAKE_KEYS.secret };

const SETTINGS: Readonly<Record<string, Setting>> = {
  'right keys of the environment': { environment: RIGHT },
  'a wrong secret of the environment': { environment: { ...RIGHT, AWS_SECRET_ACCESS_KEY: MARK } },
  'a session of the environment': {
    environment: { ...RIGHT, AWS_SESSION_TOKEN: `${MARK}-old` },
    sessionToken: `${MARK}-new`,
  },
  'a wrong pair of the mirror': { settings: { access_pair: [FAKE_KEYS.id, MARK] } },
  'a pair and a token of the mirror': {
    settings: { access_pair: { id: FAKE_KEYS.id, secret: FAKE_KEYS.secret }, access_token: MARK },
  },
  'half a pair': { settings: { access_pair: { secret: MARK } } },
  'a password in the endpoint': {
    environment: RIGHT,
    settings: { endpoint_url: `ftp://u:${MARK}@127.0.0.1/` },
  },
  'a password in the URL': { settings: { url: `http://u:${MARK}@127.0.0.1:1/m` } },
  'a password in the URL of a bucket': { settings: { url: `s3://u:${MARK}@bucket/cache` } },
};

function filesBelow(folder: string): string[] {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return paths.map((path) => join(folder, path)).filter((path) => statSync(path).isFile());
}

async function place(t: TestContext, { settings, environment, sessionToken }: Setting) {
  const { folder, cache } = await publishPlace(t);
  const fake = await FakeS3.start({ pageSize: 100, ...(sessionToken !== undefined && { sessionToken }) });
  t.after(() => fake.close());
  const root = join(folder, 'store');
  await runHere(['install', 'top', '--no-check-signature', '-m', cache.folder, '-r', root], { folder });
  const config = join(folder, 'config', 'regraft', 'mirrors.yaml');
  mkdirSync(join(config, '..'), { recursive: true });
  const mirror = { url: 's3://bucket/cache', signed: false, endpoint_url: fake.endpoint, ...settings };
  writeFileSync(
    config,
    JSON.stringify({ mirrors: { m: mirror, other: { url: cache.folder, signed: false } } }),
  );
  const variables = {
    AWS_EC2_METADATA_DISABLED: 'true',
    REGRAFT_RETRIES: '0',
    REGRAFT_DEBUG: '1',
    REGRAFT_GPG: join(folder, 'no-gpg'),
    ...environment,
  };
  const run = (...args: string[]): Promise<ProgramResult> =>
    runHere(args, { folder, environment: variables });
  return { folder, config, cache, fake, root, run };
}

for (const [name, setting] of Object.entries(SETTINGS))
  test(`no command tells or keeps a secret: ${name}`, async (t) => {
    const { folder, config, cache, fake, root, run } = await place(t, setting);
    const top = `/${cache.get('top').hash}`;
    const commands = [
      ['list', '-m', 'm'],
      ['install', top, '-m', 'm', '--no-check-signature', '-r', join(folder, 'into')],
      ['download', top, '-m', 'm', '--no-check-signature', '--path', join(folder, 'downloads')],
      ['push', top, '-m', 'm', '--unsigned', '--update-index', '-r', root],
      ['index', 'm'],
      ['keys', 'fetch', '-m', 'm'],
      ['mirror', 'list'],
      ['mirror', 'check', 'm'],
      ['mirror', 'prune', 'm'],
      ['mirror', 'migrate', cache.folder, 'm', '--unsigned'],
      ['mirror', 'sync', 'other', 'm', '--no-check-signature'],
      ['mirror', 'sync', 'm', join(folder, 'copy'), '--no-check-signature'],
    ];
    let failed = 0;
    const check = (what: string, text: string) => {
      assert.ok(!text.includes(MARK), `${what}: ${text}`);
      assert.ok(!text.includes(FAKE_KEYS.secret), `${what}: ${text}`);
    };
    for (const [fault, how] of Object.entries(FAULTS))
      for (const command of commands) {
        if (how !== undefined) fake.fail({ ...how, when: () => true, times: 1000 });
        for (const more of how === undefined ? [[], ['--json'], ['--json=lines']] : [['--json=lines']]) {
          const { exitCode, out, err } = await run(...command, ...more);
          assert.doesNotMatch(err, /unknown option/);
          check(`${fault}: ${command.join(' ')}`, out + err);
          if (exitCode !== 0) failed++;
        }
        fake.forgive();
      }
    assert.ok(failed > commands.length, 'errors were told');
    rmSync(config);
    for (const path of filesBelow(folder)) check(path, readFileSync(path, 'latin1'));
    for (const object of fake.objects.values()) check('an object', object.bytes.toString('latin1'));
  });

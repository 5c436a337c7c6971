import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { inspect } from 'node:util';
import type { OpenStoreOptions } from '../../../../src/transport/open-store.js';
import { CredentialCache } from '../../../../src/transport/s3/credentials/credentials.js';
import { FAKE_KEYS } from '../../../helpers/fake-s3.js';
import { MirrorServer } from '../../../helpers/mirror-server.js';
import { temporaryFolder } from '../../../store/temporary-folder.js';
import { changed, expectError, fakePlace } from '../fake-place.js';

const { id, secret } = FAKE_KEYS;
const NO_KEYS = { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined };
const EXPIRES = '2999-01-01T00:00:00Z';

/** A bucket that has one object, asked for with nothing but what a test gives. */
async function askedWith(t: TestContext, options: { readonly sessionToken?: string } = {}) {
  const { fake, open } = await fakePlace(t, options);
  fake.put('pre/fix/x', 'hello');
  return {
    fake,
    ask: async (variables: Readonly<Record<string, string | undefined>>, more: OpenStoreOptions = {}) => {
      const environment = changed(fake.environment, {
        ...NO_KEYS,
        AWS_SESSION_TOKEN: undefined,
        ...variables,
      });
      return (await open({ ...more, environment }).stat('x'))?.size;
    },
  };
}

async function serverFor(t: TestContext): Promise<MirrorServer> {
  const server = await MirrorServer.start();
  t.after(() => server.close());
  return server;
}

const issued = (more: object = {}) =>
  JSON.stringify({ AccessKeyId: id, SecretAccessKey: secret, Token: 'TOKEN', Expiration: EXPIRES, ...more });

describe('credentials of the mirror', () => {
  test('are values, or the names of variables, and go before those of the environment', async (t) => {
    const { ask } = await askedWith(t);
    const wrong = {
      AWS_ACCESS_KEY_ID: 'OTHER',
      AWS_SECRET_ACCESS_KEY: 'OTHER',
      MY_ID: id,
      MY_SECRET: secret,
    };
    for (const accessPair of [
      { id, secret },
      { id, secretVariable: 'MY_SECRET' },
      { idVariable: 'MY_ID', secretVariable: 'MY_SECRET' },
    ])
      assert.equal(await ask(wrong, { connection: { accessPair } }), 5);
    await assert.rejects(ask(wrong), expectError('mirror-http-status', /InvalidAccessKeyId/));
  });

  test('have a token', async (t) => {
    const { ask } = await askedWith(t, { sessionToken: 'TOKEN' });
    const accessPair = { id, secret };
    assert.equal(await ask({}, { connection: { accessPair, accessToken: 'TOKEN' } }), 5);
    assert.equal(
      await ask({ MINE: 'TOKEN' }, { connection: { accessPair, accessTokenVariable: 'MINE' } }),
      5,
    );
  });

  test('tell of variables that are not set, and of half a pair', async (t) => {
    const { ask } = await askedWith(t);
    const unset = ask({}, { connection: { accessPair: { id, secretVariable: 'MY_SECRET' } } });
    await assert.rejects(unset, expectError('config', /the variable "MY_SECRET" is not set/));
    await assert.rejects(
      ask({}, { connection: { accessPair: { id } } }),
      expectError('config', /half a pair/),
    );
  });
});

describe('credentials of shared files', () => {
  test('are those of the profile that is named', async (t) => {
    const { fake, ask } = await askedWith(t, { sessionToken: 'TOKEN' });
    const folder = temporaryFolder(t);
    const files = {
      AWS_CONFIG_FILE: join(folder, 'config'),
      AWS_SHARED_CREDENTIALS_FILE: join(folder, 'credentials'),
      AWS_ENDPOINT_URL: undefined,
    };
    const keys = `aws_access_key_id=${id}\naws_secret_access_key = ${secret}\naws_session_token = TOKEN\n`;
    const ours = `endpoint_url = ${fake.endpoint}\n`;
    writeFileSync(files.AWS_SHARED_CREDENTIALS_FILE, `# keys\n[work]\n${keys}[default]\n${keys}`);
    writeFileSync(
      files.AWS_CONFIG_FILE,
      `[default]\n${ours}[profile work]\ns3 =\n  endpoint_url = http://127.0.0.1:1\n${ours}[profile sso]\nsso_session = x\n${ours}`,
    );
    assert.equal(await ask(files), 5);
    assert.equal(await ask({ ...files, AWS_PROFILE: 'work' }), 5);
    assert.equal(await ask(files, { connection: { profile: 'work' } }), 5);
    await assert.rejects(
      ask(files, { connection: { profile: 'none' } }),
      expectError('config', /profile "none"/),
    );
    await assert.rejects(
      ask({ ...files, AWS_PROFILE: 'sso' }),
      expectError('config', /it has "sso_session"/),
    );
  });
});

describe('credentials of services', () => {
  test('of a container', async (t) => {
    const { ask } = await askedWith(t, { sessionToken: 'TOKEN' });
    const server = (await serverFor(t)).handle('/creds', issued());
    const variables = {
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${server.url}/creds`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN: 'let me in',
    };
    assert.equal(await ask(variables), 5);
    assert.equal(server.requests[0]?.headers.authorization, 'let me in');
    const elsewhere = { AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://example.com/creds' };
    await assert.rejects(ask(elsewhere), expectError('config', /not of this machine/));
    server.handle('/creds', '{"Secret":"SECRET-OF-FAKE"');
    await assert.rejects(ask(variables), (error) => {
      assert.ok(expectError('mirror-unreachable', /sent something else/)(error));
      assert.doesNotMatch(inspect(error, { depth: 9 }), /OF-FAKE/);
      return true;
    });
  });

  test('of a machine, unless that is disabled', async (t) => {
    const { ask } = await askedWith(t, { sessionToken: 'TOKEN' });
    const roles = '/latest/meta-data/iam/security-credentials/';
    const server = (await serverFor(t))
      .handle('/latest/api/token', 'a token')
      .handle(roles, 'role')
      .handle(`${roles}role`, issued());
    const variables = { AWS_EC2_METADATA_SERVICE_ENDPOINT: server.url, AWS_EC2_METADATA_DISABLED: undefined };
    assert.equal(await ask(variables), 5);
    assert.deepEqual(server.log, ['PUT /latest/api/token', `GET ${roles}`, `GET ${roles}role`]);
    assert.equal(server.requests[2]?.headers['x-aws-ec2-metadata-token'], 'a token');
    assert.equal(await ask({ ...variables, AWS_EC2_METADATA_DISABLED: 'true' }), undefined, 'anonymous');
    assert.equal(server.log.length, 3);
    server.handle(roles, (_, response) => void response.writeHead(404).end());
    assert.equal(await ask(variables), undefined, 'anonymous');
  });

  test('for a web identity', async (t) => {
    const { ask } = await askedWith(t, { sessionToken: 'TOKEN' });
    const file = join(temporaryFolder(t), 'token');
    writeFileSync(file, 'JWT-OF-FAKE\n');
    let asked = '';
    const answer = `<AssumeRoleWithWebIdentityResponse><Credentials><AccessKeyId>${id}</AccessKeyId><SecretAccessKey>${secret}</SecretAccessKey><SessionToken>TOKEN</SessionToken><Expiration>${EXPIRES}</Expiration></Credentials></AssumeRoleWithWebIdentityResponse>`;
    const server = (await serverFor(t)).handle('/', async (request, response) => {
      for await (const chunk of request) asked += String(chunk);
      response.end(answer);
    });
    const variables = {
      AWS_ROLE_ARN: 'arn:aws:iam::1:role/x',
      AWS_WEB_IDENTITY_TOKEN_FILE: file,
      AWS_ENDPOINT_URL_STS: server.url,
    };
    assert.equal(await ask(variables), 5);
    const form = new URLSearchParams(asked);
    assert.equal(form.get('WebIdentityToken'), 'JWT-OF-FAKE');
    assert.equal(form.get('RoleArn'), 'arn:aws:iam::1:role/x');
    server.failNext(9, 403);
    await assert.rejects(ask(variables), (error) => {
      assert.ok(expectError('mirror-http-status')(error));
      assert.doesNotMatch(inspect(error, { depth: 9 }), /OF-FAKE/);
      return true;
    });
  });

  test('are asked for anew when a server says that they have ended', async (t) => {
    const { ask } = await askedWith(t, { sessionToken: 'TOKEN' });
    let times = 0;
    const server = (await serverFor(t)).handle('/creds', (_, response) => {
      response.end(times++ === 0 ? issued({ Token: 'OLD' }) : issued());
    });
    assert.equal(await ask({ AWS_CONTAINER_CREDENTIALS_FULL_URI: `${server.url}/creds` }), 5);
    assert.equal(times, 2);
  });
});

test('CredentialCache keeps credentials, renews those that end, and forgets a failure', async () => {
  const answers: (number | undefined | Error)[] = [
    new Error('no'),
    undefined,
    Date.now() + 3_600_000,
    Date.now(),
  ];
  let asked = 0;
  const cacheFrom = () =>
    new CredentialCache(async () => {
      const expires = answers[asked++];
      if (expires instanceof Error) throw expires;
      return { accessKeyId: 'a', secretAccessKey: 'b', expires };
    });
  const stays = cacheFrom();
  await assert.rejects(stays.get(), /no/);
  await stays.get();
  await stays.get();
  assert.equal(asked, 2);
  assert.equal(stays.drop(await stays.get()), false);
  const ends = cacheFrom();
  const first = await ends.get();
  await ends.get();
  assert.equal(asked, 3);
  assert.equal(ends.drop(first), true);
  assert.equal(ends.drop(first), true, 'somebody else says the same');
  const second = await ends.get();
  assert.equal(ends.drop(first), true, 'and somebody who is late');
  assert.equal(await ends.get(), second);
  assert.equal(asked, 4);
});

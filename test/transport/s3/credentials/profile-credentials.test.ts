import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { inspect } from 'node:util';
import { FAKE_KEYS } from '../../../helpers/fake-s3.js';
import { startFakeSts } from '../../../helpers/fake-sts.js';
import { MirrorServer } from '../../../helpers/mirror-server.js';
import { temporaryFolder } from '../../../store/temporary-folder.js';
import { changed, expectError, fakePlace } from '../fake-place.js';

const ROLE = 'arn:aws:iam::1:role/reader';
const FIRST = { id: 'AKIAFIRST', secret: 'SECRET-OF-FAKE/+1' };
const MACHINE = { id: 'ASIAMACHINE', secret: 'SECRET-OF-FAKE/+2', token: 'TOKEN-OF-FAKE-2' };
const SESSION = { ...FAKE_KEYS, token: 'TOKEN-OF-FAKE-3' };
const EXPIRES = '2999-01-01T00:00:00Z';

/** A bucket for whoever has the role, and a profile `x` among others. */
async function askedAs(t: TestContext, config: string, { expires = EXPIRES } = {}) {
  const { fake, open } = await fakePlace(t, { sessionToken: SESSION.token });
  fake.put('pre/fix/x', 'hello');
  const sts = await startFakeSts(t, {
    known: [FIRST, MACHINE],
    issue: ({ RoleArn }) =>
      RoleArn === ROLE ? SESSION : { id: `ASIA${RoleArn}`, secret: 'SECRET-OF-FAKE', token: 'TOKEN-OF-FAKE' },
    expires,
  });
  const folder = temporaryFolder(t);
  const file = join(folder, 'config');
  writeFileSync(file, config.replaceAll('ROLE', ROLE));
  const environment = changed(fake.environment, {
    AWS_ACCESS_KEY_ID: undefined,
    AWS_SECRET_ACCESS_KEY: undefined,
    AWS_SESSION_TOKEN: undefined,
    AWS_CONFIG_FILE: file,
    AWS_SHARED_CREDENTIALS_FILE: join(folder, 'none'),
    AWS_ENDPOINT_URL_STS: sts.url,
    PATH: process.env.PATH,
  });
  const ask = async (changes: Readonly<Record<string, string | undefined>> = {}) => {
    const store = open({
      environment: changed(environment as Record<string, string>, changes),
      connection: { profile: 'x' },
    });
    return (await store.stat('x'))?.size;
  };
  return { fake, sts, ask };
}

const keysOf = ({ id, secret }: { readonly id: string; readonly secret: string }) =>
  `aws_access_key_id = ${id}\naws_secret_access_key = ${secret}\n`;

/** Nothing of a secret is anywhere in an error. */
function refusal(message: RegExp, code: Parameters<typeof expectError>[0] = 'config') {
  return (error: unknown) => {
    assert.ok(expectError(code, message)(error), String(error));
    assert.doesNotMatch(inspect(error, { depth: 9 }), /OF-FAKE|Signature=/);
    return true;
  };
}

async function serverFor(t: TestContext): Promise<MirrorServer> {
  const server = await MirrorServer.start();
  t.after(() => server.close());
  return server;
}

const issued = ({ id, secret, token }: typeof MACHINE) =>
  JSON.stringify({ AccessKeyId: id, SecretAccessKey: secret, Token: token, Expiration: EXPIRES });

describe('a profile with a role', () => {
  test('assumes it with the keys of another profile, or its own', async (t) => {
    const more = 'external_id = ours\nduration_seconds = 900\nrole_session_name = me\nregion = eu-north-1\n';
    const config = `[profile x]\nrole_arn = ROLE\nsource_profile = first\n${more}[profile first]\n${keysOf(FIRST)}`;
    const { sts, ask } = await askedAs(t, config);
    assert.equal(await ask({ AWS_REGION: 'us-east-1' }), 5);
    assert.deepEqual(sts.asked, [
      {
        key: FIRST.id,
        form: {
          Action: 'AssumeRole',
          Version: '2011-06-15',
          RoleArn: ROLE,
          RoleSessionName: 'me',
          DurationSeconds: '900',
          ExternalId: 'ours',
        },
      },
    ]);
    const own = await askedAs(t, `[profile x]\nrole_arn = ROLE\nsource_profile = x\n${keysOf(FIRST)}`);
    assert.equal(await own.ask(), 5);
    assert.equal(own.sts.asked[0]?.form.RoleSessionName, 'regraft');
  });

  test('assumes it with the role of another profile', async (t) => {
    const config = `[profile x]\nrole_arn = ROLE\nsource_profile = middle\n[profile middle]\nrole_arn = M\nsource_profile = first\n[profile first]\nrole_arn = not used\n${keysOf(FIRST)}`;
    const { sts, ask } = await askedAs(t, config);
    assert.equal(await ask(), 5);
    assert.deepEqual(
      sts.asked.map(({ key, form }) => [key, form.RoleArn]),
      [
        [FIRST.id, 'M'],
        ['ASIAM', ROLE],
      ],
    );
  });

  test('assumes it with what the environment, the container or the machine has', async (t) => {
    const from = (source: string) =>
      askedAs(t, `[profile x]\nrole_arn = ROLE\ncredential_source = ${source}\n`);
    const environment = await from('Environment');
    assert.equal(
      await environment.ask({ AWS_ACCESS_KEY_ID: FIRST.id, AWS_SECRET_ACCESS_KEY: FIRST.secret }),
      5,
    );
    assert.equal(environment.sts.asked[0]?.key, FIRST.id);
    await assert.rejects(environment.ask(), refusal(/"Environment", the source of its role, has no/));
    const server = (await serverFor(t)).handle('/creds', issued(MACHINE));
    const container = await from('EcsContainer');
    assert.equal(await container.ask({ AWS_CONTAINER_CREDENTIALS_FULL_URI: `${server.url}/creds` }), 5);
    assert.equal(container.sts.asked[0]?.key, MACHINE.id);
    const roles = '/latest/meta-data/iam/security-credentials/';
    server
      .handle('/latest/api/token', 'a token')
      .handle(roles, 'role')
      .handle(`${roles}role`, issued(MACHINE));
    const machine = await from('ec2instancemetadata');
    const variables = { AWS_EC2_METADATA_SERVICE_ENDPOINT: server.url, AWS_EC2_METADATA_DISABLED: undefined };
    assert.equal(await machine.ask(variables), 5);
    assert.equal(machine.sts.asked[0]?.key, MACHINE.id);
  });

  test('assumes it with a web identity, before the keys of the environment', async (t) => {
    const file = join(temporaryFolder(t), 'token');
    const { ask } = await askedAs(t, `[profile x]\nrole_arn = ROLE\nweb_identity_token_file = ${file}\n`);
    await assert.rejects(ask(), refusal(/^Cannot read the token in/));
    writeFileSync(file, 'JWT-OF-FAKE\n');
    let asked = '';
    const server = (await serverFor(t)).handle('/', async (request, response) => {
      for await (const chunk of request) asked += String(chunk);
      const { id, secret, token } = SESSION;
      response.end(
        `<Credentials><AccessKeyId>${id}</AccessKeyId><SecretAccessKey>${secret}</SecretAccessKey><SessionToken>${token}</SessionToken></Credentials>`,
      );
    });
    const other = { AWS_ACCESS_KEY_ID: 'OTHER', AWS_SECRET_ACCESS_KEY: 'OTHER' };
    assert.equal(await ask({ ...other, AWS_ENDPOINT_URL_STS: server.url }), 5);
    const { WebIdentityToken, RoleArn } = Object.fromEntries(new URLSearchParams(asked));
    assert.deepEqual([WebIdentityToken, RoleArn], ['JWT-OF-FAKE', ROLE]);
    server.failNext(9, 403);
    const message = /^Cannot assume the role of the profile "x": the service answered 403$/;
    await assert.rejects(ask({ AWS_ENDPOINT_URL_STS: server.url }), refusal(message, 'mirror-http-status'));
  });

  test('assumes it anew when the session ends', async (t) => {
    const config = `[profile x]\nrole_arn = ROLE\nsource_profile = first\n[profile first]\n${keysOf(FIRST)}`;
    const { fake, sts, ask } = await askedAs(t, config);
    fake.fail({ when: () => true, status: 400, code: 'ExpiredToken', times: 2 }); // the HEAD, and what is asked about it
    assert.equal(await ask(), 5);
    assert.equal(sts.asked.length, 2);
  });

  test('tells why it cannot be had', async (t) => {
    const role = '[profile x]\nrole_arn = ROLE\n';
    const cases: readonly (readonly [string, RegExp])[] = [
      [role, /the profile "x" .*: its role has no source$/],
      [`${role}source_profile = a\ncredential_source = Environment\n`, /two sources/],
      [`${role}credential_source = Moon-OF-FAKE\n`, /"credential_source" is not known/],
      [`${role}source_profile = none\n`, /Cannot find the profile "none"/],
      [
        `${role}source_profile = a\n[profile a]\nregion = x\n`,
        /the profile "a", the source of its role, has/,
      ],
      [`${role}source_profile = x\n`, /go round in a circle: x, x$/],
      [
        `${role}source_profile = a\n[profile a]\nrole_arn = A\nsource_profile = b\n[profile b]\nrole_arn = B\nsource_profile = a\n`,
        /the profile "x".*: x, a, b, a$/,
      ],
      [
        `${role}source_profile = a\nmfa_serial = arn:OF-FAKE\n[profile a]\n${keysOf(FIRST)}`,
        /"mfa_serial", which needs a code/,
      ],
      [
        `${role}source_profile = a\n[profile a]\nsso_session = OF-FAKE\n`,
        /the profile "a" .*"sso_session", which needs a browser/,
      ],
    ];
    for (const [config, message] of cases) {
      const { sts, ask } = await askedAs(t, config);
      await assert.rejects(ask(), refusal(message), config);
      assert.deepEqual(sts.asked, []);
    }
  });

  test('tells why the service refuses, and nothing that it repeats', async (t) => {
    const wrong = { ...FIRST, secret: 'OTHER-OF-FAKE' };
    const config = `[profile x]\nrole_arn = ROLE\nsource_profile = first\n[profile first]\n${keysOf(wrong)}`;
    const { ask } = await askedAs(t, config);
    const message = /^Cannot assume the role of the profile "x": AccessDenied$/;
    await assert.rejects(ask(), refusal(message, 'mirror-http-status'));
    const server = (await serverFor(t)).handle('/', '<Credentials>OF-FAKE</Credentials>');
    const other = /the service sent something else/;
    await assert.rejects(ask({ AWS_ENDPOINT_URL_STS: server.url }), refusal(other, 'mirror-unreachable'));
    server.handle('/', (request, response) => {
      response.writeHead(400).end(`<Code>${request.headers.authorization}</Code>`);
    });
    const unknown = /: the service answered 400$/;
    await assert.rejects(ask({ AWS_ENDPOINT_URL_STS: server.url }), refusal(unknown, 'mirror-http-status'));
  });
});

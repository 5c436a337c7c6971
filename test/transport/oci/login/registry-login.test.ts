import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { inspect } from 'node:util';
import { findCredentials } from '../../../../src/transport/oci/login/find-credentials.js';
import type { Repository } from '../../../../src/transport/oci/repository.js';
import { parseRepositoryUrl } from '../../../../src/transport/oci/repository-place.js';
import type { OpenStoreOptions } from '../../../../src/transport/open-store.js';
import { digestOf } from '../../../helpers/fake-registry.js';
import type { FakeLogin } from '../../../helpers/fake-registry-login.js';
import { temporaryFolder } from '../../../store/temporary-folder.js';
import { expectError, fakePlace, NAME } from '../fake-place.js';

const PASSWORD = 'MARKED-PASSWORD';
const USERS = {
  me: { password: PASSWORD, rights: ['pull', 'push', 'delete'] },
  reader: { password: PASSWORD, rights: ['pull'] },
};
const BLOB = Buffer.from('a blob');

function pair(id: string, secret = PASSWORD): OpenStoreOptions {
  return { connection: { accessPair: { id, secret } } };
}

async function place(t: TestContext, login: Partial<FakeLogin> & Pick<FakeLogin, 'kind'>) {
  const found = await fakePlace(t, { login: { users: USERS, ...login } });
  found.fake.repository(NAME).blobs.set(digestOf(BLOB), BLOB);
  return found;
}

async function upload({ blobs }: Repository, text: string): Promise<void> {
  const pending = await blobs.begin();
  try {
    await pending.write(Buffer.from(text));
    await pending.commit(digestOf(Buffer.from(text)));
  } finally {
    await pending.discard();
  }
}

const stat = (repository: Repository) => repository.blobs.stat(digestOf(BLOB));

for (const kind of ['basic', 'bearer'] as const)
  describe(`a registry that asks for ${kind}`, () => {
    test('lets in who is known, to read, write and remove', async (t) => {
      const { open } = await place(t, { kind });
      const repository = open(pair('me'));
      assert.ok(await stat(repository));
      await upload(repository, 'new');
      await repository.blobs.remove(digestOf(BLOB));
      assert.equal(await stat(repository), undefined);
    });

    test('tells nobody the password', async (t) => {
      const { fake, open } = await place(t, { kind });
      const wrong = [open(), open(pair('me', 'MARKED-OTHER')), open(pair('nobody'))];
      for (const repository of wrong)
        await assert.rejects(stat(repository), (error) => {
          assert.ok(expectError('mirror-login-failed')(error), String(error));
          assert.ok((error as { hint?: string }).hint !== undefined);
          assert.doesNotMatch(inspect(error, { depth: 9 }), /MARKED|TUFSS0VE/);
          return true;
        });
      await assert.rejects(
        open({ connection: { accessPair: { id: 'me' } } }).manifests.get('x'),
        expectError('config'),
      );
      assert.ok(fake.log.length < 10);
    });

    test('lets read, but not write, who may only read, and does not ask for ever', {
      timeout: 20_000,
    }, async (t) => {
      const { open, fake } = await place(t, { kind });
      const repository = open(pair('reader'));
      assert.ok(await stat(repository));
      await assert.rejects(upload(repository, 'new'), expectError('mirror-login-failed', /401/));
      assert.ok(fake.log.length < 10, fake.log.join('\n'));
      assert.ok(await stat(repository));
    });
  });

describe('tokens', () => {
  test('are asked for once by many requests, and once more for more rights', async (t) => {
    const { fake, open } = await place(t, { kind: 'bearer' });
    const repository = open(pair('me'));
    await Promise.all(Array.from({ length: 20 }, () => stat(repository)));
    assert.equal(fake.guard?.asked.length, 1);
    await Promise.all(Array.from({ length: 10 }, (_, i) => upload(repository, String(i))));
    await stat(repository);
    assert.equal(fake.guard?.asked.length, 2);
  });

  test('that end are renewed in the middle, once for all requests', async (t) => {
    const { fake, open } = await place(t, { kind: 'bearer', uses: 2 });
    const repository = open(pair('me'));
    for (let i = 0; i < 5; i++) await upload(repository, String(i));
    assert.equal(fake.repository(NAME).blobs.size, 6);
    const { fake: many, open: openMany } = await place(t, { kind: 'bearer' });
    const other = openMany(pair('me'));
    await upload(other, 'first');
    const asked = many.guard?.asked.length ?? 0;
    many.guard?.endTokens();
    await Promise.all(Array.from({ length: 10 }, (_, i) => upload(other, String(i))));
    assert.equal(many.guard?.asked.length, asked + 1);
  });

  test('are for those who have no login, too', async (t) => {
    const { open } = await place(t, { kind: 'bearer', anonymous: ['pull'] });
    assert.ok(await stat(open()));
    await assert.rejects(upload(open(), 'new'), expectError('mirror-login-failed', /401/));
  });

  test('have the rights to take over a blob of another repository', async (t) => {
    const { open } = await place(t, { kind: 'bearer' });
    const other = open(pair('me'), 'other/place');
    assert.equal(await other.blobs.mount(digestOf(BLOB), NAME), true);
  });

  for (const [what, realm] of [
    ['in the open', 'http://example.com/token'],
    ['that is none', 'nonsense://x'],
  ] as const)
    test(`no password goes to a service ${what}`, async (t) => {
      const { open } = await place(t, { kind: 'bearer', realm });
      await assert.rejects(stat(open(pair('me'))), expectError('mirror-login-failed', /https|service/));
    });

  test('a service that sends something else, or leads on, is told', async (t) => {
    let answer: { status: number; body: string } = { status: 200, body: '' };
    const asked: (string | undefined)[] = [];
    const service = createServer((request, response) => {
      asked.push(request.headers.authorization);
      response.writeHead(answer.status, { location: 'http://127.0.0.1:1/' }).end(answer.body);
    });
    await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
    t.after(() => service.close());
    const realm = `http://127.0.0.1:${(service.address() as AddressInfo).port}/token`;
    const { open } = await place(t, { kind: 'bearer', realm });
    for (const [status, body] of [
      [200, 'no JSON MARKED'],
      [200, '{}'],
      [200, '{"token":"MARKED with blanks\\r\\n"}'],
      [302, ''],
      [403, 'MARKED'],
    ] as const) {
      answer = { status, body };
      await assert.rejects(stat(open(pair('me'))), (error) => {
        assert.ok(expectError('mirror-login-failed')(error), String(error));
        assert.doesNotMatch(inspect(error, { depth: 9 }), /MARKED/);
        return true;
      });
    }
    assert.equal(asked.length, 5);
  });
});

describe('logins of Docker and Podman', () => {
  const auth = (user: string, password = PASSWORD) => Buffer.from(`${user}:${password}`).toString('base64');

  async function withFile(
    t: TestContext,
    content: (host: string) => object,
    kind: FakeLogin['kind'] = 'bearer',
  ) {
    const { fake, open } = await place(t, { kind, identities: { 'MARKED-IDENTITY': 'me' } });
    const home = temporaryFolder(t);
    return {
      fake,
      home,
      ask: (path: string, more: Record<string, string> = {}) => {
        const file = join(home, path);
        mkdirSync(join(file, '..'), { recursive: true });
        writeFileSync(file, JSON.stringify(content(fake.host)));
        return stat(open({ environment: { HOME: home, PATH: process.env.PATH, ...more } }));
      },
    };
  }

  test('are found where these keep them', async (t) => {
    const { home, ask } = await withFile(t, (host) => ({ auths: { [host]: { auth: auth('me') } } }));
    const places: [string, Record<string, string>][] = [
      ['.docker/config.json', {}],
      ['docker/config.json', { DOCKER_CONFIG: 'docker' }],
      ['.config/containers/auth.json', {}],
      ['config/containers/auth.json', { XDG_CONFIG_HOME: 'config' }],
      ['run/containers/auth.json', { XDG_RUNTIME_DIR: 'run' }],
      ['mine.json', { REGISTRY_AUTH_FILE: 'mine.json' }],
    ];
    for (const [path, variables] of places) {
      const absolute = Object.entries(variables).map(([name, value]) => [name, join(home, value)]);
      assert.ok(await ask(path, Object.fromEntries(absolute)), path);
    }
  });

  const contents: Record<string, (host: string) => object> = {
    'of a part of the registry': (host) => ({
      auths: {
        [host]: { auth: auth('me', 'wrong') },
        [`${host}/some`]: { auth: auth('me') },
        [`${host}/so`]: { auth: auth('me', 'wrong') },
      },
    }),
    'under a URL': (host) => ({ auths: { [`https://${host}`]: { auth: auth('me') } } }),
    'under a URL with a path': (host) => ({ auths: { [`https://${host}/v2/`]: { auth: auth('me') } } }),
    'in two parts': (host) => ({ auths: { [host]: { username: 'me', password: PASSWORD } } }),
    'beside an entry that is empty': (host) => ({
      auths: { [`${host}/some`]: {}, [host]: { auth: auth('me') } },
    }),
    'a token of identity': (host) => ({
      auths: { [host]: { auth: auth('me', ''), identitytoken: 'MARKED-IDENTITY' } },
    }),
  };
  for (const [what, content] of Object.entries(contents))
    test(`may be ${what}`, async (t) => {
      const { ask } = await withFile(t, content);
      assert.ok(await ask('.docker/config.json'));
    });

  const helpers: Record<string, [string, boolean]> = {
    'that has the login': [`{"ServerURL":"x","Username":"me","Secret":"${PASSWORD}"}`, true],
    'that has a token of identity': ['{"Username":"<token>","Secret":"MARKED-IDENTITY"}', true],
    'that has none': ['credentials not found in native keychain', false],
    'that answers something else': [`MARKED-NONSENSE`, false],
  };
  for (const [what, [answer, isKnown]] of Object.entries(helpers))
    for (const way of ['credHelpers', 'credsStore'])
      test(`are asked of a program ${what}, by ${way}`, async (t) => {
        const { home, ask, fake } = await withFile(t, (host) =>
          way === 'credsStore' ? { credsStore: 'mine' } : { credHelpers: { [host]: 'mine' } },
        );
        const program = join(home, 'docker-credential-mine');
        const fails = answer.startsWith('credentials') ? 'exit 1' : '';
        writeFileSync(
          program,
          `#!/bin/sh\n[ "$1" = get ] && cat > "${home}/asked"\nprintf '%s' '${answer}'\n${fails}\n`,
        );
        chmodSync(program, 0o755);
        const asked = ask('.docker/config.json', { PATH: `${home}:${process.env.PATH}` });
        if (isKnown) assert.ok(await asked);
        else
          await assert.rejects(asked, (error) => {
            assert.ok(
              expectError(answer.startsWith('MARKED') ? 'config' : 'mirror-login-failed')(error),
              String(error),
            );
            assert.doesNotMatch(inspect(error, { depth: 9 }), /MARKED/);
            return true;
          });
        assert.ok(fake.log.length > 0);
      });

  test('are looked for in the next file where a program has none', async (t) => {
    const { home, ask } = await withFile(t, (host) => ({ auths: { [host]: { auth: auth('me') } } }));
    const program = join(home, 'docker-credential-empty');
    writeFileSync(program, '#!/bin/sh\necho "credentials not found in native keychain"\nexit 1\n');
    chmodSync(program, 0o755);
    mkdirSync(join(home, '.config', 'containers'), { recursive: true });
    writeFileSync(join(home, '.config', 'containers', 'auth.json'), '{"credsStore":"empty"}');
    assert.ok(await ask('.docker/config.json', { PATH: `${home}:${process.env.PATH}` }));
  });

  test('of Docker itself are found under its old URL', async (t) => {
    const home = temporaryFolder(t);
    const found = (auths: object) => {
      writeFileSync(join(home, 'config.json'), JSON.stringify({ auths }));
      const place = parseRepositoryUrl('oci://someone/cache');
      return findCredentials({
        place,
        connection: undefined,
        environment: { HOME: home, DOCKER_CONFIG: home },
      });
    };
    const mine = { kind: 'pair', user: 'me', password: PASSWORD };
    for (const key of ['https://index.docker.io/v1/', 'docker.io', 'docker.io/someone', 'index.docker.io'])
      assert.deepEqual(await found({ [key]: { auth: auth('me') } }), mine, key);
    assert.equal(await found({ 'https://other.io/v1/': { auth: auth('me') } }), undefined);
  });

  test('files that cannot be used are named, and nothing in them is told', async (t) => {
    const { open } = await place(t, { kind: 'bearer' });
    const home = temporaryFolder(t);
    const file = join(home, 'auth.json');
    for (const text of [
      'MARKED',
      '[',
      '3',
      '{"auths":{"HOST":{"auth":"TUFSS0VE"}}}',
      '{"credsStore":"../MARKED"}',
    ]) {
      const { fake } = { fake: await place(t, { kind: 'basic' }) };
      writeFileSync(file, text.replace('HOST', fake.fake.host));
      const repository = fake.open({ environment: { HOME: home, REGISTRY_AUTH_FILE: file } });
      await assert.rejects(stat(repository), (error) => {
        assert.ok(expectError('config', /auth\.json/)(error), `${text}: ${error}`);
        assert.doesNotMatch(inspect(error, { depth: 9 }), /MARKED/);
        return true;
      });
    }
    await assert.rejects(
      stat(open({ environment: { HOME: home, REGISTRY_AUTH_FILE: home } })),
      expectError('config', /is a directory|EISDIR/),
    );
  });
});

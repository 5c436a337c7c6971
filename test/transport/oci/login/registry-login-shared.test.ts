// Logins that many requests share, at the moments when they might get in each other's way.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { inspect } from 'node:util';
import type { Repository } from '../../../../src/transport/oci/repository.js';
import type { OpenStoreOptions } from '../../../../src/transport/open-store.js';
import { digestOf } from '../../../helpers/fake-registry.js';
import type { FakeLogin } from '../../../helpers/fake-registry-login.js';
import { expectError, fakePlace, NAME } from '../fake-place.js';

const USERS = { me: { password: 'pw', rights: ['pull', 'push', 'delete'] } };
const ME: OpenStoreOptions = { connection: { accessPair: { id: 'me', secret: 'pw' } } };
const BLOB = Buffer.from('a blob');

async function place(t: TestContext, login: Partial<FakeLogin> & Pick<FakeLogin, 'kind'>) {
  const found = await fakePlace(t, { login: { users: USERS, ...login } });
  for (const name of [NAME, 'other/place']) found.fake.repository(name).blobs.set(digestOf(BLOB), BLOB);
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

test('many first requests at once are all let in by Basic', async (t) => {
  const { open } = await place(t, { kind: 'basic' });
  const repository = open(ME);
  const found = await Promise.all(Array.from({ length: 10 }, () => stat(repository)));
  assert.ok(found.every((each) => each !== undefined));
});

test('first requests that need different rights all get them', async (t) => {
  const { open } = await place(t, { kind: 'bearer' });
  const repository = open(ME, 'third/place');
  const [, isMounted, isMountedToo] = await Promise.all([
    upload(repository, 'new'),
    repository.blobs.mount(digestOf(BLOB), NAME),
    repository.blobs.mount(digestOf(BLOB), 'other/place'),
    stat(repository),
    repository.blobs.remove(digestOf(Buffer.from('gone'))),
    repository.manifests.get('tag'),
  ]);
  assert.deepEqual([isMounted, isMountedToo], [true, true]);
});

test('the rights for one repository are asked for together', async (t) => {
  const { fake, open } = await place(t, { kind: 'bearer' });
  await upload(open(ME), 'new');
  assert.equal(fake.guard?.asked.at(-1), `repository:${NAME}:pull,push`);
});

test('what somebody may not do leaves the rights of others alone', async (t) => {
  const { open } = await place(t, {
    kind: 'bearer',
    refusesWhole: true,
    users: { me: { password: 'pw', rights: ['pull'] } },
  });
  const repository = open(ME);
  assert.ok(await stat(repository));
  const results = await Promise.allSettled([upload(repository, 'new'), stat(repository), stat(repository)]);
  assert.deepEqual(
    results.map(({ status }) => status),
    ['rejected', 'fulfilled', 'fulfilled'],
  );
  assert.equal(await repository.blobs.mount(digestOf(BLOB), 'other/place'), false);
});

test('a token of the mirror is shown at once, after the registry asked for the first time', async (t) => {
  const { fake, open } = await place(t, { kind: 'bearer', tokens: { 'a-token': ['pull'] } });
  const repository = open({ connection: { accessToken: 'a-token' } });
  for (let i = 0; i < 3; i++) assert.ok(await stat(repository));
  assert.equal(fake.log.filter((line) => line.endsWith('401')).length, 1);
  assert.equal(fake.guard?.asked.length, 0);
  const wrong = open({ connection: { accessToken: 'MARKED' } });
  await assert.rejects(stat(wrong), (error) => {
    assert.ok(expectError('mirror-login-failed')(error));
    assert.doesNotMatch(inspect(error, { depth: 9 }), /MARKED/);
    return true;
  });
});

test('an error tells nothing that a registry repeats in its realm', async (t) => {
  const { open } = await place(t, { kind: 'bearer', realm: 'https://127.0.0.1:1/MARKED?MARKED=MARKED' });
  await assert.rejects(stat(open(ME)), (error) => {
    assert.doesNotMatch(inspect(error, { depth: 9 }), /MARKED/);
    return true;
  });
});

test('connections to the service of tokens end with the repository', async (t) => {
  const service = createServer((_, response) => response.end('{"token":"x"}'));
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
  t.after(() => service.close());
  const closed = new Promise<void>((resolve) =>
    service.once('connection', (socket) => socket.once('close', () => resolve())),
  );
  const realm = `http://127.0.0.1:${(service.address() as AddressInfo).port}/token`;
  const { open } = await place(t, { kind: 'bearer', realm });
  const repository = open(ME);
  await assert.rejects(stat(repository), expectError('mirror-login-failed'));
  const begun = performance.now();
  await repository.close();
  await closed;
  assert.ok(performance.now() - begun < 1000);
});

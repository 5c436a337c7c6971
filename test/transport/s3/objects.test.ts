import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { inspect } from 'node:util';
import { BuildcacheError } from '../../../src/core/errors.js';
import type { ListedObject, ListOptions, ObjectStore } from '../../../src/transport/object-store.js';
import { FAKE_KEYS } from '../../helpers/fake-s3.js';
import { collect } from '../http/recording-retry.js';
import { changed, expectError, fakePlace } from './fake-place.js';

const STRANGE = "a/b c+d(1)!*'~é%41&=?#@:$,;.x";

async function textOf(
  store: ObjectStore,
  path: string,
  range?: { start: number; end?: number },
): Promise<string> {
  return (await collect((await store.open(path, { range })).body)).bytes.toString();
}

async function listed(store: ObjectStore, folder: string, options?: ListOptions): Promise<ListedObject[]> {
  const found: ListedObject[] = [];
  for await (const each of store.lister?.list(folder, options) ?? []) found.push(each);
  return found;
}

describe('S3Objects: open and stat', () => {
  test('reads objects whatever their names', async (t) => {
    const { fake, store } = await fakePlace(t);
    fake.put(`pre/fix/${STRANGE}`, 'hello');
    assert.equal(await textOf(store, STRANGE), 'hello');
    const facts = await store.stat(STRANGE);
    assert.equal(facts?.size, 5);
    const opened = await store.open(STRANGE);
    assert.equal(opened.location, `s3://bucket/pre/fix/${STRANGE}`);
    assert.equal(opened.tag, facts?.tag);
    await opened.body.cancel();
    assert.equal(store.url, `s3://bucket/pre/fix?endpoint=${fake.host}`);
  });

  test('reads parts, and only of the same object', async (t) => {
    const { fake, store } = await fakePlace(t);
    fake.put('pre/fix/x', 'hello');
    const tag = (await store.stat('x'))?.tag;
    assert.equal(await textOf(store, 'x', { start: 1, end: 3 }), 'el');
    assert.equal(await textOf(store, 'x', { start: 2 }), 'llo');
    assert.equal(await textOf(store, 'x', { start: 5 }), '');
    await assert.rejects(store.open('x', { range: { start: 6 } }), expectError('mirror-range'));
    assert.equal(await store.open('x', { unlessTag: tag }), 'not-modified');
    const rest = await store.open('x', { ifTag: tag, range: { start: 3 } });
    assert.equal((await collect(rest.body)).bytes.toString(), 'lo');
    fake.put('pre/fix/x', 'other');
    await assert.rejects(store.open('x', { ifTag: tag, range: { start: 3 } }), expectError('mirror-changed'));
  });

  test('tells what is not there from a bucket that is not there', async (t) => {
    const { fake, store, open } = await fakePlace(t);
    assert.equal(await store.stat('none'), undefined);
    await assert.rejects(
      store.open('none'),
      expectError(
        'mirror-not-found',
        /^Cannot read "s3:\/\/bucket\/pre\/fix\/none": NoSuchKey: It is <NoSuchKey> \(request REQ\d+\)$/,
      ),
    );
    fake.fail({ when: ({ method }) => method === 'GET', status: 404, code: 'NoSuchBucket' });
    await assert.rejects(open().open('x'), expectError('mirror-unreachable', /NoSuchBucket/));
    await assert.rejects(store.open('../x'), expectError('mirror-not-found'));
  });

  test('takes a denial for absence where the bucket cannot be listed', async (t) => {
    const { fake, store } = await fakePlace(t, { hidesAbsence: true });
    fake.put('pre/fix/x', 'hello');
    assert.equal(await store.stat('none'), undefined);
    assert.equal(await store.stat('none'), undefined);
    assert.equal(fake.log.filter((line) => line.includes('list-type')).length, 1, 'it is asked once');
    await assert.rejects(store.open('none'), expectError('mirror-not-found', /AccessDenied/));
    assert.equal(await textOf(store, 'x'), 'hello');
  });

  test('does not take it for absence where the bucket can be listed', async (t) => {
    const { fake, store } = await fakePlace(t);
    fake.put('pre/fix/x', 'hello');
    fake.fail({ when: ({ key }) => key === 'pre/fix/x', status: 403, code: 'AccessDenied', times: 4 });
    await assert.rejects(store.stat('x'), expectError('mirror-http-status', /AccessDenied/));
    await assert.rejects(store.open('x'), expectError('mirror-http-status', /AccessDenied/));
  });

  test('reads a public bucket without credentials', async (t) => {
    const { fake, open } = await fakePlace(t, { isPublic: true });
    fake.put('pre/fix/x', 'hello');
    const environment = changed(fake.environment, { AWS_ACCESS_KEY_ID: undefined });
    assert.equal(await textOf(open({ environment }), 'x'), 'hello');
    await assert.rejects(
      open({ environment })
        .writer?.begin()
        .then((object) => object.commit('y')) ?? Promise.resolve(),
      expectError('mirror-read-only', /AccessDenied/),
    );
  });
});

describe('S3Objects: what a server objects to', () => {
  test('tries again when it shall slow down, and tells so when that lasts', async (t) => {
    const { fake, store } = await fakePlace(t);
    fake.put('pre/fix/x', 'hello');
    fake.fail({ when: () => true, status: 503, code: 'SlowDown', times: 2 });
    assert.equal(await textOf(store, 'x'), 'hello');
    fake.fail({ when: () => true, status: 503, code: 'SlowDown', times: 3 });
    await assert.rejects(store.open('x'), (error) => {
      assert.ok(expectError('mirror-http-status', /SlowDown.*request REQ/)(error));
      return (error as BuildcacheError).retryable;
    });
  });

  test('learns the region from an error, and keeps it', async (t) => {
    const { fake, store } = await fakePlace(t, { region: 'eu-north-1' });
    fake.put('pre/fix/x', 'hello');
    assert.equal((await store.stat('x'))?.size, 5);
    const before = fake.log.length;
    assert.equal(await textOf(store, 'x'), 'hello');
    assert.equal(fake.log.length, before + 1);
  });

  test('learns the region from a redirect that leads nowhere', async (t) => {
    const { fake, store } = await fakePlace(t, { region: 'eu-north-1' });
    const headers = { 'x-amz-bucket-region': 'eu-north-1' };
    fake.fail({ when: () => true, status: 301, code: 'PermanentRedirect', headers });
    const pending = await store.writer?.begin();
    await pending?.write(Buffer.from('hello'));
    await pending?.commit('x');
    assert.deepEqual(fake.log, ['PUT pre/fix/x', 'PUT pre/fix/x']);
    assert.equal(fake.objects.get('pre/fix/x')?.bytes.toString(), 'hello');
  });

  for (const tellsRegion of [false, true])
    test(`goes by the clock of a server that ${tellsRegion ? 'names' : 'does not name'} its region`, async (t) => {
      const { fake, open } = await fakePlace(t, { tellsRegion });
      fake.put('pre/fix/x', 'hello');
      fake.now = () => Date.now() + 3_600_000;
      const store = open();
      assert.equal(await textOf(store, 'x'), 'hello');
      assert.equal((await store.stat('x'))?.size, 5);
      assert.equal(fake.log.length, 3);
      assert.equal((await open().stat('x'))?.size, 5);
    });

  test('learns for all requests that are refused at once', async (t) => {
    const { fake, open } = await fakePlace(t, { region: 'eu-north-1' });
    fake.put('pre/fix/x', 'hello');
    for (const advance of [0, 3_600_000]) {
      fake.now = () => Date.now() + advance;
      const store = open();
      const texts = await Promise.all(Array.from({ length: 8 }, () => textOf(store, 'x')));
      assert.deepEqual(new Set(texts), new Set(['hello']));
    }
  });

  test('says what is wrong with credentials, and never what they are', async (t) => {
    const { fake, open } = await fakePlace(t, { sessionToken: 'TOKEN-OF-FAKE' });
    const wrong = [
      [{ AWS_SECRET_ACCESS_KEY: 'SECRET-OF-FAKE' }, /SignatureDoesNotMatch/],
      [{ AWS_ACCESS_KEY_ID: 'ID-OF-FAKE' }, /InvalidAccessKeyId/],
      [{ AWS_SESSION_TOKEN: 'OLD-OF-FAKE' }, /ExpiredToken/],
    ] as const;
    for (const [changes, message] of wrong) {
      const store = open({ environment: changed(fake.environment, changes) });
      for (const ask of [() => store.open('x'), () => store.stat('x'), () => listed(store, '')])
        await assert.rejects(ask(), (error: unknown) => {
          assert.ok(error instanceof BuildcacheError);
          assert.match(error.message, message);
          assert.ok(error.hint !== undefined);
          assert.doesNotMatch(inspect(error, { depth: 9 }), /OF-FAKE/);
          assert.ok(!inspect(error, { depth: 9 }).includes(FAKE_KEYS.secret));
          return true;
        });
    }
  });
});

describe('S3Objects: list', () => {
  test('lists by pages of one, sorted, with what folders there are', async (t) => {
    const { fake, store } = await fakePlace(t);
    for (const key of ['x/b', 'x/a+ é&', 'x/a/1', 'x/a/2', 'x/', 'y', 'x//z'])
      fake.put(`pre/fix/${key}`, '12345');
    fake.put('pre/fixed', '');
    const paths = async (folder: string, options?: ListOptions) =>
      (await listed(store, folder, options)).map(({ path }) => path);
    assert.deepEqual(await paths('x'), ['x/a+ é&', 'x/b']);
    assert.deepEqual(await paths('x', { withFolders: true }), ['x/a+ é&', 'x/a/', 'x/b']);
    assert.deepEqual(await paths('', { isRecursive: true }), ['x/a+ é&', 'x/a/1', 'x/a/2', 'x/b', 'y']);
    assert.deepEqual(await paths('none'), []);
    const [first] = await listed(store, 'x');
    assert.equal(first?.size, 5);
    assert.equal(first?.modified, Date.parse('2024-01-10T00:00:00Z'));
  });

  test('refuses another answer, and a denial', async (t) => {
    const { fake, store } = await fakePlace(t);
    fake.fail({ when: () => true, status: 200 });
    await assert.rejects(listed(store, ''), expectError('mirror-protocol'));
    fake.fail({ when: () => true, status: 403, code: 'AccessDenied' });
    await assert.rejects(
      listed(store, ''),
      expectError('mirror-http-status', /^Cannot list "s3:.*AccessDenied/),
    );
  });
});

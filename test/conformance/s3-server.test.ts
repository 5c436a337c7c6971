// Buckets on a real server, over http and TLS.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ObjectStore } from '../../src/transport/object-store.js';
import { readAll } from '../../src/transport/read-object.js';
import { writeObject } from '../../src/transport/write-object.js';
import { CuttingProxy } from '../helpers/cutting-proxy.js';
import { runHere } from '../helpers/program-run.js';
import { publishPlace } from '../helpers/publish-place.js';
import { NO_S3_SERVER, startS3Server } from '../helpers/s3-server.js';
import { collect } from '../transport/http/recording-retry.js';
import { expectError } from '../transport/s3/fake-place.js';

const skip = NO_S3_SERVER;

async function pathsIn(store: ObjectStore): Promise<string[]> {
  const paths: string[] = [];
  for await (const { path } of store.lister?.list('', { isRecursive: true }) ?? []) paths.push(path);
  return paths;
}

test('a server takes objects, lists them, and gives them back', { skip }, async (t) => {
  const store = startS3Server(t).open();
  const { writer } = store;
  assert.ok(writer);
  const objects = new Map(
    Object.entries({ empty: 0, "a/b c+d(1)!*'~é&=?#": 5, large: 40 << 20 }).map(([path, size]) => [
      path,
      Buffer.alloc(size, path),
    ]),
  );
  for (const [path, bytes] of objects) {
    const { size, tag } = await writeObject(writer, { path, bytes }, { condition: 'absent' });
    assert.equal(size, bytes.length);
    assert.deepEqual(await store.stat(path), { size, tag });
    assert.deepEqual(Buffer.from(await readAll(store, path, { limit: 1 << 30 })), bytes);
    await assert.rejects(
      writeObject(writer, { path, bytes }, { condition: 'absent' }),
      expectError('mirror-changed'),
    );
    await writeObject(writer, { path, bytes }, { condition: { ifTag: tag ?? '' } });
    const stale = { condition: { ifTag: '"0"' } } as const;
    await assert.rejects(writeObject(writer, { path, bytes }, stale), expectError('mirror-changed'));
    await assert.rejects(writer.remove(path, stale.condition), expectError('mirror-changed'));
  }
  assert.deepEqual(await pathsIn(store), [...objects.keys()].sort());
  for (const path of objects.keys()) {
    const ifTag = (await store.stat(path))?.tag;
    for (let time = 0; time < 2; time++) await writer.remove(path, { ifTag });
  }
  assert.deepEqual(await pathsIn(store), []);
  await assert.rejects(store.open('empty'), expectError('mirror-not-found'));
});

test('of many writers of one name, one wins', { skip }, async (t) => {
  const { writer } = startS3Server(t).open();
  assert.ok(writer);
  const writers = Array.from({ length: 12 }, (_, index) =>
    writeObject(writer, { path: 'x', bytes: Buffer.from(`${index}`) }, { condition: 'absent' }),
  );
  const outcomes = await Promise.allSettled(writers);
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
});

for (const withTls of [false, true]) {
  const over = withTls ? 'TLS' : 'http';

  test(`a server tells what is wrong with credentials, and its region, over ${over}`, { skip }, async (t) => {
    const { open, environment } = startS3Server(t, { withTls });
    assert.equal(environment.AWS_ENDPOINT_URL?.startsWith(withTls ? 'https:' : 'http:'), true);
    const secret = open({ AWS_SECRET_ACCESS_KEY: 'wrong' }).open('x');
    await assert.rejects(secret, expectError('mirror-http-status', /SignatureDoesNotMatch/));
    const id = open({ AWS_ACCESS_KEY_ID: 'wrong' }).stat('x');
    await assert.rejects(id, expectError('mirror-http-status', /InvalidAccessKeyId/));
    assert.equal(await open({ AWS_REGION: 'eu-west-1' }).stat('x'), undefined);
    const token = open({ AWS_SESSION_TOKEN: 'bogus' }).stat('x');
    await assert.rejects(token, expectError('mirror-http-status'));
  });

  test(`a server says whether everybody may read, over ${over}`, { skip }, async (t) => {
    const { open, allowReading } = startS3Server(t, { withTls });
    const keys = { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined };
    const { writer } = open();
    assert.ok(writer);
    await writeObject(writer, { path: 'x', bytes: Buffer.from('hello') });
    const denied = readAll(open(keys), 'x', { limit: 10 });
    await assert.rejects(denied, (error) => expectError('mirror-not-found', /AccessDenied/)(error));
    await allowReading();
    const anonymous = open(keys);
    assert.equal(Buffer.from(await readAll(anonymous, 'x', { limit: 10 })).toString(), 'hello');
    assert.deepEqual(await pathsIn(anonymous), ['x']);
    assert.ok(anonymous.writer);
    const refused = writeObject(anonymous.writer, { path: 'y', bytes: Buffer.from('no') });
    await assert.rejects(refused, expectError('mirror-read-only', /AccessDenied/));
  });

  test(`a server's clock is followed, over ${over}`, { skip }, async (t) => {
    const { open } = startS3Server(t, { withTls });
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() - 20 * 60_000 });
    assert.equal(await open().stat('x'), undefined);
  });

  test(`packages get to a bucket and back by the command line, over ${over}`, { skip }, async (t) => {
    const { environment } = startS3Server(t, { withTls });
    const { folder, cache } = await publishPlace(t);
    const top = `/${cache.get('top').hash}`;
    const check = async (...args: string[]) => {
      const { exitCode, out, err } = await runHere(args, { folder, environment });
      assert.equal(exitCode, 0, err);
      return out;
    };
    const root = ['--root', join(folder, 'store')];
    await check('install', top, '--no-check-signature', '-m', cache.folder, ...root);
    await check('push', top, '-m', 's3://bucket/cache', '--unsigned', '--update-index', ...root);
    await check('index', 's3://bucket/cache');
    const other = ['--root', join(folder, 'other')];
    assert.match(await check('list', '-m', 's3://bucket/cache'), /top/);
    await check('install', 'top', '--no-check-signature', '-m', 's3://bucket/cache', ...other);
    if (!withTls) return;
    const { AWS_CA_BUNDLE: bundle = '', ...unknowing } = environment;
    const list = ['list', '-m', 's3://bucket/cache'];
    const refused = await runHere(list, { folder, environment: unknowing });
    assert.match(refused.err, /certificate/);
    const named = await runHere([...list, '--ca-file', bundle], { folder, environment: unknowing });
    assert.equal(named.exitCode, 0, named.err);
  });
}

test('a server goes on with an object that broke off, and not with another one', { skip }, async (t) => {
  const server = startS3Server(t);
  const { writer } = server.open();
  assert.ok(writer);
  const proxy = await CuttingProxy.start(Number(server.environment.S3_PORT));
  t.after(() => proxy.close());
  const store = server.open({ AWS_ENDPOINT_URL: proxy.url });
  const bytes = Buffer.alloc(20 << 20, 'regraft');
  const other = Buffer.alloc(20 << 20, 'another');
  await writeObject(writer, { path: 'x', bytes });
  proxy.cutAfter(12 << 20);
  assert.ok(Buffer.from(await readAll(store, 'x', { limit: 1 << 30 })).equals(bytes));
  assert.ok(proxy.received < 1.05 * bytes.length, `${proxy.received} bytes`);
  const { body } = await store.open('x');
  proxy.cutAfter(12 << 20, async () => void (await writeObject(writer, { path: 'x', bytes: other })));
  await assert.rejects(collect(body), expectError('mirror-changed'));
});

test('a server removes many objects at once, and lists the uploads that were left', { skip }, async (t) => {
  const { open, requests } = startS3Server(t);
  const store = open();
  const { writer } = store;
  assert.ok(writer?.removeMany && writer.unfinished);
  const paths = ["a/b c+d(1)!*'~é&=?#", 'a/"<>', ...Array.from({ length: 30 }, (_, index) => `a/${index}`)];
  for (const path of paths) await writeObject(writer, { path, bytes: Buffer.from(path) });
  requests();
  await writer.removeMany([...paths, 'not/there']);
  assert.deepEqual(
    requests().map((line) => line.split(' ')[0]),
    ['s3_DeleteObjects'],
  );
  assert.deepEqual(await pathsIn(store), []);
  const left = await writer.begin({ path: 'a/left' });
  await left.write(Buffer.alloc(20 << 20));
  await left.prepare();
  const found = [];
  for await (const each of writer.unfinished('a')) found.push(each);
  assert.deepEqual(
    found.map(({ path }) => path),
    ['a/left'],
  );
  assert.equal(await found[0]?.size(), 20 << 20);
  assert.ok(Math.abs((found[0]?.begun ?? 0) - Date.now()) < 3_600_000);
  for (let time = 0; time < 2; time++) await found[0]?.abort();
  for await (const each of writer.unfinished('a')) assert.fail(each.path);
  await left.discard();
});

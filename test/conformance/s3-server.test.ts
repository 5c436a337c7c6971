// Buckets on a real server. REGRAFT_S3_SERVER names a script that starts one for a folder, writes DIR/env with the variables of AWS, and
// keeps the buckets in DIR/data.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { ObjectStore } from '../../src/transport/object-store.js';
import { openObjectStore } from '../../src/transport/open-store.js';
import { readAll } from '../../src/transport/read-object.js';
import { writeObject } from '../../src/transport/write-object.js';
import { CuttingProxy } from '../helpers/cutting-proxy.js';
import { runHere } from '../helpers/program-run.js';
import { publishPlace } from '../helpers/publish-place.js';
import { temporaryFolder } from '../store/temporary-folder.js';
import { collect } from '../transport/http/recording-retry.js';
import { expectError } from '../transport/s3/fake-place.js';

const SCRIPT = process.env.REGRAFT_S3_SERVER;
const skip =
  SCRIPT === undefined ? 'skipped: REGRAFT_S3_SERVER does not name a script that starts a server' : false;

interface Server {
  readonly environment: Readonly<Record<string, string>>;
  open(environment?: Readonly<Record<string, string>>): ObjectStore;
}

function startServer(t: TestContext): Server {
  const folder = temporaryFolder(t);
  execFileSync(SCRIPT ?? '', [folder], { stdio: 'ignore' });
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
  const environment = { ...variables, AWS_EC2_METADATA_DISABLED: 'true' };
  return {
    environment,
    open: (changes = {}) => {
      const store = openObjectStore('s3://bucket/pre/fix', { environment: { ...environment, ...changes } });
      opened.push(store);
      return store;
    },
  };
}

async function pathsIn(store: ObjectStore): Promise<string[]> {
  const paths: string[] = [];
  for await (const { path } of store.lister?.list('', { isRecursive: true }) ?? []) paths.push(path);
  return paths;
}

test('a server takes objects, lists them, and gives them back', { skip }, async (t) => {
  const store = startServer(t).open();
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
  const { writer } = startServer(t).open();
  assert.ok(writer);
  const writers = Array.from({ length: 12 }, (_, index) =>
    writeObject(writer, { path: 'x', bytes: Buffer.from(`${index}`) }, { condition: 'absent' }),
  );
  const outcomes = await Promise.allSettled(writers);
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
});

test('a server tells what is wrong with credentials, and its region', { skip }, async (t) => {
  const { open } = startServer(t);
  const secret = open({ AWS_SECRET_ACCESS_KEY: 'wrong' }).open('x');
  await assert.rejects(secret, expectError('mirror-http-status', /SignatureDoesNotMatch/));
  const id = open({ AWS_ACCESS_KEY_ID: 'wrong' }).stat('x');
  await assert.rejects(id, expectError('mirror-http-status', /InvalidAccessKeyId/));
  assert.equal(await open({ AWS_REGION: 'eu-west-1' }).stat('x'), undefined);
});

test('packages get to a bucket and back by the command line', { skip }, async (t) => {
  const { environment } = startServer(t);
  const { folder, cache } = await publishPlace(t);
  const top = `/${cache.get('top').hash}`;
  const check = async (...args: string[]) => {
    const { exitCode, err } = await runHere(args, { folder, environment });
    assert.equal(exitCode, 0, err);
  };
  const root = ['--root', join(folder, 'store')];
  await check('install', top, '--no-check-signature', '-m', cache.folder, ...root);
  await check('push', top, '-m', 's3://bucket/cache', '--unsigned', '--update-index', ...root);
  await check('index', 's3://bucket/cache');
  const other = ['--root', join(folder, 'other')];
  await check('install', 'top', '--no-check-signature', '-m', 's3://bucket/cache', ...other);
});

test('a server goes on with an object that broke off, and not with another one', { skip }, async (t) => {
  const server = startServer(t);
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

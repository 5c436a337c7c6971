// Objects of buckets over networks that break off.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { collect } from '../http/recording-retry.js';
import { expectError, fakePlace } from './fake-place.js';

const BYTES = Buffer.from(Uint8Array.from({ length: 900_000 }, (_, i) => (i * 13) % 241));
const KEY = 'pre/fix/a/b';

test('an object of a bucket is read on where it breaks off', async (t) => {
  const { fake, store } = await fakePlace(t);
  fake.put(KEY, BYTES);
  const ranges: (string | undefined)[] = [];
  fake.fail({
    when: ({ headers }) => {
      ranges.push(headers.range);
      return ranges.length === 1;
    },
    status: 200,
    times: 2,
    cutAt: 540_000,
  });
  const { body } = await store.open('a/b');
  assert.ok((await collect(body)).bytes.equals(BYTES));
  assert.deepEqual(ranges, [undefined, 'bytes=540000-']);
});

test('an object of a bucket that was replaced is not read on, though the server ignores If-Range', async (t) => {
  const { fake, store } = await fakePlace(t);
  fake.put(KEY, BYTES);
  fake.fail({ when: () => true, status: 200, cutAt: 540_000 });
  const { body } = await store.open('a/b');
  fake.put(KEY, Buffer.from(BYTES).reverse());
  await assert.rejects(collect(body), expectError('mirror-changed', /s3:\/\/bucket\/pre\/fix\/a\/b/));
});

test('a bucket that fails again and again is left alone, and its secrets are told nowhere', async (t) => {
  const { fake, open } = await fakePlace(t);
  const told: string[] = [];
  const store = open({
    environment: { ...fake.environment, REGRAFT_FAILURES_IN_ROW: '2' },
    onLeftAlone: (error) => void told.push(`${error.message} ${JSON.stringify(error.data)} ${error.hint}`),
  });
  fake.put(KEY, BYTES);
  fake.fail({ when: () => true, status: 503, code: 'SlowDown', times: 100 });
  for (let i = 0; i < 2; i++) await assert.rejects(store.open('a/b'), expectError('mirror-http-status'));
  await assert.rejects(store.open('a/b'), expectError('mirror-left-alone'));
  assert.equal(told.length, 1);
  assert.ok(!told.some((text) => text.includes(fake.environment.AWS_SECRET_ACCESS_KEY ?? '-')));
});

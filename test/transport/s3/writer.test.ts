import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { BeginOptions, CommitCondition } from '../../../src/transport/object-store.js';
import { parseBucketUrl } from '../../../src/transport/s3/bucket-place.js';
import { S3Client } from '../../../src/transport/s3/client.js';
import { CredentialCache, type Credentials } from '../../../src/transport/s3/credentials/credentials.js';
import { findEndpoint } from '../../../src/transport/s3/endpoint.js';
import { S3Writer } from '../../../src/transport/s3/writer.js';
import { writeObject } from '../../../src/transport/write-object.js';
import { FAKE_KEYS, type FakeS3 } from '../../helpers/fake-s3.js';
import { recordingRetry } from '../http/recording-retry.js';
import { expectError, fakePlace } from './fake-place.js';

/** Makes objects of three parts. */
const PART_SIZE = 100;
const BYTES = Buffer.from(Array.from({ length: 250 }, (_, index) => index));

const KEYS = { accessKeyId: FAKE_KEYS.id, secretAccessKey: FAKE_KEYS.secret };

/** A writer whose parts are small. */
function writerTo(
  t: TestContext,
  fake: FakeS3,
  findCredentials: () => Promise<Credentials> = async () => KEYS,
): S3Writer {
  const { environment } = fake;
  const credentials = new CredentialCache(findCredentials);
  const client = new S3Client({
    place: parseBucketUrl('s3://bucket'),
    endpoint: findEndpoint({ connection: {}, environment, profile: {} }),
    region: 'us-east-1',
    credentials,
    http: { environment, retry: recordingRetry(3) },
    locate: (path) => `s3://bucket/${path}`,
  });
  t.after(() => client.close());
  return new S3Writer({ client, prefix: '', check: () => {}, partSize: PART_SIZE });
}

interface Writing extends BeginOptions {
  readonly bytes?: Uint8Array;
  readonly condition?: CommitCondition;
}

async function write(writer: S3Writer, { bytes = BYTES, condition, ...options }: Writing = {}) {
  const pending = await writer.begin(options);
  for (let offset = 0; offset < bytes.length; offset += 33)
    await pending.write(bytes.subarray(offset, offset + 33));
  await pending.prepare();
  return pending.commit('x', condition);
}

describe('S3Writer', () => {
  test('writes empty and small objects in one request', async (t) => {
    const { fake } = await fakePlace(t);
    const writer = writerTo(t, fake);
    for (const size of [0, 1, PART_SIZE]) {
      const facts = await write(writer, { bytes: BYTES.subarray(0, size) });
      assert.equal(facts.size, size);
      assert.equal(facts.tag, fake.objects.get('x')?.tag);
      assert.deepEqual(fake.objects.get('x')?.bytes, BYTES.subarray(0, size));
    }
    assert.deepEqual(fake.log, ['PUT x', 'PUT x', 'PUT x']);
  });

  test('writes large objects in parts, before the name is given where it is known', async (t) => {
    const { fake } = await fakePlace(t);
    const writer = writerTo(t, fake);
    for (const path of [undefined, 'x', 'other']) {
      const facts = await write(writer, { path });
      assert.equal(facts.tag, fake.objects.get('x')?.tag);
      assert.deepEqual(fake.objects.get('x')?.bytes, BYTES);
      assert.deepEqual([...fake.objects.keys()], ['x']);
      assert.equal(fake.uploads.size, 0);
    }
  });

  test('sends an object again, where that was asked for', async (t) => {
    const { fake } = await fakePlace(t);
    const writer = writerTo(t, fake);
    for (const bytes of [BYTES, BYTES.subarray(0, 50)]) {
      const pending = await writer.begin({ isRepeatable: true });
      await pending.write(bytes);
      for (let time = 0; time < 2; time++) {
        const { tag } = await pending.commit('x', 'absent');
        assert.equal(fake.objects.get('x')?.tag, tag);
        assert.deepEqual(fake.objects.get('x')?.bytes, bytes);
        await writer.remove('x');
      }
      await pending.discard();
      assert.equal(fake.uploads.size, 0);
    }
  });

  test('gives a name on a condition', async (t) => {
    const { fake } = await fakePlace(t);
    const writer = writerTo(t, fake);
    for (const bytes of [BYTES, BYTES.subarray(0, 10)]) {
      await assert.rejects(
        write(writer, { bytes, condition: { ifTag: '"0"' } }),
        expectError('mirror-changed'),
      );
      const { tag = '' } = await write(writer, { bytes, condition: 'absent' });
      await assert.rejects(
        write(writer, { bytes, condition: 'absent' }),
        expectError('mirror-changed', /PreconditionFailed/),
      );
      await assert.rejects(
        write(writer, { bytes, condition: { ifTag: '"0"' } }),
        expectError('mirror-changed'),
      );
      await write(writer, { bytes, condition: { ifTag: tag } });
      await writer.remove('x');
      assert.equal(fake.uploads.size, 0, 'what failed is given up');
    }
    fake.fail({ when: () => true, status: 409, code: 'ConditionalRequestConflict' });
    await assert.rejects(
      write(writer, { bytes: BYTES.subarray(0, 9), condition: 'absent' }),
      expectError('mirror-changed'),
    );
  });

  test('of many with one condition, one wins', async (t) => {
    const { fake } = await fakePlace(t);
    const writer = writerTo(t, fake);
    const all = await Promise.allSettled(
      Array.from({ length: 12 }, (_, size) =>
        write(writer, { bytes: BYTES.subarray(0, size * 20), condition: 'absent' }),
      ),
    );
    assert.equal(all.filter(({ status }) => status === 'fulfilled').length, 1);
    assert.equal(fake.uploads.size, 0);
  });

  test('knows its own object when an answer was lost', async (t) => {
    const { fake } = await fakePlace(t);
    const writer = writerTo(t, fake);
    fake.fail({ when: ({ method }) => method === 'PUT', status: 500, isAfter: true });
    assert.equal(
      (await write(writer, { bytes: BYTES.subarray(0, 10), condition: 'absent' })).tag,
      fake.objects.get('x')?.tag,
    );
    await writer.remove('x');
    const isLast = ({ method, query }: { method: string; query: URLSearchParams }) =>
      method === 'POST' && query.has('uploadId');
    for (const condition of ['absent', undefined] as const) {
      fake.objects.clear();
      fake.fail({ when: isLast, status: 500, isAfter: true });
      const facts = await write(writer, { ...(condition && { condition }) });
      assert.equal(facts.tag, fake.objects.get('x')?.tag);
    }
  });

  test('gives up an upload that fails, and leaves nothing', async (t) => {
    const { fake } = await fakePlace(t);
    const writer = writerTo(t, fake);
    const steps = [
      {
        when: ({ query }: { query: URLSearchParams }) => query.has('uploads'),
        status: 403,
        code: 'AccessDenied',
      },
      {
        when: ({ query }: { query: URLSearchParams }) => query.get('partNumber') === '2',
        status: 403,
        code: 'AccessDenied',
      },
      {
        when: ({ method, query }: { method: string; query: URLSearchParams }) =>
          method === 'POST' && query.has('uploadId'),
        status: 403,
        code: 'AccessDenied',
      },
    ];
    for (const path of [undefined, 'x'])
      for (const fault of steps) {
        fake.fail(fault);
        await assert.rejects(
          write(writer, { path }),
          expectError('mirror-read-only', /^Cannot write "s3:\/\/bucket\/x": AccessDenied/),
        );
        assert.equal(fake.uploads.size, 0);
        assert.equal(fake.objects.size, 0);
      }
  });

  test('takes an answer of 200 that holds an error for one', async (t) => {
    const { fake } = await fakePlace(t);
    fake.fail({
      when: ({ method, query }) => method === 'POST' && query.has('uploadId'),
      status: 200,
      code: 'InternalError',
    });
    await assert.rejects(write(writerTo(t, fake)), expectError('mirror-write-failed', /InternalError/));
    assert.equal(fake.uploads.size, 0);
  });

  test('sends a part again that did not arrive', async (t) => {
    const { fake } = await fakePlace(t);
    fake.fail({ when: ({ query }) => query.has('partNumber'), status: 503, code: 'SlowDown', times: 2 });
    await write(writerTo(t, fake));
    assert.deepEqual(fake.objects.get('x')?.bytes, BYTES);
  });

  test('goes on when its session ends while several parts are on their way', async (t) => {
    const { fake } = await fakePlace(t, { sessionToken: 'TOKEN-1' });
    let sessions = 0;
    const expires = Date.now() + 3_600_000;
    const writer = writerTo(t, fake, async () => ({
      ...KEYS,
      sessionToken: `TOKEN-${++sessions}`,
      expires,
    }));
    let refused = 0;
    fake.fail({
      when: ({ query, headers }) => {
        // The session ends as the first part arrives.
        if (query.has('partNumber')) fake.sessionToken = 'TOKEN-2';
        if (headers['x-amz-security-token'] !== fake.sessionToken) refused++;
        return false;
      },
      status: 400,
    });
    const bytes = Buffer.alloc(10 * PART_SIZE, 'bytes');
    await write(writer, { path: 'x', bytes });
    assert.deepEqual(fake.objects.get('x')?.bytes, bytes);
    assert.ok(refused > 1, `${refused} parts were refused`);
    assert.equal(sessions, 2, 'credentials are read anew once');
    assert.equal(fake.uploads.size, 0);
  });

  test('what is dropped, or aborted, leaves nothing', async (t) => {
    const { fake } = await fakePlace(t);
    const writer = writerTo(t, fake);
    const pending = await writer.begin({ path: 'x' });
    await pending.write(BYTES);
    await pending.prepare();
    assert.equal(fake.uploads.size, 1);
    await pending.discard();
    await pending.discard();
    assert.equal(fake.uploads.size, 0);
    await assert.rejects(pending.commit('x'), TypeError);
    const stop = new AbortController();
    const stopped = await writer.begin({ path: 'x', signal: stop.signal });
    await stopped.write(BYTES);
    stop.abort(new Error('stopped'));
    await assert.rejects(stopped.commit('x'), /stopped/);
    assert.equal(fake.uploads.size + fake.objects.size, 0);
  });

  for (const unknown of ['known', 'not known'] as const)
    test(`removes only the object that it is told to, on a condition that is ${unknown} to the server`, async (t) => {
      const { fake, store } = await fakePlace(t);
      const { writer } = store;
      assert.ok(writer);
      const isCondition = { when: ({ method }: { readonly method: string }) => method === 'DELETE' };
      const { tag: ifTag = '' } = await writeObject(writer, { path: 'x', bytes: BYTES });
      const ifModified = fake.writes() + 500; // within the same second
      for (const other of [{ ifTag: '"0"' }, { ifTag, ifModified: ifModified + 1000 }])
        await assert.rejects(writer.remove('x', other), expectError('mirror-changed', /^Cannot remove /));
      assert.equal(fake.objects.size, 1);
      if (unknown === 'not known') fake.fail({ ...isCondition, status: 501, code: 'NotImplemented' });
      await writer.remove('x', { ifTag, ifModified });
      await writer.remove('x', { ifTag, ifModified });
      assert.equal(fake.objects.size, 0);
    });

  test('sees a change between its look and the removal', async (t) => {
    const { fake, store } = await fakePlace(t);
    assert.ok(store.writer);
    const { tag: ifTag = '' } = await writeObject(store.writer, { path: 'x', bytes: BYTES });
    fake.fail({
      when: ({ method }) => {
        if (method === 'DELETE') fake.put('pre/fix/x', 'another');
        return false;
      },
      status: 500,
    });
    await assert.rejects(store.writer.remove('x', { ifTag }), expectError('mirror-changed'));
    assert.equal(fake.objects.size, 1);
  });

  test('sends parts while it is still being written', { timeout: 20_000 }, async (t) => {
    const { fake } = await fakePlace(t);
    const pending = await writerTo(t, fake).begin({ path: 'x' });
    const first = new Promise<void>((resolve) => {
      const when = ({ query }: { query: URLSearchParams }) => {
        if (query.get('partNumber') === '1') resolve();
        return false;
      };
      fake.fail({ when, status: 500 });
    });
    await pending.write(BYTES.subarray(0, 150));
    await first;
    await pending.write(BYTES.subarray(150));
    await pending.prepare();
    await pending.commit('x');
    assert.deepEqual(fake.objects.get('x')?.bytes, BYTES);
    const given = await writerTo(t, fake).begin({ path: 'y' });
    await given.write(BYTES);
    await given.discard();
    assert.equal(fake.uploads.size, 0);
  });

  test('a server that refuses every condition, also one that holds, knows none', async (t) => {
    const { fake } = await fakePlace(t);
    const writer = writerTo(t, fake);
    const refuse = () =>
      fake.fail({ when: ({ method }) => method === 'PUT', status: 412, code: 'PreconditionFailed' });
    refuse();
    await assert.rejects(
      write(writer, { bytes: BYTES.subarray(0, 9), condition: 'absent' }),
      expectError('mirror-unconditional'),
    );
    const { tag = '' } = await write(writer, { bytes: BYTES.subarray(0, 9) });
    refuse();
    const held = { bytes: BYTES.subarray(0, 8), condition: { ifTag: tag } };
    await assert.rejects(write(writer, held), expectError('mirror-unconditional'));
    const broken = { bytes: BYTES.subarray(0, 8), condition: { ifTag: '"other"' } };
    await assert.rejects(write(writer, broken), expectError('mirror-changed'));
    await assert.rejects(write(writer, { condition: 'absent' }), expectError('mirror-changed'));
  });

  test('removes objects, there or not', async (t) => {
    const { fake, store } = await fakePlace(t);
    assert.ok(store.writer);
    await writeObject(store.writer, { path: 'a/b', bytes: BYTES });
    await store.writer.remove('a/b');
    await store.writer.remove('a/b');
    assert.equal(fake.objects.size, 0);
    fake.fail({ when: () => true, status: 403, code: 'AccessDenied' });
    await assert.rejects(store.writer.remove('a/b'), expectError('mirror-read-only', /^Cannot remove /));
  });
});

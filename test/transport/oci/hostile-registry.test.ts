// Registries that break off, stall, lie, or lead elsewhere: each ends with a coded error, or goes on where it can.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, type TestContext, test } from 'node:test';
import { IMAGE_INDEX, IMAGE_MANIFEST } from '../../../src/transport/oci/media-types.js';
import { digestOf, type FakeRegistryOptions, type FakeRequest } from '../../helpers/fake-registry.js';
import { collect, recordingRetry } from '../http/recording-retry.js';
import { expectError, fakePlace, NAME } from './fake-place.js';

const BLOB = randomBytes(1 << 20);
const MANIFEST = Buffer.from(
  JSON.stringify({ schemaVersion: 2, mediaType: IMAGE_MANIFEST, pad: 'x'.repeat(5000) }),
);
const SUBJECT = digestOf(MANIFEST);

async function filled(t: TestContext, options?: FakeRegistryOptions) {
  const place = await fakePlace(t, options);
  const { blobs, manifests, tags } = place.fake.repository(NAME);
  blobs.set(digestOf(BLOB), BLOB);
  manifests.set(SUBJECT, { bytes: MANIFEST, mediaType: IMAGE_MANIFEST });
  tags.set('tag', SUBJECT);
  return place;
}

async function all(tags: AsyncIterable<string>): Promise<string[]> {
  const found: string[] = [];
  for await (const tag of tags) found.push(tag);
  return found;
}

const isManifest = ({ path, method }: FakeRequest) => path.includes('/manifests/') && method === 'GET';
const isBlob = ({ path }: FakeRequest) => path.includes('/blobs/sha256:');
const isTagList = ({ path }: FakeRequest) => path.endsWith('/tags/list');
const isReferrers = ({ path }: FakeRequest) => path.includes('/referrers/');

describe('what breaks off', () => {
  test('is read again: a manifest, a list of tags, a list of referrers', async (t) => {
    const { fake, repository } = await filled(t);
    for (const when of [isManifest, isTagList, isReferrers]) fake.fail({ when, cutAt: 10 });
    assert.deepEqual((await repository.manifests.get('tag'))?.bytes, MANIFEST);
    assert.deepEqual(await all(repository.tags()), ['tag']);
    assert.deepEqual(await repository.referrers(SUBJECT, 'x'), []);
    assert.equal(fake.log.length, 6);
  });

  test('again and again is an error', async (t) => {
    const { fake, repository } = await filled(t);
    fake.fail({ when: (request) => isManifest(request) || isTagList(request), cutAt: 10, times: 99 });
    await assert.rejects(repository.manifests.get('tag'), expectError('mirror-truncated'));
    await assert.rejects(all(repository.tags()), expectError('mirror-truncated'));
    assert.ok(fake.log.length < 10);
  });
});

test('a registry that stops sending, or never answers, is given up', { timeout: 20_000 }, async (t) => {
  const { fake, open } = await filled(t);
  const retry = recordingRetry(2);
  const repository = open({ settings: { idleTimeout: 100 }, bodyTimeout: 100, headersTimeout: 100, retry });
  fake.fail({ when: (request) => !isBlob(request), stalls: true, times: 99 });
  await assert.rejects(repository.manifests.get('tag'), expectError('mirror-unreachable'));
  await assert.rejects(all(repository.tags()), expectError('mirror-unreachable'));
  fake.forgive();
  fake.fail({ when: isBlob, stalls: true, cutAt: 1 << 19 });
  const read = async () => collect((await repository.blobs.open(digestOf(BLOB))).body);
  assert.deepEqual((await read()).bytes, BLOB);
  fake.fail({ when: isBlob, stalls: true, cutAt: 0, times: 99 });
  await assert.rejects(read(), expectError('mirror-unreachable'));
});

test('servers behind a registry need not agree on tags of their own', async (t) => {
  const { fake, repository } = await filled(t);
  let asked = 0;
  const headers = {
    get etag() {
      return `"${asked++}"`;
    },
  };
  fake
    .fail({ when: isBlob, cutAt: 1 << 19, headers })
    .fail({ when: isBlob, cutAt: BLOB.length, headers, times: 99 });
  const { body } = await repository.blobs.open(digestOf(BLOB));
  assert.deepEqual((await collect(body)).bytes, BLOB);
});

test('a manifest of 100 MB is not read', { timeout: 20_000 }, async (t) => {
  const { fake, repository } = await filled(t);
  fake.fail({ when: isManifest, endless: 100 << 20 });
  const before = process.memoryUsage().arrayBuffers;
  await assert.rejects(repository.manifests.get('tag'), expectError('metadata-too-large'));
  assert.ok(fake.sent < 16 << 20, String(fake.sent));
  assert.ok(process.memoryUsage().arrayBuffers - before < 32 << 20);
});

describe('lists', () => {
  test('of tags that are none, or that come twice, are told apart', async (t) => {
    const { fake, repository } = await filled(t);
    fake.fail({ when: isTagList, status: 200, body: '{"tags":["../x","a","a","","b c","x\\n"]}' });
    assert.deepEqual(await all(repository.tags()), ['a']);
  });

  test('that bring nothing new end', { timeout: 20_000 }, async (t) => {
    const { fake, repository } = await filled(t);
    let page = 0;
    const headers = {
      get link() {
        return `<?last=${page++}>; rel="next"`;
      },
    };
    for (const body of ['{"tags":["a"]}', '{"tags":[]}']) {
      fake.fail({ when: isTagList, status: 200, body, headers, times: 999 });
      await assert.rejects(all(repository.tags()), expectError('metadata-invalid', /does not end/));
      fake.forgive();
    }
    assert.ok(fake.log.length < 300);
  });

  test('go on after an empty page, and where several links are given', async (t) => {
    const { fake, repository } = await filled(t);
    fake.fail({
      when: isTagList,
      status: 200,
      body: '{"tags":[]}',
      headers: { link: ['<x>; rel=first', '<?last=a>; rel=next'] },
    });
    assert.deepEqual(await all(repository.tags()), ['tag']);
  });

  test('of referrers elsewhere, or without an end, are refused', async (t) => {
    const { fake, repository } = await filled(t);
    const body = JSON.stringify({ schemaVersion: 2, mediaType: IMAGE_INDEX, manifests: [] });
    for (const link of ['<https://example.com/x>; rel="next"', '<>; rel="next"']) {
      fake.fail({ when: isReferrers, status: 200, body, headers: { link }, times: 9 });
      await assert.rejects(repository.referrers(SUBJECT, 'x'), expectError('metadata-invalid'));
      fake.forgive();
    }
    for (const wrong of ['{', '{"manifests":3}', '[]', 'null']) {
      fake.fail({ when: isReferrers, status: 200, body: wrong });
      await assert.rejects(repository.referrers(SUBJECT, 'x'), expectError('metadata-invalid'));
    }
    fake.fail({ when: isReferrers, status: 200, body: '{"manifests":[null,3,{"digest":"md5:x"}]}' });
    assert.deepEqual(await repository.referrers(SUBJECT, 'x'), []);
  });
});

for (const kind of ['basic', 'bearer'] as const)
  test(`a login by ${kind} does not follow an upload to another server`, async (t) => {
    const users = { me: { password: 'pw', rights: ['pull', 'push'] } };
    const { fake, open } = await filled(t, { uploadsElsewhere: true, login: { kind, users } });
    const { blobs } = open({ connection: { accessPair: { id: 'me', secret: 'pw' } } });
    const bytes = randomBytes(17 << 20);
    const pending = await blobs.begin();
    await pending.write(bytes);
    await pending.commit(digestOf(bytes));
    assert.deepEqual(fake.repository(NAME).blobs.get(digestOf(bytes)), bytes);
    const given = await blobs.begin();
    await given.write(bytes.subarray(1));
    fake.fail({ when: ({ method }) => method === 'PUT', status: 418 });
    await assert.rejects(given.commit(digestOf(bytes.subarray(1))), expectError('mirror-write-failed'));
    await given.discard();
    assert.equal(fake.uploads.size, 0);
  });

test('a registry that is busy says when to come again', async (t) => {
  const { fake, open } = await filled(t);
  const retry = recordingRetry();
  const repository = open({ retry });
  for (const status of [429, 503]) fake.fail({ when: () => true, status, headers: { 'retry-after': '7' } });
  assert.ok(await repository.manifests.get('tag'));
  assert.deepEqual(
    retry.waits.map(({ retryAfter }) => retryAfter),
    [7000, 7000],
  );
});

test('a registry that stored another manifest than it was sent is found out', async (t) => {
  const { fake, repository } = await filled(t);
  const headers = { 'docker-content-digest': digestOf(BLOB) };
  fake.fail({ when: ({ method }) => method === 'PUT', status: 201, headers });
  await assert.rejects(
    repository.manifests.put('new', { bytes: MANIFEST, mediaType: IMAGE_MANIFEST }),
    expectError('checksum-mismatch'),
  );
});

test('a login that is missing is not taken for a registry that never deletes', async (t) => {
  const users = { me: { password: 'pw', rights: ['delete'] } };
  const { repository } = await filled(t, { login: { kind: 'basic', users } });
  await assert.rejects(repository.manifests.remove('tag'), expectError('mirror-login-failed'));
});

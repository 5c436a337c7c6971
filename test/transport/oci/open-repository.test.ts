import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, type TestContext, test } from 'node:test';
import { inspect } from 'node:util';
import { IMAGE_INDEX, IMAGE_MANIFEST } from '../../../src/transport/oci/media-types.js';
import type { Repository } from '../../../src/transport/oci/repository.js';
import { digestOf, type FakeRegistryOptions, type FakeRequest } from '../../helpers/fake-registry.js';
import { makeAuthority } from '../../helpers/throwaway-authority.js';
import { temporaryFolder } from '../../store/temporary-folder.js';
import { collect } from '../http/recording-retry.js';
import { expectError, fakePlace, NAME } from './fake-place.js';

const CONFIG = Buffer.from('{}');
const LAYER = randomBytes(3 << 20);

function manifestOf(layer: Buffer, more: object = {}): Buffer {
  const descriptor = (bytes: Buffer) => ({ mediaType: 'x/y', digest: digestOf(bytes), size: bytes.length });
  return Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: IMAGE_MANIFEST,
      config: descriptor(CONFIG),
      layers: [descriptor(layer)],
      ...more,
    }),
  );
}

async function upload({ blobs }: Repository, bytes: Uint8Array, digest = digestOf(bytes)): Promise<void> {
  const pending = await blobs.begin();
  try {
    for (let offset = 0; offset < bytes.length; offset += 100_000)
      await pending.write(bytes.subarray(offset, offset + 100_000));
    await pending.commit(digest);
  } finally {
    await pending.discard();
  }
}

async function filled(t: TestContext, options?: FakeRegistryOptions) {
  const place = await fakePlace(t, options);
  const { blobs, manifests, tags } = place.fake.repository(NAME);
  for (const bytes of [CONFIG, LAYER]) blobs.set(digestOf(bytes), bytes);
  const bytes = manifestOf(LAYER);
  manifests.set(digestOf(bytes), { bytes, mediaType: IMAGE_MANIFEST });
  for (const tag of ['c', 'a', 'b']) tags.set(tag, digestOf(bytes));
  return { ...place, manifest: bytes };
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

const isBlob = ({ path, method }: FakeRequest) => path.includes('/blobs/sha256') && method === 'GET';

describe('blobs', () => {
  for (const redirectsBlobs of [false, true])
    test(`are read whole and from a byte on, ${redirectsBlobs ? 'from another server' : 'from the registry'}`, async (t) => {
      const login = { kind: 'basic', users: { me: { password: 'pw', rights: ['pull'] } } } as const;
      const { fake, open } = await filled(t, { redirectsBlobs, login });
      const repository = open({ connection: { accessPair: { id: 'me', secret: 'pw' } } });
      const digest = digestOf(LAYER);
      const whole = await repository.blobs.open(digest);
      assert.equal(whole.size, LAYER.length);
      assert.equal(whole.location, `${fake.url(NAME)}@${digest}`);
      assert.deepEqual((await collect(whole.body)).bytes, LAYER);
      const rest = await repository.blobs.open(digest, { start: 1000 });
      assert.deepEqual((await collect(rest.body)).bytes, LAYER.subarray(1000));
      assert.deepEqual((await repository.blobs.stat(digest))?.size, LAYER.length);
      assert.equal(await repository.blobs.stat(digestOf(Buffer.from('x'))), undefined);
    });

  test('a body that breaks off goes on where it was', async (t) => {
    const { fake, repository } = await filled(t);
    fake.fail({ when: isBlob, cutAt: 2 << 20 }).fail({ when: isBlob, cutAt: 1 << 19 });
    const { body } = await repository.blobs.open(digestOf(LAYER));
    assert.deepEqual((await collect(body)).bytes, LAYER);
    assert.equal(fake.log.filter((line) => line.startsWith('GET')).length, 3);
  });

  test('a range beyond the end is told without waiting for what is announced', {
    timeout: 10_000,
  }, async (t) => {
    const { repository } = await filled(t);
    const digest = digestOf(LAYER);
    await assert.rejects(
      repository.blobs.open(digest, { start: LAYER.length + 1 }),
      expectError('mirror-range'),
    );
    const { body } = await repository.blobs.open(digest, { start: LAYER.length });
    assert.equal((await collect(body)).bytes.length, 0);
    await assert.rejects(repository.blobs.open(digestOf(Buffer.from('x'))), expectError('mirror-not-found'));
  });

  test('are removed, where that is allowed', async (t) => {
    const { fake, repository } = await filled(t);
    const digest = digestOf(LAYER);
    await repository.blobs.remove(digest);
    await repository.blobs.remove(digest);
    assert.equal(fake.repository(NAME).blobs.has(digest), false);
    const { repository: other } = await filled(t, { hasNoDelete: true });
    await assert.rejects(other.blobs.remove(digest), expectError('mirror-no-delete'));
    await assert.rejects(other.manifests.remove('a'), expectError('mirror-no-delete'));
  });
});

describe('uploads', () => {
  test('send what is missing, in one request where it is small', async (t) => {
    const { fake, repository } = await fakePlace(t);
    for (const bytes of [Buffer.alloc(0), Buffer.from('hello'), LAYER, LAYER])
      await upload(repository, bytes);
    assert.deepEqual(
      fake.log.map((line) => line.split(' ')[0]),
      ['HEAD', 'POST', 'PUT', 'HEAD', 'POST', 'PUT', 'HEAD', 'POST', 'PUT', 'HEAD'],
    );
    assert.deepEqual(fake.repository(NAME).blobs.get(digestOf(LAYER)), LAYER);
    assert.equal(fake.uploads.size, 0);
  });

  test('a blob that is not what it is called is refused, and nothing of it stays', async (t) => {
    const { fake, repository } = await fakePlace(t);
    const other = digestOf(Buffer.from('other'));
    await assert.rejects(upload(repository, LAYER, other), expectError('checksum-mismatch'));
    assert.equal(fake.uploads.size, 0);
    assert.equal(fake.repository(NAME).blobs.size, 0);
  });

  test('a blob of the same registry is taken over', async (t) => {
    const { fake, open } = await filled(t);
    const other = open({}, 'other/place');
    assert.equal(await other.blobs.mount(digestOf(LAYER), NAME), true);
    assert.deepEqual(fake.repository('other/place').blobs.get(digestOf(LAYER)), LAYER);
    assert.equal(await other.blobs.mount(digestOf(Buffer.from('x')), NAME), false);
    assert.equal(fake.uploads.size, 0);
  });

  test('an interrupted upload is given up', async (t) => {
    const { fake, repository } = await fakePlace(t);
    fake.fail({ when: ({ method }) => method === 'PUT', status: 418, times: 9 });
    await assert.rejects(upload(repository, LAYER), expectError('mirror-write-failed'));
    assert.equal(fake.uploads.size, 0);
    const pending = await repository.blobs.begin();
    await pending.write(LAYER);
    await pending.discard();
    assert.equal(fake.log.at(-1)?.startsWith('DELETE'), true);
  });

  test('an upload whose end was not heard of is found there', async (t) => {
    const { fake, repository } = await fakePlace(t);
    fake.fail({ when: ({ method }) => method === 'PUT', status: 502, isAfter: true });
    await upload(repository, LAYER);
    assert.deepEqual(fake.repository(NAME).blobs.get(digestOf(LAYER)), LAYER);
  });
});

describe('manifests', () => {
  test('are read by tag and by digest, and checked', async (t) => {
    const { fake, repository, manifest } = await filled(t);
    const digest = digestOf(manifest);
    for (const reference of ['a', digest]) {
      const found = await repository.manifests.get(reference);
      assert.deepEqual(found, {
        bytes: manifest,
        digest,
        mediaType: IMAGE_MANIFEST,
        location: repository.location(reference),
      });
      assert.deepEqual(await repository.manifests.resolve(reference), { digest });
    }
    for (const reference of ['none', digestOf(LAYER)]) {
      assert.equal(await repository.manifests.get(reference), undefined);
      assert.equal(await repository.manifests.resolve(reference), undefined);
    }
    const other = Buffer.from(manifest.toString().replace('x/y', 'x/z'));
    const when = ({ path }: FakeRequest) => path.includes('/manifests/');
    fake.fail({ when, status: 200, body: other });
    await assert.rejects(repository.manifests.get(digest), expectError('checksum-mismatch'));
    fake.fail({ when, status: 200, body: other, headers: { 'docker-content-digest': digest } });
    await assert.rejects(repository.manifests.get('a'), expectError('checksum-mismatch'));
    fake.fail({ when, status: 200, body: Buffer.alloc((4 << 20) + 1) });
    await assert.rejects(repository.manifests.get('a'), expectError('metadata-too-large'));
    await assert.rejects(repository.manifests.get('../x'), TypeError);
  });

  test('are written once what they name is there, and removed', async (t) => {
    const { repository } = await fakePlace(t);
    const bytes = manifestOf(LAYER);
    const put = () => repository.manifests.put('tag', { bytes, mediaType: IMAGE_MANIFEST });
    await assert.rejects(put(), expectError('blob-missing'));
    for (const blob of [CONFIG, LAYER]) await upload(repository, blob);
    assert.deepEqual(await put(), { digest: digestOf(bytes), isReferrer: false });
    await repository.manifests.remove('tag');
    await repository.manifests.remove('tag');
    assert.equal(await repository.manifests.get('tag'), undefined);
    assert.ok(await repository.manifests.get(digestOf(bytes)));
  });

  for (const hasNoReferrers of [false, true])
    test(`what refers to a manifest is found ${hasNoReferrers ? 'under its tag' : 'by the registry'}`, async (t) => {
      const { fake, repository, open, manifest } = await filled(t, { hasNoReferrers });
      const subject = { mediaType: IMAGE_MANIFEST, digest: digestOf(manifest), size: manifest.length };
      assert.deepEqual(await repository.referrers(subject.digest, 'kind/one'), []);
      const put = (who: Repository, artifactType: string, note: string) => {
        const annotations = { note };
        const bytes = manifestOf(LAYER, { subject, artifactType, annotations });
        return who.manifests.put(digestOf(bytes), { bytes, mediaType: IMAGE_MANIFEST });
      };
      const kinds = ['kind/one', 'kind/one', 'kind/two'];
      const done = await Promise.all(kinds.map((kind, i) => put(open(), kind, String(i))));
      assert.deepEqual(
        done.map(({ isReferrer }) => isReferrer),
        kinds.map(() => !hasNoReferrers),
      );
      const found = await repository.referrers(subject.digest, 'kind/one');
      assert.deepEqual(found.map(({ digest }) => digest).sort(), [done[0]?.digest, done[1]?.digest].sort());
      assert.deepEqual(found.map(({ annotations }) => annotations?.note).sort(), ['0', '1']);
      assert.equal((await repository.referrers(subject.digest, 'kind/two')).length, 1);
      const tags = [...fake.repository(NAME).tags.keys()].filter((tag) => tag.startsWith('sha256-'));
      assert.equal(tags.length, hasNoReferrers ? 1 : 0);
    });
});

describe('tags', () => {
  for (const options of [{}, { pageSize: 2 }, { ignoresPageSize: true }])
    test(`are listed page by page: ${JSON.stringify(options)}`, async (t) => {
      const { repository } = await filled(t, options);
      assert.deepEqual(await all(repository.tags()), ['a', 'b', 'c']);
    });

  test('there are none in an empty repository, and in one that is not there', async (t) => {
    const { fake, repository } = await fakePlace(t);
    assert.deepEqual(await all(repository.tags()), []);
    fake.repository(NAME);
    assert.deepEqual(await all(repository.tags()), []);
  });

  const hostile: [string, object, RegExp][] = [
    ['goes round in circles', { link: '<?n=1000>; rel="next"' }, /do not end/],
    ['leads to another server', { link: '<https://example.com/x>; rel=next' }, /on another server/],
    ['leads to what is not the web', { link: '<file:///etc/passwd>; rel="next"' }, /no usable URL/],
  ];
  for (const [what, headers, message] of hostile)
    test(`a list that ${what} is refused`, async (t) => {
      const { fake, repository } = await filled(t);
      const tags = () => ({ status: 200, body: '{"tags":["x"]}', headers: { ...headers } });
      fake.fail({ when: ({ path }) => path.endsWith('tags/list'), times: 99, ...tags() });
      await assert.rejects(all(repository.tags()), (error) => {
        assert.match(String(error), message);
        return true;
      });
    });

  for (const body of ['no JSON', '[]', '{"tags":"a"}', '{"tags":[1]}', 'null'])
    test(`what is no list is refused: ${body}`, async (t) => {
      const { fake, repository } = await filled(t);
      fake.fail({ when: ({ path }) => path.endsWith('tags/list'), status: 200, body });
      if (body === '[]') assert.deepEqual(await all(repository.tags()), []);
      else await assert.rejects(all(repository.tags()), expectError('metadata-invalid'));
    });
});

test('answers without sense are told by their status, and nothing that the registry says besides', async (t) => {
  const { fake, repository } = await filled(t);
  const body = JSON.stringify({ errors: [{ code: 'DENIED', message: 'MARKED' }, { code: 'MARKED' }, null] });
  for (const [status, code] of [
    [403, 'mirror-login-failed'],
    [401, 'mirror-login-failed'],
    [500, 'mirror-http-status'],
  ] as const) {
    fake.fail({ when: () => true, times: 99, status, body });
    const asks = [
      () => repository.manifests.get('a'),
      () => repository.blobs.open(digestOf(LAYER)),
      () => all(repository.tags()),
      () => upload(repository, Buffer.from('new')),
    ];
    for (const ask of asks)
      await assert.rejects(ask(), (error) => {
        assert.ok(expectError(code, new RegExp(`${status}`))(error), `${status}: ${error}`);
        assert.doesNotMatch(inspect(error, { depth: 9 }), /MARKED/);
        return true;
      });
    fake.forgive();
  }
});

test('a registry that is busy is asked again, as late as it says', async (t) => {
  const { fake, repository } = await filled(t);
  fake.fail({ when: () => true, status: 429, headers: { 'retry-after': '1' } });
  assert.ok(await repository.manifests.get('a'));
  assert.deepEqual(
    fake.log.map((line) => line.slice(-3)),
    ['429', '200'],
  );
});

test('an index is a manifest, too', async (t) => {
  const { repository, manifest } = await filled(t);
  const entry = { mediaType: IMAGE_MANIFEST, digest: digestOf(manifest), size: manifest.length };
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: IMAGE_INDEX, manifests: [entry] }));
  await repository.manifests.put('many', { bytes, mediaType: IMAGE_INDEX });
  assert.equal((await repository.manifests.get('many'))?.mediaType, IMAGE_INDEX);
});

test('speaks TLS with an authority that is named', async (t) => {
  const tls = makeAuthority(temporaryFolder(t));
  const { open, fake } = await filled(t, { tls });
  assert.match(fake.url(NAME), /^oci:/);
  assert.ok(await open({ caFile: tls.authority }).manifests.get('a'));
  await assert.rejects(open().manifests.get('a'), expectError('mirror-unreachable', /certificate/));
});

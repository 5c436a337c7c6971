import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { IMAGE_INDEX, IMAGE_MANIFEST } from '../../../src/transport/oci/media-types.js';
import type { Descriptor, Repository } from '../../../src/transport/oci/repository.js';
import { digestOf, type FakeRequest } from '../../helpers/fake-registry.js';
import { expectError, fakePlace, NAME } from './fake-place.js';

const EMPTY = Buffer.from('{}');
const describeBlob = (bytes: Buffer, mediaType = IMAGE_MANIFEST) => ({
  mediaType,
  digest: digestOf(bytes),
  size: bytes.length,
});
const SUBJECT = Buffer.from(
  JSON.stringify({
    schemaVersion: 2,
    mediaType: IMAGE_MANIFEST,
    config: describeBlob(EMPTY, 'x/y'),
    layers: [],
  }),
);
const TAG = digestOf(SUBJECT).replace(':', '-');

function referrer(note: string): Buffer {
  const config = describeBlob(EMPTY, 'x/y');
  const more = { subject: describeBlob(SUBJECT), artifactType: 'x/kind', annotations: { note } };
  return Buffer.from(
    JSON.stringify({ schemaVersion: 2, mediaType: IMAGE_MANIFEST, config, layers: [], ...more }),
  );
}

/** A registry that knows nothing of referrers. */
async function place(t: TestContext) {
  const found = await fakePlace(t, { hasNoReferrers: true });
  const { blobs, manifests } = found.fake.repository(NAME);
  blobs.set(digestOf(EMPTY), EMPTY);
  manifests.set(digestOf(SUBJECT), { bytes: SUBJECT, mediaType: IMAGE_MANIFEST });
  const notes = async () => {
    const list = await found.repository.referrers(digestOf(SUBJECT), 'x/kind');
    return list.map(({ annotations }) => annotations?.note).sort();
  };
  return { ...found, notes };
}

function attach({ manifests }: Repository, note: string) {
  const bytes = referrer(note);
  return manifests.put(digestOf(bytes), { bytes, mediaType: IMAGE_MANIFEST });
}

const isListWritten = ({ method, path }: FakeRequest) => method === 'PUT' && path.endsWith(TAG);

describe('the fallback tag', () => {
  test('keeps the entries of many writers at once', { timeout: 30_000 }, async (t) => {
    const { open, notes } = await place(t);
    const wanted = Array.from({ length: 8 }, (_, i) => String(i));
    await Promise.all(wanted.map((note) => attach(open(), note)));
    assert.deepEqual(await notes(), wanted);
  });

  test('gets back what somebody overwrote who had not seen it', async (t) => {
    const { fake, repository, notes } = await place(t);
    await attach(repository, 'old');
    const { manifests, tags } = fake.repository(NAME);
    const theirs = referrer('theirs');
    manifests.set(digestOf(theirs), { bytes: theirs, mediaType: IMAGE_MANIFEST });
    const entry: Descriptor = {
      ...describeBlob(theirs),
      artifactType: 'x/kind',
      annotations: { note: 'theirs' },
    };
    const stale = Buffer.from(
      JSON.stringify({ schemaVersion: 2, mediaType: IMAGE_INDEX, manifests: [entry] }),
    );
    fake.after(isListWritten, () => {
      manifests.set(digestOf(stale), { bytes: stale, mediaType: IMAGE_INDEX });
      tags.set(TAG, digestOf(stale));
    });
    await attach(repository, 'mine');
    assert.deepEqual(await notes(), ['mine', 'old', 'theirs']);
  });

  test('is not written again for what it has', async (t) => {
    const { fake, repository, notes } = await place(t);
    for (let time = 0; time < 2; time++) await attach(repository, 'one');
    assert.deepEqual(await notes(), ['one']);
    assert.equal(fake.log.filter((line) => line.startsWith('PUT') && line.includes(TAG)).length, 1);
  });

  test('that others empty again and again is given up', { timeout: 30_000 }, async (t) => {
    const { fake, repository } = await place(t);
    fake.after(isListWritten, () => fake.repository(NAME).tags.delete(TAG), 99);
    await assert.rejects(attach(repository, 'one'), expectError('mirror-changed'));
  });
});

test('a list of referrers whose pages never end is given up', { timeout: 60_000 }, async (t) => {
  const { fake, repository } = await fakePlace(t);
  let page = 0;
  const headers = {
    get link() {
      return `<?page=${page++}>; rel="next"`;
    },
  };
  fake.fail({
    when: ({ path }) => path.includes('/referrers/'),
    status: 200,
    body: '{"manifests":[]}',
    headers,
    times: 9999,
  });
  await assert.rejects(
    repository.referrers(digestOf(SUBJECT), 'x/kind'),
    expectError('metadata-invalid', /do not end/),
  );
  assert.ok(fake.log.length <= 1000);
});

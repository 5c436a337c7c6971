import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { UnfinishedObject } from '../../../src/transport/object-store.js';
import type { FakeS3Options } from '../../helpers/fake-s3.js';
import { expectError, fakePlace } from './fake-place.js';

const BEGUN = Date.parse('2024-01-10T00:00:00Z');

async function begun(t: TestContext, keys: readonly string[], options: FakeS3Options = {}) {
  const { fake, store } = await fakePlace(t, options);
  for (const [index, key] of keys.entries()) {
    const parts = new Map([1, 2].map((number) => [number, Buffer.alloc(100 * number)]));
    fake.uploads.set(`id-${index}`, { key, meta: {}, parts, begun: BEGUN });
  }
  const found = async (): Promise<UnfinishedObject[]> => {
    const objects: UnfinishedObject[] = [];
    for await (const each of store.writer?.unfinished?.('blobs') ?? []) objects.push(each);
    return objects;
  };
  return { fake, found };
}

describe('unfinishedUploads', () => {
  test('tells of those below a folder of the mirror, page by page', async (t) => {
    const name = 'é &"<+%20';
    const keys = ['pre/fix/blobs/a', 'pre/fix/blobs/a', `pre/fix/blobs/${name}`, 'pre/fix/other', 'blobs/a'];
    const { fake, found } = await begun(t, keys);
    const objects = await found();
    assert.deepEqual(
      objects.map(({ path, begun }) => [path, begun]),
      ['blobs/a', 'blobs/a', `blobs/${name}`].map((path) => [path, BEGUN]),
    );
    assert.equal(await objects[2]?.size(), 300);
    for (const object of objects) for (let time = 0; time < 2; time++) await object.abort();
    assert.deepEqual([...fake.uploads.keys()], ['id-3', 'id-4']);
    assert.equal(await objects[2]?.size(), 0);
    assert.deepEqual(await found(), []);
  });

  test('goes on by the key alone where a server refuses the upload that it named', async (t) => {
    const keys = ['a', 'a', 'b', 'c'].map((name) => `pre/fix/blobs/${name}`);
    const { fake, found } = await begun(t, keys, { refusesUploadMarkers: true });
    const objects = await found();
    assert.deepEqual(
      objects.map(({ path }) => path),
      ['blobs/a', 'blobs/b', 'blobs/c'],
    );
    for (const object of objects) await object.abort();
    for (const object of await found()) await object.abort();
    assert.equal(fake.uploads.size, 0, 'what did not fit the page is found the next time');
  });

  for (const status of [403, 405, 501])
    test(`tells of none where the server answers ${status}`, async (t) => {
      const { fake, found } = await begun(t, ['pre/fix/blobs/a']);
      fake.fail({ when: ({ query }) => query.has('uploads'), status, code: 'No' });
      assert.deepEqual(await found(), []);
    });

  test('fails as lists do', async (t) => {
    const { fake, found } = await begun(t, ['pre/fix/blobs/a']);
    fake.fail({ when: () => true, status: 404, code: 'NoSuchBucket' });
    await assert.rejects(found(), expectError('mirror-unreachable', /^Cannot list/));
    fake.fail({ when: () => true, status: 200, code: 'Else' });
    await assert.rejects(found(), expectError('mirror-protocol', /^Cannot list the unfinished/));
    const [object] = await found();
    fake.fail({ when: () => true, status: 400, code: 'InvalidArgument' });
    await assert.rejects(async () => object?.abort(), expectError('mirror-write-failed'));
  });
});

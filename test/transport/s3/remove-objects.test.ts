import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { BuildcacheError } from '../../../src/core/errors.js';
import { expectError, fakePlace } from './fake-place.js';

async function filled(t: TestContext, names: readonly string[]) {
  const { fake, store } = await fakePlace(t, { pageSize: 1000 });
  for (const name of names) fake.put(`pre/fix/${name}`, 'x');
  fake.put('pre/other', 'x');
  const { writer } = store;
  assert.ok(writer?.removeMany);
  const left = () => [...fake.objects.keys()].filter((key) => key !== 'pre/other');
  return { fake, left, remove: async (paths = names) => writer.removeMany?.(paths) };
}

describe('removeObjects', () => {
  test('removes a thousand objects with a request, whatever their names', async (t) => {
    const names = [
      ...Array.from({ length: 2001 }, (_, index) => `a/${index}`),
      'b & <c> "d"\'e\'',
      'é+%20\u{1f600}',
    ];
    const { fake, left, remove } = await filled(t, names);
    await remove([...names, 'not there']);
    assert.deepEqual(left(), []);
    assert.deepEqual(fake.log, Array(3).fill('POST  delete='));
    assert.ok(fake.objects.has('pre/other'));
  });

  test('asks for nothing where there is nothing to do', async (t) => {
    const { fake, remove } = await filled(t, []);
    await remove();
    assert.deepEqual(fake.log, []);
  });

  test('removes one by one what XML cannot name', async (t) => {
    const { fake, left, remove } = await filled(t, ['a\u0001b', 'c']);
    await remove();
    assert.deepEqual(left(), []);
    assert.deepEqual(fake.log, ['POST  delete=', 'DELETE pre/fix/a\u0001b']);
  });

  for (const status of [405, 501])
    test(`removes one by one where the server answers ${status}`, async (t) => {
      const { fake, left, remove } = await filled(t, ['a', 'b']);
      fake.fail({ when: ({ query }) => query.has('delete'), status, code: 'NotImplemented' });
      await remove();
      assert.deepEqual(left(), []);
      assert.deepEqual(fake.log, ['POST  delete=', 'DELETE pre/fix/a', 'DELETE pre/fix/b']);
    });

  test('tells which objects are left, and why, after it has tried all', async (t) => {
    const names = Array.from({ length: 1500 }, (_, index) => `a/${index}`);
    const { fake, left, remove } = await filled(t, names);
    fake.undeletable.set('pre/fix/a/7', 'AccessDenied').set('pre/fix/a/1400', 'InternalThing');
    await assert.rejects(remove(), (error) => {
      assert.ok(error instanceof BuildcacheError);
      assert.equal(error.code, 'mirror-read-only');
      assert.match(
        error.message,
        /^Cannot remove "s3:\/\/bucket\/pre\/fix\/a\/7": AccessDenied: .* \(request REQ\d+\), and 1 other object$/,
      );
      assert.deepEqual(error.data.failed, [
        { path: 'a/7', s3Code: 'AccessDenied' },
        { path: 'a/1400', s3Code: 'InternalThing' },
      ]);
      return true;
    });
    assert.deepEqual(left(), ['pre/fix/a/7', 'pre/fix/a/1400']);
  });

  test('tries once more what the server was too busy for, and does not mind what is gone', async (t) => {
    const { fake, left, remove } = await filled(t, ['a', 'b', 'c']);
    fake.undeletable.set('pre/fix/a', 'SlowDown').set('pre/fix/c', 'NoSuchKey');
    await remove();
    assert.deepEqual(left(), ['pre/fix/c']);
    assert.deepEqual(fake.log, ['POST  delete=', 'DELETE pre/fix/a']);
  });

  test('fails as the whole request does', async (t) => {
    const { fake, left, remove } = await filled(t, ['a']);
    const when = ({ query }: { query: URLSearchParams }) => query.has('delete');
    fake.fail({ when, status: 403, code: 'AccessDenied' });
    await assert.rejects(remove(), expectError('mirror-read-only', /^Cannot remove "s3:.*AccessDenied/));
    fake.fail({ when, status: 200, code: 'InternalError' });
    await assert.rejects(remove(), expectError('mirror-write-failed', /InternalError/));
    assert.deepEqual(left(), ['pre/fix/a']);
  });
});

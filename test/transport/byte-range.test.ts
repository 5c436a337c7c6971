import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MirrorError } from '../../src/core/errors.js';
import { checkRange, rangeWithin } from '../../src/transport/byte-range.js';

test('checkRange takes ranges with something in them', () => {
  for (const range of [{ start: 0 }, { start: 5 }, { start: 0, end: 1 }, { start: 7, end: undefined }])
    checkRange(range);
  for (const range of [
    { start: -1 },
    { start: 0.5 },
    { start: Number.NaN },
    { start: 2, end: 2 },
    { start: 2, end: 1 },
    { start: 0, end: 2 ** 53 },
  ])
    assert.throws(() => checkRange(range), TypeError, JSON.stringify(range));
});

test('rangeWithin cuts at the end of the object, and may begin there', () => {
  const object = { size: 10, location: 'x' };
  assert.deepEqual(rangeWithin({ start: 0 }, object), { start: 0, end: 10 });
  assert.deepEqual(rangeWithin({ start: 3, end: 10 }, object), { start: 3, end: 10 });
  assert.deepEqual(rangeWithin({ start: 3, end: 11 }, object), { start: 3, end: 10 });
  assert.deepEqual(rangeWithin({ start: 10 }, object), { start: 10, end: 10 });
  assert.throws(
    () => rangeWithin({ start: 11 }, object),
    (error: unknown) =>
      error instanceof MirrorError && error.code === 'mirror-range' && error.data.size === 10,
  );
});

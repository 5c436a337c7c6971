import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BlockPool } from '../../../src/stream/gzip/block-pool.js';

test('BlockPool makes no more blocks than its limit, and hands them on in turn', async () => {
  const pool = new BlockPool(2, 10);
  const [first, second] = [await pool.take(), await pool.take()];
  const order: string[] = [];
  const third = pool.take().then((block) => {
    order.push('third');
    return block;
  });
  const fourth = pool.take().then((block) => {
    order.push('fourth');
    return block;
  });
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(order, []);
  pool.give(second);
  assert.equal(await third, second);
  pool.give(first);
  assert.equal(await fourth, first);
  assert.deepEqual(order, ['third', 'fourth']);
});

test('BlockPool replaces a block that was lost', async () => {
  const pool = new BlockPool(1, 10);
  await pool.take();
  const next = pool.take();
  pool.give(undefined);
  assert.equal((await next).byteLength, 10);
  pool.give(undefined);
  assert.equal((await pool.take()).byteLength, 10);
  assert.throws(() => new BlockPool(0), TypeError);
});

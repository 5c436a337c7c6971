import assert from 'node:assert/strict';
import { test } from 'node:test';
import { takeTurn } from '../../../src/store/locks/turnstile.js';

test('takeTurn lets one pass after the other, in the order of arrival', async () => {
  const order: string[] = [];
  let inside = 0;
  const visit = async (name: string) => {
    const end = await takeTurn('door');
    assert.equal(++inside, 1);
    order.push(name);
    await Promise.resolve();
    inside--;
    end();
    end();
  };
  await Promise.all(['a', 'b', 'c', 'd'].map(visit));
  assert.deepEqual(order, ['a', 'b', 'c', 'd']);
});

test('takeTurn keeps keys apart', async () => {
  const end = await takeTurn('one');
  const other = await takeTurn('two');
  other();
  end();
});

test('takeTurn gives a place in the queue up when its signal aborts', async () => {
  const end = await takeTurn('door');
  const controller = new AbortController();
  const reason = new Error('enough');
  const waiting = takeTurn('door', controller.signal);
  const next = takeTurn('door');
  controller.abort(reason);
  await assert.rejects(waiting, (error) => error === reason);
  end();
  (await next)();
  await assert.rejects(takeTurn('door', controller.signal), reason);
});

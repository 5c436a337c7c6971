import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exponentialBackoff, parseRetryAfter } from '../../../src/transport/http/retry-policy.js';

async function pauses(random: number, retryAfter?: number): Promise<number[]> {
  const slept: number[] = [];
  const policy = exponentialBackoff({ random: () => random, sleep: async (time) => void slept.push(time) });
  for (let attempt = 1; attempt <= 7; attempt++)
    await policy.wait({ attempt, retryAfter, signal: undefined });
  return slept;
}

test('exponentialBackoff doubles its pause up to a bound, with jitter', async () => {
  assert.deepEqual(await pauses(1), [500, 1000, 2000, 4000, 8000, 10000, 10000]);
  assert.deepEqual(await pauses(0.5), [250, 500, 1000, 2000, 4000, 5000, 5000]);
  assert.deepEqual(await pauses(0), [0, 0, 0, 0, 0, 0, 0]);
});

test('exponentialBackoff obeys Retry-After within a bound', async () => {
  assert.deepEqual(new Set(await pauses(1, 3000)), new Set([3000]));
  assert.deepEqual(new Set(await pauses(1, 1e9)), new Set([30_000]));
  assert.deepEqual(new Set(await pauses(1, 0)), new Set([0]));
});

test('exponentialBackoff stops waiting when the signal is aborted', async () => {
  const controller = new AbortController();
  const reason = new Error('enough');
  const policy = exponentialBackoff({ base: 1e9, longest: 1e9, random: () => 1 });
  const waiting = policy.wait({ attempt: 1, retryAfter: undefined, signal: controller.signal });
  controller.abort(reason);
  await assert.rejects(waiting, reason);
});

test('parseRetryAfter reads seconds and dates', () => {
  const now = Date.UTC(2024, 0, 15, 12, 0, 0);
  assert.equal(parseRetryAfter('120', now), 120_000);
  assert.equal(parseRetryAfter(' 0 ', now), 0);
  assert.equal(parseRetryAfter('Mon, 15 Jan 2024 12:00:30 GMT', now), 30_000);
  assert.equal(parseRetryAfter('Mon, 15 Jan 2024 11:00:00 GMT', now), 0);
  for (const text of ['', 'soon', '-5 apples', '9'.repeat(400)])
    assert.equal(parseRetryAfter(text, now), undefined, text);
  assert.equal(parseRetryAfter(undefined, now), undefined);
});

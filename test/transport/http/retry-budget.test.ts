import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HttpClient } from '../../../src/transport/http/client.js';
import { RetryBudget } from '../../../src/transport/http/retry-budget.js';
import { MirrorServer } from '../../helpers/mirror-server.js';
import { recordingRetry } from './recording-retry.js';

test('RetryBudget gives its reserve, and one more for five requests', () => {
  const budget = new RetryBudget(2);
  const taken = () => {
    let count = 0;
    while (budget.take()) count++;
    return count;
  };
  assert.equal(taken(), 2);
  for (let i = 0; i < 10; i++) budget.earn();
  assert.equal(taken(), 2);
  assert.equal(taken(), 0);
});

test('RetryBudget bounds the retries of all requests', async (context) => {
  const server = await MirrorServer.start();
  const retry = { ...recordingRetry(), budget: new RetryBudget(4) };
  const clients = Array.from({ length: 5 }, () => new HttpClient({ retry, environment: {} }));
  context.after(() => Promise.all([server.close(), ...clients.map((client) => client.close())]));
  server.failNext(1000, 503);
  for (const client of clients)
    await assert.rejects(client.send({ method: 'GET', url: new URL(`${server.url}/x`) }));
  // 12 without it.
  assert.equal(server.requests.length, 5 + 5);
});

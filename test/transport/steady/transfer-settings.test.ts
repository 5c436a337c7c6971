import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '../../../src/core/errors.js';
import { DEFAULT_SETTINGS, transferSettings } from '../../../src/transport/steady/transfer-settings.js';

test('transferSettings has defaults', () => {
  assert.deepEqual(transferSettings({}), DEFAULT_SETTINGS);
  assert.deepEqual(transferSettings({ REGRAFT_IDLE_TIMEOUT: '' }), DEFAULT_SETTINGS);
});

test('transferSettings reads seconds, bytes per second and counts', () => {
  const environment = {
    REGRAFT_IDLE_TIMEOUT: '5',
    REGRAFT_TOTAL_TIMEOUT: '3600',
    REGRAFT_LOWEST_RATE: '0',
    REGRAFT_RATE_WINDOW: '2.5',
    REGRAFT_FAILURES_IN_ROW: '3',
    REGRAFT_RETRIES: '7',
    REGRAFT_HEDGE_AFTER: '0.2',
  };
  assert.deepEqual(transferSettings(environment), {
    idleTimeout: 5000,
    totalTimeout: 3_600_000,
    lowestRate: 0,
    rateWindow: 2500,
    failuresInRow: 3,
    retries: 7,
    hedgeAfter: 200,
  });
});

test('transferSettings refuses what is not a number, and names the variable', () => {
  for (const text of ['soon', '-1', '0', '1e3', '1.2345', 'Infinity', ' 5']) {
    assert.throws(
      () => transferSettings({ REGRAFT_IDLE_TIMEOUT: text }),
      (error: unknown) =>
        error instanceof UsageError &&
        error.code === 'config' &&
        error.message.includes('REGRAFT_IDLE_TIMEOUT'),
    );
  }
});

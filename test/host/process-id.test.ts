import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { test } from 'node:test';
import { hostTag, isAlive, pidExists } from '../../src/host/process-id.js';
import { deadPid } from '../store/child.js';

test('pidExists asks the system', () => {
  assert.ok(pidExists(process.pid));
  for (const pid of [deadPid(), 0, -1, 1.5, Number.NaN]) assert.equal(pidExists(pid), false);
});

test('isAlive takes a process of another host for running', () => {
  const pid = deadPid();
  assert.equal(isAlive({ pid, host: hostname() }), false);
  assert.equal(isAlive({ pid, host: `not-${hostname()}` }), true);
  assert.match(hostTag(), /^[0-9a-f]{8}$/);
});

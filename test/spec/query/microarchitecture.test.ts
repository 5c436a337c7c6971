import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isTargetAtLeast, isTargetIn } from '../../../src/spec/query/microarchitecture.js';

test('isTargetAtLeast follows the ancestors', () => {
  for (const [target, ancestor] of [
    ['haswell', 'x86_64'],
    ['zen4', 'x86_64_v4'],
    ['m2', 'aarch64'],
    ['unheard-of', 'unheard-of'],
  ] as const) {
    assert.equal(isTargetAtLeast(target, ancestor), true, target);
  }
  for (const [target, ancestor] of [
    ['x86_64', 'haswell'],
    ['zen', 'haswell'],
    ['unheard-of', 'x86_64'],
    ['__proto__', 'constructor'],
  ] as const) {
    assert.equal(isTargetAtLeast(target, ancestor), false, target);
  }
});

test('isTargetIn takes lists and ranges', () => {
  assert.equal(isTargetIn('zen2', 'haswell,x86_64_v2:zen3'), true);
  assert.equal(isTargetIn('zen2', ':'), true);
  assert.equal(isTargetIn('zen2', 'haswell:,zen'), false);
});

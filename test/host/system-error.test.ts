import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { describeSystemError, isAbsent, isDiskFull, systemErrorCode } from '../../src/host/system-error.js';

function failure(code: unknown): Error {
  return Object.assign(new Error('it failed'), { code });
}

test('describeSystemError says the words and the code', () => {
  const cases: readonly (readonly [cause: unknown, words: string])[] = [
    [failure('EACCES'), 'permission denied (EACCES)'],
    [failure('ENOENT'), 'it does not exist (ENOENT)'],
    [failure('ENAMETOOLONG'), 'the path is too long'],
    [failure('EIO'), 'EIO'],
    [failure(5), 'Error: it failed'],
    [new TypeError('x'), 'TypeError: x'],
    ['odd', 'odd'],
    [undefined, 'undefined'],
  ];
  for (const [cause, words] of cases) assert.equal(describeSystemError(cause), words);
});

test('systemErrorCode is the code of what the system really throws', () => {
  try {
    readFileSync('/not/there');
    assert.fail();
  } catch (cause) {
    assert.equal(systemErrorCode(cause), 'ENOENT');
    assert.ok(isAbsent(cause));
  }
});

test('isDiskFull and isAbsent know their codes', () => {
  for (const code of ['ENOSPC', 'EDQUOT']) assert.ok(isDiskFull(failure(code)));
  for (const code of ['ENOENT', 'ENOTDIR']) assert.ok(isAbsent(failure(code)));
  assert.ok(!isDiskFull(failure('EIO')) && !isAbsent(failure('EACCES')) && !isDiskFull('ENOSPC'));
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDagHash, isHashPrefix, parseDagHash } from '../../src/spec/dag-hash.js';

const HASH = 'p44kte6c76fsdhtkrps6qwouhqwa22eb';

test('parseDagHash takes 32 characters of lower-case base32 and nothing else', () => {
  assert.equal(parseDagHash(HASH), HASH);
  for (const wrong of [
    '',
    HASH.slice(1),
    `${HASH}a`,
    HASH.toUpperCase(),
    HASH.replace('p', '1'),
    `${HASH}\n`,
    `../${HASH}`,
  ]) {
    assert.throws(() => parseDagHash(wrong), { name: 'MetadataError', code: 'metadata-invalid' });
    assert.equal(isDagHash(wrong), false);
  }
});

test('isHashPrefix takes every beginning of a hash', () => {
  for (let length = 1; length <= HASH.length; length++)
    assert.equal(isHashPrefix(HASH.slice(0, length)), true);
  for (const wrong of ['', `${HASH}a`, 'P44', '0', 'a-b', '/a']) assert.equal(isHashPrefix(wrong), false);
});

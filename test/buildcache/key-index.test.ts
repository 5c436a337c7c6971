import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fingerprintOfKeyFile, formatKeyIndex, parseKeyIndex } from '../../src/buildcache/key-index.js';
import { MetadataError } from '../../src/core/errors.js';

const FIRST = 'DF00AC06DD1883B51FEEF66972478A4B7BA1CF8C';
const SECOND = '13A472078FFC529CAA09531C21D39DD430B7927F';
const LONG = 'ab'.repeat(32);

test('formatKeyIndex writes what Spack writes, sorted, each key once', () => {
  const text = Buffer.from(formatKeyIndex([FIRST, SECOND, FIRST])).toString();
  assert.equal(text, `{"keys":{"${SECOND}":{},"${FIRST}":{}}}`);
  assert.equal(Buffer.from(formatKeyIndex([])).toString(), '{"keys":{}}');
});

test('parseKeyIndex reads it back, and knows both kinds of fingerprints', () => {
  assert.deepEqual(parseKeyIndex(formatKeyIndex([FIRST, LONG, SECOND.toLowerCase()]), 'x'), [
    SECOND.toLowerCase(),
    FIRST,
    LONG,
  ]);
  assert.deepEqual(parseKeyIndex(Buffer.from(`{"keys":{"${FIRST}":{"any":"thing"}},"more":1}`), 'x'), [
    FIRST,
  ]);
});

test('parseKeyIndex refuses names that are no fingerprints: they become paths', () => {
  for (const name of [
    '../x',
    '',
    'x',
    `${FIRST}/..`,
    FIRST.slice(1),
    `${FIRST}0`,
    '__proto__',
    `${FIRST}\n`,
  ]) {
    const bytes = Buffer.from(`{"keys":{${JSON.stringify(name)}:{}}}`);
    assert.throws(() => parseKeyIndex(bytes, 'x'), MetadataError, name);
  }
  const many = Object.fromEntries(
    Array.from({ length: 1001 }, (_, i) => [i.toString(16).padStart(40, '0'), {}]),
  );
  assert.throws(() => parseKeyIndex(Buffer.from(JSON.stringify({ keys: many })), 'x'), /1001 keys/);
});

test('parseKeyIndex gives a result or a MetadataError for anything', () => {
  const property = fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
    try {
      parseKeyIndex(Buffer.from(text), 'x');
    } catch (error) {
      assert.ok(error instanceof MetadataError);
    }
  });
  fc.assert(property, { seed: 20240115, numRuns: 300 });
});

test('fingerprintOfKeyFile knows key files by their names', () => {
  assert.equal(fingerprintOfKeyFile(`${FIRST}.pub`), FIRST);
  for (const name of ['index.json', FIRST, `${FIRST}.pub.temp`, `.${FIRST}.pub`, 'x.pub']) {
    assert.equal(fingerprintOfKeyFile(name), undefined, name);
  }
});

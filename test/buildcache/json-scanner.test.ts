import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { JsonScanner } from '../../src/buildcache/json-scanner.js';
import { MetadataError } from '../../src/core/errors.js';

/** The members of an object, each value parsed from the bytes that the scanner says are its own. */
function membersOf(text: string): ReadonlyMap<string, unknown> {
  const members = new Map<string, unknown>();
  const scanner = new JsonScanner(Buffer.from(text), 'x');
  scanner.readObject((key) => void members.set(key, JSON.parse(Buffer.from(scanner.skipValue()).toString())));
  scanner.expectEnd();
  return members;
}

function refuses(text: string): void {
  assert.throws(
    () => membersOf(text),
    (error: unknown) => {
      return error instanceof MetadataError ? error.code === 'metadata-syntax' : error instanceof SyntaxError;
    },
    JSON.stringify(text),
  );
}

test('JsonScanner finds the same members as JSON.parse, in any layout', () => {
  const object = fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue(), { maxKeys: 6 });
  fc.assert(
    fc.property(object, fc.constantFrom(undefined, 0, 2, '\t'), (value, indent) => {
      const text = JSON.stringify(value, undefined, indent);
      assert.deepEqual([...membersOf(`\r\n ${text}\n`)], Object.entries(JSON.parse(text)));
    }),
    { seed: 20240115, numRuns: 500 },
  );
});

test('JsonScanner knows brackets and quotes inside of strings', () => {
  const value = { a: '}"]{[\\', '"}': ['\\"', '\\\\'], 'ü\u0000': { b: '[[[' } };
  assert.deepEqual([...membersOf(JSON.stringify(value))], Object.entries(value));
});

test('JsonScanner skips what the callback leaves', () => {
  const scanner = new JsonScanner(Buffer.from('{"a":{"b":[1,{}]},"c":-1.5e3,"d":"x" , "e" : null}'), 'x');
  const keys: string[] = [];
  scanner.readObject((key) => void keys.push(key));
  scanner.expectEnd();
  assert.deepEqual(keys, ['a', 'c', 'd', 'e']);
});

test('JsonScanner refuses every truncation', () => {
  const text = '{"a":{"b":[1,"\\"x"]},"c":true,"d\\u0041":"y"}';
  assert.deepEqual([...membersOf(text).keys()], ['a', 'c', 'dA']);
  for (let length = 0; length < text.length; length++) refuses(text.slice(0, length));
});

test('JsonScanner refuses what is not JSON at the places it reads', () => {
  for (const text of [
    '',
    '[]',
    'x',
    '{"a":1}}',
    '{"a":1} x',
    '{"a" 1}',
    '{a:1}',
    '{"a":}',
    '{"a":,}',
    '{"a":1,}',
    '{,}',
    '{"\\x":1}',
    '{"a":]}',
    '{"a":\u00a01}',
  ]) {
    refuses(text);
  }
});

test('JsonScanner does not recurse into what it skips', () => {
  const deep = `{"a":${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}}`;
  const scanner = new JsonScanner(Buffer.from(deep), 'x');
  scanner.readObject(() => {});
  scanner.expectEnd();
});

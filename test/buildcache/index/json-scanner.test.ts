import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { JsonScanner } from '../../../src/buildcache/index/json-scanner.js';
import { sourceOfBytes } from '../../../src/core/byte-source.js';
import { MetadataError } from '../../../src/core/errors.js';

/** The members of an object, each value parsed from the bytes that the scanner says are its own. */
function membersOf(text: string, windowSize?: number): ReadonlyMap<string, unknown> {
  const members = new Map<string, unknown>();
  const bytes = Buffer.from(text);
  const scanner = new JsonScanner(sourceOfBytes(bytes), 'x', windowSize);
  scanner.readObject((key) => {
    const start = scanner.position;
    scanner.skipValue();
    members.set(key, JSON.parse(bytes.toString('utf8', start, scanner.position)));
  });
  scanner.expectEnd();
  return members;
}

function refuses(text: string, windowSize?: number): void {
  assert.throws(
    () => membersOf(text, windowSize),
    (error: unknown) => {
      return error instanceof MetadataError ? error.code === 'metadata-syntax' : error instanceof SyntaxError;
    },
    JSON.stringify(text),
  );
}

test('JsonScanner finds the same members as JSON.parse, in any layout', () => {
  const object = fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue(), { maxKeys: 6 });
  fc.assert(
    fc.property(
      object,
      fc.constantFrom(undefined, 0, 2, '\t'),
      fc.constantFrom(1, 2, 7, 64, undefined),
      (value, indent, window) => {
        const text = JSON.stringify(value, undefined, indent);
        assert.deepEqual([...membersOf(`\r\n ${text}\n`, window)], Object.entries(JSON.parse(text)));
      },
    ),
    { seed: 20240115, numRuns: 500 },
  );
});

test('JsonScanner knows brackets and quotes inside of strings', () => {
  const value = { a: '}"]{[\\', '"}': ['\\"', '\\\\'], 'ü\u0000': { b: '[[[' } };
  assert.deepEqual([...membersOf(JSON.stringify(value))], Object.entries(value));
});

test('JsonScanner skips what the callback leaves', () => {
  const scanner = new JsonScanner(
    sourceOfBytes(Buffer.from('{"a":{"b":[1,{}]},"c":-1.5e3,"d":"x" , "e" : null}')),
    'x',
  );
  const keys: string[] = [];
  scanner.readObject((key) => void keys.push(key));
  scanner.expectEnd();
  assert.deepEqual(keys, ['a', 'c', 'd', 'e']);
});

test('JsonScanner refuses every truncation', () => {
  const text = '{"a":{"b":[1,"\\"x"]},"c":true,"d\\u0041":"y"}';
  assert.deepEqual([...membersOf(text).keys()], ['a', 'c', 'dA']);
  for (let length = 0; length < text.length; length++) {
    for (const window of [1, 3, undefined]) refuses(text.slice(0, length), window);
  }
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
  const scanner = new JsonScanner(sourceOfBytes(Buffer.from(deep)), 'x');
  scanner.readObject(() => {});
  scanner.expectEnd();
});

test('JsonScanner finds the same in windows of any size', () => {
  const text = JSON.stringify({
    a: ['\\', '\\"', '"', '\\\\'],
    'k\u00e9y "': { b: '{[' },
    c: [1.5, true, null, {}],
    '\u{1f600}': -0,
  });
  for (let window = 1; window <= text.length + 1; window++) {
    assert.deepEqual([...membersOf(text, window)], Object.entries(JSON.parse(text)), String(window));
  }
});

test('JsonScanner reads short values as they are written, and looks ahead', () => {
  for (const window of [1, 5, undefined]) {
    const scanner = new JsonScanner(
      sourceOfBytes(Buffer.from('{"a": "7","b":{"c" :[1]},"d":12.5}')),
      'x',
      window,
    );
    const seen: (string | undefined)[] = [];
    scanner.readObject(() => seen.push(scanner.lookAhead(3), scanner.readShortValue()));
    assert.deepEqual(seen, ['"7"', '"7"', '{"c', '{"c" :[1]}', '12.', '12.5']);
  }
});

test('JsonScanner keeps no more of a long name or value than a window', () => {
  const long = 'x'.repeat(100_000);
  assert.throws(() => membersOf(`{"${long}":1}`, 64), MetadataError);
  const scanner = new JsonScanner(sourceOfBytes(Buffer.from(`{"a":"${long}"}`)), 'x', 64);
  scanner.readObject(() => assert.equal(scanner.readShortValue(), undefined));
  scanner.expectEnd();
});

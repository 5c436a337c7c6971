import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  compareNames,
  decodeSurrogateEscape,
  encodeSurrogateEscape,
} from '../../src/host/surrogate-escape.js';

const hasPython = spawnSync('python3', ['-c', '']).status === 0;

/** Byte strings with much UTF-8 in them, whole and broken. */
const byteStrings = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 3 }).map((text) => Buffer.from(text, 'utf8').toString('latin1')),
      fc.uint8Array({ maxLength: 4 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
      fc.constantFrom(
        '\xe2\x82',
        '\xed\xa0\x80',
        '\xf4\x90\x80\x80',
        '\xc0\x80',
        '\xe0\x80\x80',
        '\xf0\x9f\x98\x80',
        '\xee\x80\x80',
      ),
    ),
    { maxLength: 6 },
  )
  .map((parts) => parts.join(''));

test('decodeSurrogateEscape keeps UTF-8 and escapes every other byte', () => {
  const table: readonly (readonly [string, string])[] = [
    ['', ''],
    ['plain', 'plain'],
    ['\xc3\xbc', 'ü'],
    ['\xf0\x9f\x98\x80', '😀'],
    ['\xff', '\udcff'],
    ['a\x80b', 'a\udc80b'],
    ['\xe2\x82', '\udce2\udc82'],
    ['\xe2\x82\x41', '\udce2\udc82A'],
    ['\xed\xa0\x80', '\udced\udca0\udc80'],
    ['\xc0\xaf', '\udcc0\udcaf'],
    ['\xf4\x90\x80\x80', '\udcf4\udc90\udc80\udc80'],
    ['\xf0\x9f\x98', '\udcf0\udc9f\udc98'],
  ];
  for (const [bytes, text] of table) assert.equal(decodeSurrogateEscape(bytes), text);
});

test('encodeSurrogateEscape is the opposite of decodeSurrogateEscape', () => {
  fc.assert(
    fc.property(byteStrings, (bytes) => {
      assert.equal(encodeSurrogateEscape(decodeSurrogateEscape(bytes)), bytes);
    }),
    { seed: 1, numRuns: 2000 },
  );
});

test('compareNames sorts by code point, not by unit or byte', () => {
  const names = [
    '\xf0\x9f\x98\x80',
    '\xef\xbf\xbd',
    '\xff',
    '\x80',
    'z',
    'Z',
    '',
    '\xc3\xa9',
    '\xed\x9f\xbf',
    '\xee\x80\x80',
    'a',
  ];
  const sorted = [
    '',
    'Z',
    'a',
    'z',
    '\xc3\xa9',
    '\xed\x9f\xbf',
    '\x80',
    '\xff',
    '\xee\x80\x80',
    '\xef\xbf\xbd',
    '\xf0\x9f\x98\x80',
  ];
  assert.deepEqual([...names].sort(compareNames), sorted);
});

test('names decode and sort as Python has them', { skip: !hasPython && 'there is no python3' }, () => {
  const names = fc.sample(byteStrings, { seed: 2, numRuns: 3000 });
  const program = `
import json, sys
names = [name.encode('latin-1').decode('utf-8', 'surrogateescape') for name in json.load(sys.stdin)]
json.dump({'names': names, 'sorted': sorted(names)}, sys.stdout)`;
  const { stdout } = spawnSync('python3', ['-c', program], {
    input: JSON.stringify(names),
    maxBuffer: 1 << 28,
  });
  const answer = JSON.parse(stdout.toString()) as { names: string[]; sorted: string[] };
  assert.deepEqual(names.map(decodeSurrogateEscape), answer.names);
  assert.deepEqual([...names].sort(compareNames).map(decodeSurrogateEscape), answer.sorted);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { FileClass } from '../../../src/buildcache/buildinfo/classify-file.js';
import { Spack1Classifier } from '../../../src/buildcache/buildinfo/classify-spack-1.js';

function classify(bytes: Uint8Array, pieceLength = bytes.length): FileClass {
  const classifier = new Spack1Classifier();
  for (let at = 0; at < bytes.length; at += Math.max(1, pieceLength))
    classifier.push(bytes.subarray(at, at + Math.max(1, pieceLength)));
  const { mayBeText } = classifier;
  const found = classifier.finish();
  if (!mayBeText) assert.notEqual(found, 'text');
  return found;
}

const latin1 = (text: string) => Buffer.from(text, 'latin1');
const utf8 = (text: string) => Buffer.from(text, 'utf8');

const CASES: readonly (readonly [string, Uint8Array, FileClass])[] = [
  ['nothing', latin1(''), 'other'],
  ['seven bytes of text', latin1('1234567'), 'other'],
  ['seven bytes of ELF', latin1('\x7fELF\x02\x01\x01'), 'other'],
  ['eight bytes of text', latin1('12345678'), 'text'],
  ['any ELF file, objects too', latin1('\x7fELF\0\0\0\0'), 'binary'],
  ['Mach-O of 64 bits', latin1('\xcf\xfa\xed\xfe\0\0\0\0'), 'binary'],
  ['Mach-O of 32 bits, the other byte order', latin1('\xfe\xed\xfa\xce\0\0\0\0'), 'binary'],
  ['nine slices', latin1('\xca\xfe\xba\xbe\0\0\0\x09'), 'binary'],
  ['a Java class', latin1('\xca\xfe\xba\xbe\0\0\0\x34'), 'other'],
  ['slices of the other byte order', latin1('\xbe\xba\xfe\xca\x02\0\0\0'), 'binary'],
  ['fat of 64 bits is not known there', latin1('\xca\xfe\xba\xbf\0\0\0\x02'), 'other'],
  ['UTF-8 with NUL', utf8('abcdefgh\0ü☃😀'), 'text'],
  ['UTF-8 that is cut off', utf8('abcdefgh ☃').subarray(0, -1), 'other'],
  ['a lead that nothing follows, in Latin-1', latin1('abcdefg \xe9'), 'text'],
  ['Latin-1', latin1('caf\xe9 au lait'), 'text'],
  ['Latin-1 with a control character of it', latin1('caf\xe9 au lait \x85'), 'other'],
  ['Latin-1 with DEL', latin1('caf\xe9 au lait \x7f'), 'other'],
  ['a surrogate in UTF-8', latin1('abcdefgh\xed\xa0\x80'), 'other'],
  ['an overlong form', latin1('abcdefgh\xc0\xaf'), 'text'],
  ['archives', latin1('!<arch>\nabc/'), 'text'],
];

test('Spack1Classifier tells what Spack 1.x makes of a file', () => {
  for (const [name, bytes, expected] of CASES) assert.equal(classify(bytes), expected, name);
});

test('Spack1Classifier does not depend on the pieces that a file comes in', () => {
  const bytes = fc.oneof(
    fc.constantFrom(...CASES.map(([, given]) => given)),
    fc.string({ unit: 'binary', minLength: 8 }).map(utf8),
    fc.uint8Array({ minLength: 8, maxLength: 40 }),
  );
  fc.assert(
    fc.property(bytes, fc.integer({ min: 1, max: 5 }), (given, length) => {
      assert.equal(classify(given, length), classify(given));
    }),
  );
});

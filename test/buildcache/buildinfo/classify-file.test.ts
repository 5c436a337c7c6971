// The table says what `file -b -h --mime-type` (5.44) answers; where it names a kind of text that is not `text/*`, we go by the bytes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FileClass, FileClassifier } from '../../../src/buildcache/buildinfo/classify-file.js';
import { concatBytes, fromLatin1 } from '../../../src/core/bytes.js';
import { buildElf } from '../../helpers/elf-builder.js';

function classify(
  content: string | Uint8Array,
  path = 'share/x',
  piece = Number.POSITIVE_INFINITY,
): FileClass {
  const bytes = typeof content === 'string' ? fromLatin1(content) : content;
  const classifier = new FileClassifier(path);
  for (let at = 0; at < bytes.length; at += piece) {
    const copy = new Uint8Array(bytes.subarray(at, at + piece));
    classifier.push(copy);
    copy.fill(0); // the memory is used again
    if (piece === Number.POSITIVE_INFINITY) break;
  }
  return classifier.finish();
}

const TEXTS: readonly string[] = [
  'a line\n',
  '/',
  'no newline',
  '#!/bin/sh\n',
  '<html></html>',
  '<?xml version="1.0"?>\n<a b="c"/>',
  'caf\xe9',
  'caf\xc3\xa9',
  'a\x80\x93 b',
  '\x85',
  'tab\t',
  '\x1b[1mbold',
  'bell\x07 \x08\x0b\x0c\r',
  '  <svg>',
  '\n<svg>',
  '<SVG>',
  '%PDF',
  '!<thin>\n',
  'BM text',
  'MZ text',
  `${' '.repeat(300)}%PDF-1.4`,
  "<?xml version='1.0'?><SVG>",
  '<?xml version = "1.0"?>\n<svg>',
  '#!/usr/bin/env node\nx()',
  'From: a@b\nSubject: x\n',
  '-----BEGIN PGP PUBLIC KEY BLOCK-----\n',
  '\x7ePK',
];
const OTHERS: readonly string[] = [
  '',
  'a\0b',
  'a\x01b',
  'a\x06',
  'a\x0e',
  'a\x1a',
  'a\x1f',
  'a\x7f',
  '%!PS-Adobe-3.0\n',
  '%!\n',
  '\x04%!PS\n',
  '%PDF-1.4\n',
  ' %PDF-1.4',
  `${' '.repeat(250)}%PDF-1.4`,
  '!<arch>\nabc',
  `070701${'0'.repeat(104)}`,
  '<svg xmlns="x">',
  '<svgx',
  '<!DOCTYPE svg PUBLIC>\n<svg>',
  '<?xml version="1.0"?>\n<svg>',
  '<?xml version="1.0"?>\n<a><svg/></a>',
  `<?xml version="1.0"?>${' '.repeat(4000)}<svg>`,
  '\xff\xfea\0',
  '\x7fELF',
];
const JSON_TEXTS: readonly string[] = [
  '{}',
  '[]',
  '[1]',
  '{"a":1,}',
  '[1,]',
  '{"a":"\t"}',
  '{"a":"\xe9"}',
  '{"a":01}',
  '{"a":1}\n\n',
  '\t[1]',
  ' \r\n{}',
  '["\\u12ab\\/\\n"]',
  '[1.]',
  '[.5]',
  '[-.5]',
  '[1e5,1e+5,1.e-5]',
  '[true,false,null]',
  '{"a" : 1 , "b":[ ] }',
  '[[]]',
  '{"a":{"b":[{}]}}',
  '{"a":1}{"b":2}',
  '{"a":1}\n{"b":2}\n',
  '[1]\n[2]',
  '{"a":1}\n{"b":2}\nx',
  '["a\nb"]',
  `${'['.repeat(250)}${']'.repeat(250)}`,
];
const NO_JSON_TEXTS: readonly string[] = [
  '"abc"',
  '12',
  'true',
  '{a:1}',
  '{"a":+1}',
  '["\\q"]',
  '{"a":1} // c',
  '[/x]\n',
  '[section]\n',
  '{"a"}',
  '{"a":}',
  '[1 2]',
  '[-]',
  '[1e]',
  '[--1]',
  '[tru]',
  '[truefalse]',
  '["\\u12"]',
  '{"a":1',
  '{"a":1}]',
  '["a",,"b"]',
  '[,]',
  '{,}',
  '{1:2}',
  '[0x1]',
  '[1.5.2]',
  '[1a]',
  '[.]',
  '\x0c[1]',
  '\xef\xbb\xbf{"a":1}',
  '{"a":1}\n"b"\n',
  '[2]\n1\n',
  '{"a":1}x',
  "{'a':1}",
  '["a" "b"]',
  '{"a" 1}',
  `${'['.repeat(251)}${']'.repeat(251)}`,
];

test('FileClassifier tells text from data as `file` does', () => {
  for (const text of TEXTS) assert.equal(classify(text), 'text', JSON.stringify(text));
  for (const text of OTHERS) assert.equal(classify(text), 'other', JSON.stringify(text));
  for (const text of JSON_TEXTS) assert.equal(classify(text), 'other', JSON.stringify(text));
  for (const text of NO_JSON_TEXTS) assert.equal(classify(text), 'text', JSON.stringify(text));
});

test('FileClassifier says the same at every split', () => {
  for (const text of [...TEXTS, ...OTHERS, ...JSON_TEXTS, ...NO_JSON_TEXTS])
    for (const piece of [1, 3, 100])
      assert.equal(classify(text, 'x', piece), classify(text), `${text} by ${piece}`);
});

test('FileClassifier looks at 64 KiB to tell text from data', () => {
  const line = 'hello world\n';
  const head = line.repeat(Math.ceil(65536 / line.length)).slice(0, 65536);
  for (const piece of [1000, 65535, 65536, 65537, Number.POSITIVE_INFINITY]) {
    assert.equal(classify(`${head.slice(0, 65535)}\0`, 'x', piece), 'other');
    assert.equal(classify(`${head}\0`, 'x', piece), 'text');
  }
});

test('FileClassifier takes large JSON as such, up to the 7 MiB that `file` reads', () => {
  const json = (size: number) => `["${'a'.repeat(size - 4)}"]`;
  for (const piece of [65536, 1 << 20, Number.POSITIVE_INFINITY]) {
    assert.equal(classify(json(200_000), 'x', piece), 'other');
    assert.equal(classify(json(200_000).slice(0, -1), 'x', piece), 'text');
  }
  assert.equal(classify(json(7 << 20), 'x', 1 << 20), 'other');
  assert.equal(classify(json((7 << 20) + 1), 'x', 1 << 20), 'text');
});

test('FileClassifier takes programs and libraries, not objects, for binaries', () => {
  const elf = buildElf({ rpath: '/x' }).bytes;
  assert.equal(classify(elf), 'binary');
  for (const [type, expected] of [
    [1, 'other'],
    [2, 'binary'],
    [3, 'binary'],
    [4, 'other'],
    [0x0200, 'other'],
  ] as const) {
    const little = elf.slice();
    new DataView(little.buffer, little.byteOffset).setUint16(16, type, true);
    assert.equal(classify(little, 'lib/x.o'), expected, `type ${type}`);
    const big = concatBytes([
      fromLatin1('\x7fELF\x02\x02\x01'),
      new Uint8Array(9),
      Uint8Array.of(type >> 8, type & 255),
      new Uint8Array(100),
    ]);
    assert.equal(classify(big, 'x', 5), expected, `big-endian type ${type}`);
  }
});

test('FileClassifier takes Mach-O for binaries, but for objects, and Java classes for data', () => {
  for (const magic of ['\xfe\xed\xfa\xce', '\xfe\xed\xfa\xcf', '\xce\xfa\xed\xfe', '\xcf\xfa\xed\xfe']) {
    assert.equal(classify(`${magic}\0\0\0\x01`), 'binary');
    assert.equal(classify(`${magic}\0\0\0\x01`, 'lib/x.o'), 'other');
  }
  assert.equal(classify('\xca\xfe\xba\xbe\0\0\0\x02'), 'binary');
  assert.equal(classify('\xca\xfe\xba\xbe\0\0\0\x34'), 'other');
});

test('FileClassifier knows early that a file is no text', () => {
  const classifier = new FileClassifier('x');
  assert.equal(classifier.mayBeText, true);
  classifier.push(new Uint8Array(100_000));
  assert.equal(classifier.mayBeText, false);
  classifier.push(fromLatin1('text'));
  assert.equal(classifier.finish(), 'other');
});

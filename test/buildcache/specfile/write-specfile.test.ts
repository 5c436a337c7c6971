import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { formatSpecfile } from '../../../src/buildcache/specfile/write-specfile.js';
import { decodeUtf8, encodeUtf8 } from '../../../src/core/bytes.js';
import { MetadataError } from '../../../src/core/errors.js';

const hasPython = spawnSync('python3', ['-c', '']).status === 0;
const FACTS = { layoutVersion: 1, sha256: 'ab'.repeat(32) };
const TAIL = `"buildcache_layout_version":1,
"binary_cache_checksum":{
"hash_algorithm":"sha256",
"hash":"${'ab'.repeat(32)}"
}
}`;

const format = (text: string) => decodeUtf8(formatSpecfile(encodeUtf8(text), 'spec.json', FACTS));

test('formatSpecfile writes a line per value, and the checksum at the end', () => {
  const expected = `{
"spec":{
"_meta":{
"version":4
},
"nodes":[
{
"a":[],
"b":{},
"c":[
true,
null,
1.50
]
}
]
},
${TAIL}`;
  assert.equal(
    format('{"spec": {"_meta":{"version":4},"nodes":[{"a":[],"b":{} ,"c":[true,null,1.50]}]}}\n'),
    expected,
  );
});

test('formatSpecfile keeps the order of keys, numbers among them, and writes ASCII', () => {
  const text = format('{"b":1,"10":2,"2":{"é":"😀\\u00e9/\\/\x7f\\u001f\\n"},"__proto__":[1],"a\\"b":0}');
  assert.equal(
    text,
    `{\n"b":1,\n"10":2,\n"2":{\n"\\u00e9":"\\ud83d\\ude00\\u00e9//\x7f\\u001f\\n"\n},\n"__proto__":[\n1\n],\n"a\\"b":0,\n${TAIL}`,
  );
});

test('formatSpecfile replaces what is there already, in its place', () => {
  const text = format(
    '{"binary_cache_checksum":{"hash":"old"},"spec":1,"buildcache_layout_version":0,"spec":2}',
  );
  assert.equal(
    text,
    `{\n"binary_cache_checksum":{\n"hash_algorithm":"sha256",\n"hash":"${FACTS.sha256}"\n},\n"spec":2,\n"buildcache_layout_version":1\n}`,
  );
});

test('formatSpecfile refuses what is no JSON object', () => {
  const codes: readonly (readonly [string | Uint8Array, string])[] = [
    ['', 'metadata-syntax'],
    ['{"a":1', 'metadata-syntax'],
    ['[1]', 'metadata-invalid'],
    ['"text"', 'metadata-invalid'],
    ['null', 'metadata-invalid'],
    [Uint8Array.of(0x1f, 0x8b, 8), 'metadata-compressed'],
    [Uint8Array.of(0x22, 0xff, 0x22), 'metadata-syntax'],
    [`${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`, 'metadata-invalid'],
  ];
  for (const [text, code] of codes) {
    const bytes = typeof text === 'string' ? encodeUtf8(text) : text;
    assert.throws(
      () => formatSpecfile(bytes, 'spec.json', FACTS),
      (error) => error instanceof MetadataError && error.code === code && error.message.includes('spec.json'),
    );
  }
});

test('formatSpecfile writes the bytes that Python writes', {
  skip: !hasPython && 'there is no python3',
}, () => {
  const json = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.string({ unit: 'binary', maxLength: 5 }),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('value'), { maxLength: 3 }),
      tie('object'),
    ),
    object: fc.dictionary(fc.string({ unit: 'binary', maxLength: 3 }), tie('value'), { maxKeys: 4 }),
  }));
  const texts = fc.sample(json.object, { seed: 8, numRuns: 300 }).map((value) => JSON.stringify(value));
  const program = `
import json, sys
out = []
for text in json.load(sys.stdin):
    value = json.loads(text)
    value['buildcache_layout_version'] = 1
    value['binary_cache_checksum'] = {'hash_algorithm': 'sha256', 'hash': 'ab' * 32}
    out.append(json.dumps(value, indent=0, separators=(',', ':')))
json.dump(out, sys.stdout)`;
  const { stdout } = spawnSync('python3', ['-c', program], {
    input: JSON.stringify(texts),
    maxBuffer: 1 << 28,
  });
  const answers = JSON.parse(stdout.toString()) as string[];
  assert.deepEqual(texts.map(format), answers);
});

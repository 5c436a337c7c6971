import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCompactRecord } from '../../../src/buildcache/index/compact-record.js';
import { parsePackageIndex, scanPackageIndex } from '../../../src/buildcache/index/package-index.js';
import { sourceOfBytes } from '../../../src/core/byte-source.js';
import { SeededRandom } from '../../helpers/seeded-random.js';
import { hashOf, nodeJson } from '../../mirror/index/index-text.js';

const A = hashOf('a');
const B = hashOf('b');
const C = hashOf('c');

function record(name: string, hash: string, more: object = { ref_count: 12, in_buildcache: true }): string {
  return JSON.stringify({ spec: nodeJson(name, hash), ...more });
}

function indexOf(...records: readonly (readonly [string, string])[]): string {
  const installs = records.map(([hash, text]) => `"${hash}":${text}`).join(',');
  return `{"database":{"version":"7","installs":{${installs}}}}`;
}

test('readCompactRecord reads a record in the usual form that another one follows', () => {
  for (const inBuildcache of [true, false]) {
    const first = record('zlib', A, { ref_count: 0, in_buildcache: inBuildcache });
    const text = `xx${first},"${B}":${record('curl', B)}`;
    const found = readCompactRecord(Buffer.from(text), 2, 1000);
    const node = JSON.stringify(nodeJson('zlib', A));
    assert.deepEqual(found, {
      offset: 1002 + '{"spec":'.length,
      length: node.length,
      inBuildcache,
      name: 'zlib',
      end: 1002 + first.length,
    });
  }
});

test('readCompactRecord leaves everything else to the exact scanner', () => {
  const next = `,"${B}":${record('curl', B)}`;
  const usual = record('zlib', A);
  for (const text of [
    usual,
    `${usual}}}}`,
    `${record('zlib', A, { in_buildcache: true, ref_count: 1 })}${next}`,
    `${record('zlib', A, { ref_count: 1, in_buildcache: true, origin: 'x' })}${next}`,
    `${record('zlib', A, { ref_count: -1, in_buildcache: true })}${next}`,
    `${record('zlib', A, { ref_count: 1, in_buildcache: 1 })}${next}`,
    `${usual.replace('{"name"', '{ "name"')}${next}`,
    `${usual.replace('"zlib"', '"zl\\u0069b"')}${next}`,
    `${usual.replace('"zlib"', '""')}${next}`,
    `${usual}, ${next.slice(1)}`,
    `${usual}${next.replace(B, B.slice(1))}`,
    usual.slice(0, -30),
    '',
  ]) {
    assert.equal(readCompactRecord(Buffer.from(text), 0, 0), undefined, text);
  }
});

test('readCompactRecord does not swallow a record of another form', () => {
  const usual = record('curl', C);
  const others = [
    record('zlib', B, { in_buildcache: true, ref_count: 0 }),
    record('zlib', B, { in_buildcache: true }),
    JSON.stringify({ in_buildcache: true, spec: nodeJson('zlib', B), ref_count: 0 }),
    JSON.stringify({ ref_count: 0, in_buildcache: true, spec: nodeJson('zlib', B) }),
    JSON.stringify({ spec: nodeJson('zlib', B), ref_count: 0, in_buildcache: true }, null, 1),
    JSON.stringify({ origin: { x: {} }, spec: nodeJson('zlib', B), ref_count: 3, in_buildcache: true }),
  ];
  for (const other of others) {
    for (const records of [
      [
        [A, record('gcc', A)],
        [B, other],
        [C, usual],
      ],
      [
        [B, other],
        [A, record('gcc', A)],
        [C, usual],
      ],
      [
        [B, other],
        [B, other],
        [A, record('gcc', A)],
        [C, usual],
      ],
    ] as const) {
      const index = parsePackageIndex(Buffer.from(indexOf(...records)), 'x');
      const found = [...index.offered()].map((each) => [each.hash, each.name, each.node.name]);
      assert.deepEqual(
        found,
        [
          [A, 'gcc', 'gcc'],
          [B, 'zlib', 'zlib'],
          [C, 'curl', 'curl'],
        ],
        other,
      );
    }
  }
});

test('a large index gives the same places with and without the shortcut, in windows of any size', () => {
  const random = new SeededRandom(7);
  const records = Array.from({ length: 300 }, (_, n): [string, string] => {
    const hash = Array.from({ length: 32 }, () => random.pick([...'abcdefghijklmnopqrstuvwxyz234567'])).join(
      '',
    );
    const node = { ...nodeJson(`package-${n % 7}`, hash), note: 'x'.repeat(random.below(600)) };
    return [
      hash,
      JSON.stringify({ spec: node, ref_count: random.below(9), in_buildcache: random.below(4) > 0 }),
    ];
  });
  const bytes = Buffer.from(indexOf(...records));
  const spaced = Buffer.from(JSON.stringify(JSON.parse(bytes.toString()), null, 1));
  // A source that never gives more than asked for, so that the scanner's window is what it asks for.
  const read = (offset: number, length: number) => bytes.subarray(offset, offset + Math.min(length, 70_000));
  const compact = scanPackageIndex({ size: bytes.length, read }, 'x');
  const exact = scanPackageIndex(sourceOfBytes(spaced), 'x');
  assert.deepEqual([compact.size, exact.size], [300, 300]);
  for (let row = 0; row < compact.size; row++) {
    const { offset, length, ...facts } = compact.placeAt(row);
    const { offset: spacedOffset, length: spacedLength, ...spacedFacts } = exact.placeAt(row);
    assert.deepEqual([compact.hashAt(row), facts], [exact.hashAt(row), spacedFacts]);
    const node = JSON.parse(bytes.toString('utf8', offset, offset + length));
    assert.deepEqual(node, JSON.parse(spaced.toString('utf8', spacedOffset, spacedOffset + spacedLength)));
    assert.equal(node.hash, compact.hashAt(row));
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  decodePlaces,
  type IndexPlaces,
  PlacesBuilder,
  type RecordPlace,
} from '../../../src/buildcache/index/index-places.js';
import { concatBytes } from '../../../src/core/bytes.js';
import type { DagHash } from '../../../src/spec/spec.js';

const ALPHABET = [...'abcdefghijklmnopqrstuvwxyz234567'];
const ORIGIN = { sha256: 'a'.repeat(64), size: 1234, mtime: 1700000000000.25 };

const hashes = fc
  .array(fc.constantFrom(...ALPHABET), { minLength: 32, maxLength: 32 })
  .map((letters) => letters.join('') as DagHash);
/** Hashes that begin alike, so that sorting has to look at all of them. */
const similarHashes = fc
  .tuple(fc.constantFrom('a', '7'), fc.constantFrom('b', '2', 'z'))
  .map(([start, end]) => `${start.repeat(31)}${end}` as DagHash);
const places = fc.record<RecordPlace>(
  {
    offset: fc.nat(2 ** 31),
    length: fc.nat(2 ** 31),
    inBuildcache: fc.boolean(),
    name: fc.constantFrom('zlib', 'curl', '__proto__', undefined),
  },
  { noNullPrototype: true },
);
const tables = fc.array(fc.tuple(fc.oneof(hashes, similarHashes), places), { maxLength: 60 });

function build(rows: readonly (readonly [DagHash, RecordPlace])[]): IndexPlaces {
  const builder = new PlacesBuilder();
  for (const [hash, place] of rows) builder.add(hash, place);
  return builder.build(7);
}

function rowsOf(table: IndexPlaces) {
  return Array.from({ length: table.size }, (_, row) => [table.hashAt(row), table.placeAt(row)]);
}

function encoded(table: IndexPlaces): Uint8Array<ArrayBuffer> {
  return new Uint8Array(concatBytes(table.encode(ORIGIN)));
}

test('IndexPlaces is the sorted map of what was added, in memory and read back', () => {
  const property = fc.property(tables, (rows) => {
    const expected = [...new Map(rows)].sort(([a], [b]) => (a < b ? -1 : 1));
    const table = build(rows);
    assert.deepEqual(rowsOf(table), expected);
    const readBack = decodePlaces(encoded(table), ORIGIN);
    assert.ok(readBack);
    assert.deepEqual(rowsOf(readBack), expected);
    assert.equal(readBack.version, 7);
  });
  fc.assert(property, { seed: 20240115, numRuns: 300 });
});

test('IndexPlaces finds hashes, beginnings of hashes and names as a walk over all rows does', () => {
  const property = fc.property(tables, hashes, fc.nat(32), (rows, other, length) => {
    const table = build(rows);
    const all = rowsOf(table) as [DagHash, RecordPlace][];
    for (const hash of [other, ...all.map(([each]) => each)]) {
      const row = all.findIndex(([each]) => each === hash);
      assert.equal(table.find(hash), row);
      assert.equal(table.isInBuildcache(table.find(hash)), all[row]?.[1].inBuildcache ?? false);
      const prefix = hash.slice(0, length);
      const expected = all.flatMap(([each], i) => (each.startsWith(prefix) ? [i] : []));
      assert.deepEqual([...table.rowsWithPrefix(prefix)], expected);
    }
    for (const name of ['zlib', 'absent', '__proto__']) {
      const expected = all.flatMap(([, place], i) =>
        place.name === name || place.name === undefined ? [i] : [],
      );
      assert.deepEqual([...table.rowsNamed(name)], expected);
    }
  });
  fc.assert(property, { seed: 20240115, numRuns: 200 });
});

test('decodePlaces refuses other origins, truncations and damage to what it checks', () => {
  const table = build([['a'.repeat(32) as DagHash, { offset: 1, length: 2, inBuildcache: true, name: 'x' }]]);
  const bytes = encoded(table);
  assert.ok(decodePlaces(bytes, ORIGIN));
  for (const origin of [
    { ...ORIGIN, sha256: 'b'.repeat(64) },
    { ...ORIGIN, size: 1235 },
    { ...ORIGIN, mtime: 0 },
  ]) {
    assert.equal(decodePlaces(bytes, origin), undefined);
  }
  for (let length = 0; length < bytes.length; length++) {
    assert.equal(decodePlaces(bytes.slice(0, length), ORIGIN), undefined);
  }
  assert.equal(decodePlaces(new Uint8Array([...bytes, 0]), ORIGIN), undefined);
  const text = Buffer.from(bytes).toString('latin1');
  for (const [from, to] of [
    ['"count":1', '"count":2'],
    ['"count":1', '"count":-'],
    ['"version":7', '"version":x'],
    ['"names":["x"]', '"names":{"x":1'],
    ['places 1', 'places 2'],
  ] as const) {
    assert.ok(text.includes(from), from);
    assert.equal(
      decodePlaces(new Uint8Array(Buffer.from(text.replace(from, to), 'latin1')), ORIGIN),
      undefined,
      to,
    );
  }
});

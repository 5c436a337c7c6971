import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { type PackageIndex, parsePackageIndex } from '../../../src/buildcache/index/package-index.js';
import { BuildcacheError, type ErrorCode, MetadataError } from '../../../src/core/errors.js';
import type { DagHash } from '../../../src/spec/spec.js';

const HASH_A = 'a'.repeat(32) as DagHash;
const HASH_B = 'b'.repeat(32) as DagHash;
const FIXTURES = process.env.REGRAFT_FIXTURES;

function node(name: string, hash: string, more: object = {}): object {
  return {
    name,
    version: '1.2',
    arch: { platform: 'linux', platform_os: 'debian12', target: 'x86_64' },
    namespace: 'builtin',
    parameters: {},
    ...more,
    hash,
  };
}

function indexOf(installs: object, version: unknown = '7'): string {
  return JSON.stringify({ database: { version, installs } });
}

function parse(text: string | Uint8Array): PackageIndex {
  return parsePackageIndex(Buffer.from(text as string), 'index.json');
}

function refuses(text: string | Uint8Array, code: ErrorCode): void {
  assert.throws(
    () => parse(text),
    (error: unknown) => {
      assert.ok(error instanceof MetadataError, String(error));
      assert.equal(error.code, code, `${text}: ${error.message}`);
      return error.message.includes('index.json');
    },
  );
}

test('parsePackageIndex offers what is in the build cache, and knows the rest', () => {
  const index = parse(
    indexOf({
      [HASH_A]: { spec: node('zlib', HASH_A), ref_count: 1, in_buildcache: true },
      [HASH_B]: {
        spec: node('gcc', HASH_B, { external: { path: '/usr', module: null } }),
        ref_count: 0,
        in_buildcache: false,
      },
    }),
  );
  assert.equal(index.size, 2);
  assert.equal(index.version, 7);
  assert.deepEqual(
    [...index.offered()].map(({ name }) => name),
    ['zlib'],
  );
  assert.deepEqual([index.offers(HASH_A), index.offers(HASH_B)], [true, false]);
  const gcc = index.get(HASH_B);
  assert.deepEqual([gcc?.inBuildcache, gcc?.name, gcc?.node.external?.path], [false, 'gcc', '/usr']);
  assert.equal(index.get('c'.repeat(32) as DagHash), undefined);
  assert.equal(index.get(HASH_A)?.node, index.get(HASH_A)?.node);
});

test('parsePackageIndex reads the node formats of database versions 5 to 8', () => {
  const format1 = {
    zlib: {
      ...node('zlib', HASH_A),
      name: undefined,
      dependencies: { cmake: { hash: HASH_B, type: ['build'] } },
    },
  };
  const format3 = node('zlib', HASH_A, { dependencies: [{ name: 'cmake', hash: HASH_B, type: ['build'] }] });
  const parameters = { deptypes: ['build'], virtuals: [] };
  const format4 = node('zlib', HASH_A, { dependencies: [{ name: 'cmake', hash: HASH_B, parameters }] });
  const specs = { 5: format1, 6: format3, 7: format4, 8: format4 };
  const formats = { 5: 1, 6: 3, 7: 4, 8: 5 };
  for (const [version, spec] of Object.entries(specs)) {
    for (const written of [version, Number(version)]) {
      const record = parse(indexOf({ [HASH_A]: { spec, in_buildcache: true } }, written)).get(HASH_A);
      assert.equal(record?.name, 'zlib', version);
      assert.equal(record?.node.formatVersion, formats[version as unknown as keyof typeof formats]);
      assert.deepEqual(
        record?.node.dependencies.map((edge) => [edge.name, edge.hash, edge.types]),
        [['cmake', HASH_B, ['build']]],
      );
    }
  }
});

test('parsePackageIndex does not depend on the order of keys, nor on white space', () => {
  const record = { in_buildcache: true, extra: [{}], spec: { hash: HASH_A, ...node('zlib', HASH_A) } };
  const text = JSON.stringify(
    { other: 1, database: { installs: { [HASH_A]: record }, more: {}, version: '7' } },
    undefined,
    1,
  );
  const index = parse(`\n ${text} \n`);
  assert.deepEqual(
    [...index.offered('zlib')].map(({ node: { version } }) => version),
    ['1.2'],
  );
  assert.deepEqual([...index.offered('other')], []);
});

test('a package whose record has no in_buildcache, or another value, is not offered', () => {
  for (const value of [undefined, false, null, 'true', 1, [true]]) {
    const index = parse(indexOf({ [HASH_A]: { spec: node('zlib', HASH_A), in_buildcache: value } }));
    assert.equal(index.offers(HASH_A), false, String(value));
  }
});

test('parsePackageIndex refuses versions that it does not know', () => {
  for (const version of [
    '9',
    '99',
    10,
    '4',
    '0.9.2',
    '',
    'x',
    '7 ',
    null,
    {},
    [7],
    true,
    '__proto__',
    'constructor',
  ]) {
    refuses(indexOf({}, version), 'index-version-unsupported');
  }
});

test('parsePackageIndex names what the file is instead', () => {
  refuses('', 'metadata-syntax');
  refuses('<!doctype html><html></html>', 'metadata-syntax');
  refuses(Buffer.from('1f8b0800', 'hex'), 'metadata-compressed');
  refuses('[]', 'metadata-invalid');
  refuses('null', 'metadata-invalid');
  refuses('{}', 'metadata-invalid');
  refuses('{"database":[]}', 'metadata-invalid');
  refuses('{"database":{"version":"7"}}', 'metadata-invalid');
  refuses('{"database":{"version":"7","installs":[]}}', 'metadata-invalid');
  refuses('{"database":{"installs":{}}}', 'metadata-invalid');
  refuses(indexOf({ 'not a hash': {} }), 'metadata-invalid');
  refuses(`${indexOf({})}x`, 'metadata-syntax');
});

test('parsePackageIndex refuses every truncation', () => {
  const text = indexOf({ [HASH_A]: { spec: node('zlib', HASH_A), in_buildcache: true } });
  for (let length = 0; length < text.length; length++) refuses(text.slice(0, length), 'metadata-syntax');
});

test('a broken record fails when it is used, the others do not', () => {
  const broken = [
    {},
    { spec: null },
    { spec: [] },
    { spec: {} },
    { spec: node('zlib', HASH_B) },
    { spec: node('../x', HASH_A) },
    null,
    7,
  ];
  for (const record of broken) {
    const index = parse(
      indexOf({ [HASH_A]: record, [HASH_B]: { spec: node('curl', HASH_B), in_buildcache: true } }),
    );
    assert.equal(index.get(HASH_B)?.node.name, 'curl');
    assert.throws(
      () => index.get(HASH_A)?.node,
      (error: unknown) => {
        return (
          error instanceof MetadataError &&
          error.code === 'metadata-invalid' &&
          error.message.includes(HASH_A)
        );
      },
      JSON.stringify(record),
    );
  }
  const garbled = parse(
    indexOf({ [HASH_A]: { spec: node('zlib', HASH_A), in_buildcache: true } }).replace('"1.2"', '1.2.3'),
  );
  assert.throws(
    () => garbled.get(HASH_A)?.node,
    (error: unknown) => error instanceof MetadataError && error.code === 'metadata-syntax',
  );
});

test('the last of several records of a hash counts, as in JSON.parse', () => {
  const record = (name: string) =>
    `"${HASH_A}":${JSON.stringify({ spec: node(name, HASH_A), in_buildcache: true })}`;
  const index = parse(`{"database":{"version":"7","installs":{${record('first')},${record('second')}}}}`);
  assert.deepEqual(
    [...index.offered()].map(({ name }) => name),
    ['second'],
  );
});

test('any damage gives a result or a coded error', () => {
  const bytes = Buffer.from(indexOf({ [HASH_A]: { spec: node('zlib', HASH_A), in_buildcache: true } }));
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.nat(255), fc.nat(3), (at, byte, length) => {
      const damaged = Buffer.concat([
        bytes.subarray(0, at),
        Buffer.alloc(length, byte),
        bytes.subarray(at + 1),
      ]);
      try {
        for (const { name, node: parsed } of parse(damaged).offered()) assert.equal(parsed.name, name);
      } catch (error) {
        assert.ok(error instanceof BuildcacheError, String(error));
      }
    }),
    { seed: 20240115, numRuns: 2000 },
  );
});

test('an index of ten thousand packages is read without parsing them', () => {
  const letters = 'abcdefghijklmnopqrstuvwxyz234567';
  const hash = (i: number) =>
    i
      .toString(32)
      .replace(/./g, (digit) => letters[Number.parseInt(digit, 32)] ?? 'a')
      .padStart(32, 'a');
  const installs = Object.fromEntries(
    Array.from({ length: 10_000 }, (_, i) => [
      hash(i),
      { spec: node(`p${i}`, hash(i)), in_buildcache: true },
    ]),
  );
  const index = parse(indexOf(installs));
  assert.equal(index.size, 10_000);
  assert.equal(index.get(hash(9_999) as DagHash)?.node.name, 'p9999');
  assert.equal([...index.offered('p77')].length, 1);
});

test('the indexes of the fixtures', { skip: FIXTURES === undefined && 'REGRAFT_FIXTURES is not set' }, () => {
  let read = 0;
  for (const root of ['caches', '../fixtures-v2v3/caches'].map((folder) => join(FIXTURES ?? '', folder))) {
    for (const file of readdirSync(root)
      .map((name) => join(root, name, 'build_cache/index.json'))
      .filter(existsSync)) {
      const json = JSON.parse(readFileSync(file, 'utf8')).database;
      const index = parsePackageIndex(readFileSync(file), file);
      assert.equal(String(index.version), json.version);
      assert.deepEqual(
        [...index.offered()].map(({ hash, node: { raw } }) => [hash, raw]),
        Object.entries<{ spec: unknown; in_buildcache: boolean }>(json.installs)
          .filter(([, record]) => record.in_buildcache)
          .map(([hash, { spec }]) => [hash, spec])
          .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
      );
      read++;
    }
  }
  assert.ok(read >= 10, String(read));
  const negative = (name: string) =>
    readFileSync(join(FIXTURES ?? '', 'negative/caches', name, 'build_cache/index.json'));
  refuses(negative('index-truncated'), 'metadata-syntax');
  refuses(negative('index-version-99'), 'index-version-unsupported');
});

test('an index of version 8, as Spack 1.x writes it', {
  skip: FIXTURES === undefined && 'REGRAFT_FIXTURES is not set',
}, () => {
  const blobs = join(FIXTURES ?? '', '../fixtures-v2v3/caches/layout3-signed');
  const manifest = JSON.parse(readFileSync(join(blobs, 'v3/manifests/index/index.manifest.json'), 'utf8'));
  const digest: string = manifest.data[0].checksum;
  const index = parsePackageIndex(
    readFileSync(join(blobs, 'blobs/sha256', digest.slice(0, 2), digest)),
    'blob',
  );
  assert.equal(index.version, 8);
  const names = [...index.offered()].map((record) => record.node.name);
  assert.ok(names.includes('toolgamma') && names.includes('newtop'), names.join());
  for (const record of index.offered()) assert.equal(record.node.formatVersion, 5);
});

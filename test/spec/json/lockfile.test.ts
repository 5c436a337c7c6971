import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeUtf8 } from '../../../src/core/bytes.js';
import { parseLockfile } from '../../../src/spec/json/lockfile.js';
import type { JsonObject, JsonValue } from '../../../src/spec/spec.js';
import { ARCH, GCC, hashOf, link, node4, node5 } from '../spec-samples.js';

const facts = { version: '1', arch: ARCH, compiler: GCC, namespace: 'n', parameters: {} };

function lock(
  version: number,
  roots: readonly string[],
  nodes: Record<string, JsonValue>,
  more: JsonObject = {},
): Uint8Array {
  return encodeUtf8(
    JSON.stringify({
      _meta: { 'file-type': 'spack-lockfile', 'lockfile-version': version },
      spack: {},
      roots: roots.map((hash) => ({ hash, spec: 'whatever' })),
      concrete_specs: nodes,
      ...more,
    }),
  );
}

function summary(bytes: Uint8Array): JsonValue {
  return parseLockfile(bytes, 'spack.lock').roots.map(({ root, nodes }) => [
    root.name,
    root.formatVersion,
    [...nodes.values()].map(({ name, hash }) => `${name}/${hash.slice(0, 1)}`).join(' '),
    root.dependencies.map(({ hash }) => hash.slice(0, 1)).join(' '),
  ]);
}

test('parseLockfile reads version 1: hashes only as keys', () => {
  const nodes = {
    [hashOf('a')]: { top: { ...facts, dependencies: { leaf: { hash: hashOf('b'), type: ['link'] } } } },
    [hashOf('b')]: { leaf: facts },
  };
  assert.deepEqual(summary(lock(1, [hashOf('a')], nodes)), [['top', 1, 'top/a leaf/b', 'b']]);
});

test('parseLockfile reads versions 2 and 3: build hashes as keys, the node tells its own', () => {
  const edge = { build_hash: hashOf('y'), type: ['build'] };
  const v2 = {
    [hashOf('x')]: {
      top: { ...facts, dependencies: { leaf: edge }, hash: hashOf('a'), build_hash: hashOf('x') },
    },
    [hashOf('y')]: { leaf: { ...facts, hash: hashOf('b'), build_hash: hashOf('y') } },
  };
  assert.deepEqual(summary(lock(2, [hashOf('x')], v2)), [['top', 1, 'top/a leaf/b', 'b']]);
  const v3 = {
    [hashOf('x')]: { name: 'top', ...facts, dependencies: [{ name: 'leaf', ...edge }], hash: hashOf('a') },
    [hashOf('y')]: { name: 'leaf', ...facts, hash: hashOf('b') },
  };
  assert.deepEqual(summary(lock(3, [hashOf('x')], v3)), [['top', 2, 'top/a leaf/b', 'b']]);
});

test('parseLockfile reads versions 4, 5 and 6: dag hashes as keys', () => {
  const v4 = {
    [hashOf('a')]: {
      name: 'top',
      ...facts,
      dependencies: [{ name: 'leaf', hash: hashOf('b'), type: ['run'] }],
      hash: hashOf('a'),
    },
    [hashOf('b')]: { name: 'leaf', ...facts, hash: hashOf('b') },
  };
  assert.deepEqual(summary(lock(4, [hashOf('a')], v4)), [['top', 3, 'top/a leaf/b', 'b']]);
  const v5 = { [hashOf('a')]: node4('top', 'a', [link('leaf', 'b')]), [hashOf('b')]: node4('leaf', 'b') };
  assert.deepEqual(summary(lock(5, [hashOf('a'), hashOf('b'), hashOf('a')], v5)), [
    ['top', 4, 'top/a leaf/b', 'b'],
    ['leaf', 4, 'leaf/b', ''],
  ]);
  const v6 = { [hashOf('a')]: node5('top', 'a', [link('leaf', 'b')]), [hashOf('b')]: node5('leaf', 'b') };
  assert.deepEqual(summary(lock(6, [hashOf('a')], v6)), [['top', 5, 'top/a leaf/b', 'b']]);
});

test('parseLockfile reads what an environment includes, and what that includes', () => {
  const inner = {
    roots: [{ hash: hashOf('c'), spec: 'c' }],
    concrete_specs: { [hashOf('c')]: node5('deep', 'c') },
  };
  const outer = {
    roots: [{ hash: hashOf('b'), spec: 'b' }],
    concrete_specs: {
      [hashOf('b')]: node5('other', 'b', [link('top', 'a')]),
      [hashOf('a')]: node5('top', 'a'),
    },
    include_concrete: { '/inner': inner },
  };
  const bytes = lock(
    6,
    [hashOf('a')],
    { [hashOf('a')]: node5('top', 'a') },
    { include_concrete: { '/outer': outer } },
  );
  assert.deepEqual(
    parseLockfile(bytes, 'x').roots.map(({ root }) => root.name),
    ['top', 'other', 'deep'],
  );
});

test('parseLockfile refuses what it cannot use', () => {
  const cases: [Uint8Array, string, RegExp][] = [
    [lock(7, [], {}), 'specfile-version-unsupported', /lockfile version is 7/],
    [lock(0, [], {}), 'specfile-version-unsupported', /lockfile version is 0/],
    [lock(5, [hashOf('a')], {}), 'metadata-invalid', /"roots\[0\]\.hash"/],
    [
      lock(5, [hashOf('a')], { [hashOf('a')]: node4('x', 'a', [link('y', 'b')]) }),
      'metadata-invalid',
      /"y\/bbb/,
    ],
    [lock(1, [], { short: { x: facts } }), 'metadata-invalid', /"short"/],
    [encodeUtf8('{}'), 'metadata-invalid', /"_meta" is missing/],
    [encodeUtf8('roots:'), 'metadata-syntax', /not JSON/],
  ];
  for (const [bytes, code, message] of cases) {
    assert.throws(() => parseLockfile(bytes, 'spack.lock'), { name: 'MetadataError', code, message });
  }
});

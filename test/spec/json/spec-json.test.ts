import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { parseNode, parseSpecDictionary, specFromRecords } from '../../../src/spec/json/spec-json.js';
import type { DagHash, JsonObject, JsonValue, SpecNode } from '../../../src/spec/spec.js';
import {
  ARCH,
  dictionary,
  edge,
  FIXTURES,
  FIXTURES_V2V3,
  GCC,
  hashOf,
  link,
  listFiles,
  needsFixtures,
  node4,
  node5,
  readRecords,
  readSpecs,
  spec4,
  spec5,
} from '../spec-samples.js';

const facts = {
  version: '1.0',
  arch: ARCH,
  compiler: GCC,
  namespace: 'samples',
  parameters: { shared: true },
};

function namesOf(spec: { nodes: ReadonlyMap<DagHash, SpecNode> }): string[] {
  return [...spec.nodes.values()].map((node) => node.name);
}

test('parseSpecDictionary reads version 1: a list of objects with one key, linked by name', () => {
  const top = {
    ...facts,
    dependencies: { leaf: { full_hash: hashOf('x'), type: ['build', 'link'] } },
    hash: hashOf('a'),
  };
  const spec = parseSpecDictionary(dictionary(1, [{ top }, { leaf: { ...facts, hash: hashOf('b') } }]), 'v1');
  assert.equal(spec.root.name, 'top');
  assert.deepEqual(spec.root.dependencies, [
    { name: 'leaf', hash: hashOf('b'), types: ['build', 'link'], virtuals: [], direct: false },
  ]);
  assert.deepEqual(spec.root.compiler, GCC);
  assert.deepEqual(spec.root.raw, { top });
  assert.equal(spec.root.formatVersion, 1);
  assert.deepEqual(namesOf(spec), ['top', 'leaf']);
});

test('parseSpecDictionary reads version 2: edges by build hash, nodes by their own hash', () => {
  const top = {
    name: 'top',
    ...facts,
    dependencies: [
      { name: 'leaf', build_hash: hashOf('y'), type: ['link'] },
      { name: 'tool', build_hash: hashOf('z'), type: ['build'] },
    ],
    hash: hashOf('a'),
    full_hash: hashOf('f'),
    build_hash: hashOf('x'),
    build_spec: { name: 'old', build_hash: hashOf('w') },
  };
  const others = [
    { name: 'leaf', ...facts, hash: hashOf('b'), build_hash: hashOf('y') },
    { name: 'tool', ...facts, hash: hashOf('c'), build_hash: hashOf('z') },
    { name: 'old', ...facts, hash: hashOf('d'), build_hash: hashOf('w') },
  ];
  const spec = parseSpecDictionary(dictionary(2, [top, ...others]), 'v2');
  assert.equal(spec.root.hash, hashOf('a'));
  assert.deepEqual(
    spec.root.dependencies.map(({ hash }) => hash),
    [hashOf('b'), hashOf('c')],
  );
  assert.equal(spec.root.buildSpec, hashOf('d'));
  assert.deepEqual(namesOf(spec), ['top', 'leaf', 'tool', 'old']);
  assert.equal(spec.nodes.get(spec.root.hash), spec.root);
});

test('parseSpecDictionary keeps the first of version 2 nodes that share the hash without build dependencies', () => {
  const top = {
    name: 'top',
    ...facts,
    dependencies: [
      { name: 'leaf', build_hash: hashOf('y'), type: ['link'] },
      { name: 'mid', build_hash: hashOf('z'), type: ['link'] },
    ],
    hash: hashOf('a'),
    build_hash: hashOf('x'),
  };
  const mid = {
    name: 'mid',
    ...facts,
    dependencies: [{ name: 'leaf', build_hash: hashOf('w'), type: ['link'] }],
    hash: hashOf('c'),
    build_hash: hashOf('z'),
  };
  const leaves = ['y', 'w'].map((key) => ({
    name: 'leaf',
    ...facts,
    hash: hashOf('b'),
    build_hash: hashOf(key),
  }));
  const spec = parseSpecDictionary(dictionary(2, [top, mid, ...leaves]), 'v2');
  assert.equal(spec.nodes.size, 3);
  assert.equal(spec.nodes.get(hashOf('b') as DagHash)?.raw.build_hash, hashOf('y'));
});

test('parseSpecDictionary reads version 3: a list of edges with "hash" and "type"', () => {
  const top = {
    name: 'top',
    ...facts,
    dependencies: [{ name: 'leaf', hash: hashOf('b'), type: ['run'] }],
    hash: hashOf('a'),
  };
  const spec = parseSpecDictionary(dictionary(3, [top, { name: 'leaf', ...facts, hash: hashOf('b') }]), 'v3');
  assert.deepEqual(spec.root.dependencies[0]?.types, ['run']);
  assert.deepEqual(spec.root.raw, top);
});

test('parseSpecDictionary reads version 5: virtuals, direct edges, two edges of one name, annotated compilers', () => {
  const top = node5('top', 'a', [
    { name: 'gcc', hash: 'g', types: ['build'], virtuals: ['c', 'cxx'] },
    edge('leaf', 'b', 'link'),
    edge('leaf', 'c', 'build'),
  ]);
  const [first, ...rest] = top.dependencies as JsonObject[];
  const direct = { ...first, parameters: { deptypes: ['build'], virtuals: ['c', 'cxx'], direct: true } };
  const old = node5('leaf', 'b', [], {
    annotations: { original_specfile_version: 4, compiler: 'gcc@=11.4.0' },
  });
  const gcc = node5('gcc', 'g', [], { external: { path: '/usr', module: null, extra_attributes: {} } });
  const spec = spec5({ ...top, dependencies: [direct, ...rest] as JsonValue }, gcc, old, node5('leaf', 'c'));
  assert.deepEqual(
    spec.root.dependencies.map(({ name, virtuals, direct }) => [name, virtuals, direct]),
    [
      ['gcc', ['c', 'cxx'], true],
      ['leaf', [], false],
      ['leaf', [], false],
    ],
  );
  assert.deepEqual(spec.nodes.get(hashOf('b') as DagHash)?.compiler, { name: 'gcc', version: '11.4.0' });
  assert.equal(spec.root.compiler, undefined);
  assert.deepEqual(spec.nodes.get(hashOf('g') as DagHash)?.external, { path: '/usr', module: null });
});

test('parseNode reads targets with a name, lists of versions, modules and empty externals', () => {
  const target = {
    name: 'zen2',
    vendor: 'AuthenticAMD',
    features: ['avx2'],
    generation: 0,
    parents: ['zen'],
  };
  const parse = (more: JsonObject): SpecNode => parseNode({ ...node4('x', 'a'), ...more }, 4);
  assert.equal(parse({ arch: { ...ARCH, target } }).arch.target, 'zen2');
  assert.equal(parse({ versions: ['=1.5'] }).version, '1.5');
  assert.equal(parse({ versions: [':'] }).version, '');
  assert.equal(parse({ versions: ['1.2', '1.4:'] }).version, '1.2,1.4:');
  assert.deepEqual(parse({ external: { path: null, module: ['gcc/12'] } }).external, {
    path: undefined,
    module: ['gcc/12'],
  });
  assert.equal(parse({ external: { path: null, module: false } }).external, undefined);
  assert.equal(parse({ external: null }).external, undefined);
});

test('parseNode takes the hash of a lockfile key where a node has none', () => {
  const { hash: _, ...body } = node4('x', 'a');
  assert.throws(() => parseNode(body, 4, { source: 'lock', path: 'x' }), {
    code: 'metadata-invalid',
    message: /"x\.hash" is missing/,
  });
  const node = parseNode(body, 4, { hash: hashOf('b') });
  assert.equal(node.hash, hashOf('b'));
  assert.equal(node.raw.hash, hashOf('b'));
});

test('parseSpecDictionary appends what a splice was built from, with what is below it', () => {
  const top = node4('top', 'a', [link('leaf', 'b')], { build_spec: { name: 'top', hash: hashOf('c') } });
  const spec = spec4(top, node4('leaf', 'b'), node4('top', 'c', [link('leaf', 'd')]), node4('leaf', 'd'));
  assert.equal(spec.root.buildSpec, hashOf('c'));
  assert.deepEqual([...spec.nodes.keys()], ['a', 'b', 'c', 'd'].map(hashOf));
  const nodes = [...spec.nodes.values()];
  const lookup = (hash: DagHash): SpecNode | undefined => nodes.find((node) => node.hash === hash);
  assert.deepEqual(specFromRecords(spec.root.hash, lookup), spec);
});

test('specFromRecords refuses missing nodes and cycles', () => {
  const records = new Map(
    [
      node4('top', 'a', [link('mid', 'b')]),
      node4('mid', 'b', [link('low', 'c')]),
      node4('low', 'c', [link('mid', 'b')]),
    ].map((json) => [json.hash as DagHash, parseNode(json, 4)]),
  );
  const lookup = (hash: DagHash): SpecNode | undefined => records.get(hash);
  assert.throws(() => specFromRecords(hashOf('a') as DagHash, lookup, 'db'), {
    code: 'metadata-invalid',
    message: /"mid" depends on itself/,
  });
  records.delete(hashOf('c') as DagHash);
  assert.throws(() => specFromRecords(hashOf('a') as DagHash, lookup, 'db'), {
    code: 'metadata-invalid',
    message: /"low\/cccc/,
  });
  assert.throws(() => specFromRecords(hashOf('z') as DagHash, lookup), { code: 'metadata-invalid' });
});

test('every spec and every record of the fixtures is read, and linked completely', needsFixtures, () => {
  const roots = [`${FIXTURES}/specs`, `${FIXTURES_V2V3}/specs`, `${FIXTURES_V2V3}/specs-v5`];
  let specs = 0;
  for (const root of roots) {
    for (const [name, spec] of readSpecs(root)) {
      specs++;
      assert.equal(name, `${spec.root.name}-${spec.root.version}-${spec.root.hash}.spec.json`);
      for (const node of spec.nodes.values())
        for (const { hash } of node.dependencies) assert.ok(spec.nodes.has(hash));
    }
  }
  assert.equal(specs, 30);
  const isIndex = (file: string): boolean =>
    /(?:index|index-v[78]|db-index)\.json$/.test(path.basename(file));
  const files = [FIXTURES ?? '', FIXTURES_V2V3 ?? ''].flatMap((root) =>
    ['stores', 'golden', 'caches'].flatMap((part) => listFiles(path.join(root, part))),
  );
  let records = 0;
  for (const file of files
    .filter(isIndex)
    .filter((file) => !file.includes('_pgp') && !file.includes('v3/'))) {
    const version = /index-v8|layout3|oci3/.test(file) ? 5 : 4;
    const nodes = new Map(readRecords(file).map(([hash, json]) => [hash, parseNode(json, version)]));
    for (const [hash, node] of nodes) {
      records++;
      assert.equal(node.hash, hash);
      assert.equal(specFromRecords(node.hash, (wanted) => nodes.get(wanted)).root, node);
    }
  }
  assert.ok(records > 200, `${records} records`);
});

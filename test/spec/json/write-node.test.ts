import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseNode, parseSpecDictionary } from '../../../src/spec/json/spec-json.js';
import { writeNode } from '../../../src/spec/json/write-node.js';
import type { DagHash, JsonObject } from '../../../src/spec/spec.js';
import {
  ARCH,
  dictionary,
  edge,
  FIXTURES_V2V3,
  GCC,
  hashOf,
  needsFixtures,
  node4,
  node5,
  readJson,
  readRecords,
  spec5,
} from '../spec-samples.js';

test('writeNode passes a node of the wanted format through', () => {
  const json = { ...node4('x', 'a'), unknown: [1] };
  assert.equal(writeNode(parseNode(json, 4), 4), json);
});

test('writeNode makes of older nodes what Spack 1.1 makes of them', needsFixtures, () => {
  const newer = new Map(readRecords(`${FIXTURES_V2V3}/stores/a/index-v8.json`));
  const older = readRecords(`${FIXTURES_V2V3}/stores/a/index-v7.json`);
  assert.equal(older.length, 11);
  for (const [hash, json] of older) {
    const written = writeNode(parseNode(json, 4), 5);
    assert.deepEqual(written, newer.get(hash));
    assert.deepEqual(Object.keys(written), Object.keys(newer.get(hash) ?? {}));
    assert.deepEqual(writeNode(parseNode(written, 5), 4), json);
  }
});

test('writeNode gives the nodes of specs-v5 out of those of specs', needsFixtures, () => {
  const name = 'toolgamma-2.1-p44kte6c76fsdhtkrps6qwouhqwa22eb.spec.json';
  const old = parseSpecDictionary(readJson(`${FIXTURES_V2V3}/specs/${name}`), name);
  const { nodes } = readJson(`${FIXTURES_V2V3}/specs-v5/${name}`).spec as { nodes: { hash: DagHash }[] };
  assert.ok(nodes.length > 3);
  for (const json of nodes) {
    const node = old.nodes.get(json.hash);
    assert.ok(node);
    assert.deepEqual(writeNode(node, 5), json);
  }
});

test('writeNode brings versions 1, 2 and 3 to the newer forms', () => {
  const body = {
    version: '1',
    arch: ARCH,
    compiler: GCC,
    namespace: 'n',
    parameters: { shared: true },
    package_hash: 'p',
  };
  const more = { external: { path: '/x', module: false }, patches: ['p1'] };
  const expected = (deps: JsonObject): JsonObject => ({
    name: 'x',
    version: '1',
    arch: ARCH,
    compiler: GCC,
    namespace: 'n',
    parameters: { shared: true },
    external: { path: '/x', module: null, extra_attributes: {} },
    patches: ['p1'],
    package_hash: 'p',
    dependencies: [{ name: 'y', hash: hashOf('b'), ...deps }],
    hash: hashOf('a'),
  });
  const v1 = {
    x: {
      ...body,
      ...more,
      dependencies: { y: { hash: hashOf('q'), type: ['build', 'link'] } },
      hash: hashOf('a'),
    },
  };
  const v2 = {
    name: 'x',
    ...body,
    ...more,
    dependencies: [{ name: 'y', full_hash: hashOf('q'), type: ['build', 'link'] }],
    hash: hashOf('a'),
    full_hash: hashOf('r'),
    build_hash: hashOf('s'),
  };
  const v3 = {
    name: 'x',
    ...body,
    ...more,
    dependencies: [{ name: 'y', hash: hashOf('b'), type: ['build', 'link'] }],
    hash: hashOf('a'),
  };
  const leaf = { ...body, hash: hashOf('b'), full_hash: hashOf('q') };
  const specs = [
    parseSpecDictionary(dictionary(1, [v1, { y: leaf }]), '1'),
    parseSpecDictionary(dictionary(2, [v2, { name: 'y', ...leaf }]), '2'),
    parseSpecDictionary(dictionary(3, [v3, { name: 'y', ...leaf }]), '3'),
  ];
  specs.forEach(({ root }, i) => {
    assert.deepEqual(
      writeNode(root, 4),
      expected({ parameters: { deptypes: ['build', 'link'], virtuals: [] } }),
    );
    const { compiler: _, ...rest } = expected({ parameters: { deptypes: ['build', 'link'], virtuals: [] } });
    const annotations = { original_specfile_version: i + 1, compiler: 'gcc@=12.2.0' };
    assert.deepEqual(writeNode(root, 5), { ...rest, annotations });
    const { external: _external, ...v3Rest } = writeNode(root, 3);
    const { external: _expected, ...expectedRest } = expected({ type: ['build', 'link'] });
    assert.deepEqual(v3Rest, expectedRest);
    if (i > 0) assert.deepEqual(Object.keys(writeNode(root, 1)), ['x']);
    assert.equal(parseNode(writeNode(root, 1), 1).hash, root.hash);
  });
});

test('writeNode keeps build specs, direct edges and a compiler that only annotations name', () => {
  const annotations = { original_specfile_version: 4, compiler: 'gcc@=12.2.0' };
  const top = node5('x', 'a', [edge('y', 'b', 'build')], {
    build_spec: { name: 'x', hash: hashOf('c') },
    annotations,
  });
  const { root } = spec5(top, node5('y', 'b'), node5('x', 'c'));
  assert.deepEqual(writeNode(root, 4).compiler, GCC);
  assert.deepEqual(writeNode(root, 4).build_spec, { name: 'x', hash: hashOf('c') });
  assert.equal('annotations' in writeNode(root, 4), false);
  const direct = {
    ...root,
    formatVersion: 4,
    dependencies: root.dependencies.map((e) => ({ ...e, direct: true })),
  };
  assert.deepEqual(writeNode(direct, 5).dependencies, [
    { name: 'y', hash: hashOf('b'), parameters: { deptypes: ['build'], virtuals: [], direct: true } },
  ]);
});

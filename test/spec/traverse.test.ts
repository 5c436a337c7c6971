import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  allNodes,
  childrenOf,
  hashToPrefixOrder,
  installOrder,
  nodeOf,
  subSpec,
} from '../../src/spec/traverse.js';
import { edge, hashOf, link, node4, node5, spec4, spec5 } from './spec-samples.js';

const names = (nodes: readonly { name: string }[]): string => nodes.map(({ name }) => name).join(' ');

/** Edges stand out of order on purpose: names decide. */
const spec = spec4(
  node4('top', 'a', [
    edge('zrun', 'g', 'run'),
    link('mid', 'c'),
    edge('tool', 'b', 'build'),
    edge('early', 'f', 'link', 'run'),
  ]),
  node4('tool', 'b', [link('low', 'd')]),
  node4('mid', 'c', [edge('shell', 'e', 'run'), link('low', 'd'), link('outside', 'h')]),
  node4('low', 'd'),
  node4('shell', 'e'),
  node4('early', 'f', [link('mid', 'c')]),
  node4('zrun', 'g', [link('low', 'd'), edge('tested', 'i', 'test')]),
  node4('outside', 'h', [link('inner', 'j')], { external: { path: '/usr', module: null } }),
  node4('tested', 'i'),
  node4('inner', 'j'),
);

test('installOrder is the postorder over link and run edges by name', () => {
  assert.equal(names(installOrder(spec)), 'low inner outside shell mid early zrun top');
});

test('hashToPrefixOrder is the preorder over link edges, then direct run dependencies, without externals', () => {
  assert.equal(names(hashToPrefixOrder(spec)), 'top early mid low inner zrun');
  assert.equal(
    names(
      hashToPrefixOrder(
        subSpec(spec, nodeOf(spec, spec.root.dependencies[1] ?? { name: '', hash: spec.root.hash })),
      ),
    ),
    'mid low inner shell',
  );
});

test('hashToPrefixOrder goes breadth first where it is told', () => {
  assert.equal(names(hashToPrefixOrder(spec, { order: 'breadth-first' })), 'top early mid low inner zrun');
  const deep = spec4(
    node4('top', 'a', [link('one', 'b'), link('two', 'c')]),
    node4('one', 'b', [link('leaf', 'd')]),
    node4('two', 'c', [link('leaf', 'd'), link('last', 'e')]),
    node4('leaf', 'd'),
    node4('last', 'e'),
  );
  assert.equal(names(hashToPrefixOrder(deep)), 'top one leaf two last');
  assert.equal(names(hashToPrefixOrder(deep, { order: 'breadth-first' })), 'top one two leaf last');
});

test('allNodes is the preorder over build, link and run edges; test edges lead nowhere', () => {
  assert.equal(names(allNodes(spec)), 'top early mid low outside inner shell tool zrun');
});

test('childrenOf gives a node once, and several nodes of one name in the order of the edges', () => {
  const graph = spec5(
    node5('top', 'a', [link('leaf', 'c'), edge('leaf', 'b', 'build', 'run'), edge('leaf', 'c', 'run')]),
    node5('leaf', 'b'),
    node5('leaf', 'c'),
  );
  assert.deepEqual(
    childrenOf(graph, graph.root, ['link', 'run']).map(({ hash }) => hash),
    [hashOf('c'), hashOf('b')],
  );
});

test('a walk over a spec that lacks a node is a MetadataError', () => {
  const broken = { root: spec.root, nodes: new Map([[spec.root.hash, spec.root]]) };
  for (const order of [installOrder, hashToPrefixOrder, allNodes]) {
    assert.throws(() => order(broken), { name: 'MetadataError', code: 'metadata-invalid' });
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { topologicalEdges, topologicalNodes } from '../../src/spec/topological-order.js';
import { subSpec } from '../../src/spec/traverse.js';
import { buildSpec, hashOf } from '../store/spec-builder.js';

/** `top` reaches `low` directly and through two others. */
const SPEC = buildSpec({
  top: { dependencies: ['a', 'b', 'low'] },
  a: { dependencies: ['mid'] },
  b: { dependencies: ['low'] },
  mid: { dependencies: ['low'] },
  low: {},
});

function at(name: string) {
  const root = [...SPEC.nodes.values()].find((node) => node.hash === hashOf(name));
  assert.ok(root);
  return subSpec(SPEC, root);
}

const names = (...given: Parameters<typeof topologicalNodes>) =>
  topologicalNodes(...given).map(({ name }) => name);

test('topologicalNodes goes depth first as Spack before 1.0, breadth first as Spack 1.x', () => {
  assert.deepEqual(names([SPEC], 'depth-first'), ['top', 'b', 'a', 'mid', 'low']);
  assert.deepEqual(names([SPEC], 'breadth-first'), ['top', 'a', 'b', 'mid', 'low']);
});

test('topologicalNodes of several roots has each node once, dependents first', () => {
  for (const order of ['depth-first', 'breadth-first'] as const) {
    const found = names([at('b'), SPEC, at('mid')], order);
    assert.deepEqual([...found].sort(), ['a', 'b', 'low', 'mid', 'top']);
    assert.equal(found[0], 'top');
    assert.equal(found.at(-1), 'low');
  }
});

test('topologicalEdges has the edges into a node before those out of it', () => {
  for (const order of ['depth-first', 'breadth-first'] as const) {
    const edges = topologicalEdges([SPEC, at('b')], order);
    assert.equal(edges.length, 2 + 6);
    for (const [i, { child }] of edges.entries()) {
      const earlier = edges.slice(0, i).filter(({ parent }) => parent === child);
      assert.deepEqual(earlier, [], `${order}: ${child.name}`);
    }
  }
});

test('topologicalNodes walks long chains', () => {
  // Hashes have no digits below 2, and those of tests end in "a".
  const nameOf = (i: number) => `p${i.toString(6).replace(/\d/g, (digit) => 'bcdefg'[Number(digit)] ?? '')}`;
  const chain = Object.fromEntries(
    Array.from({ length: 5000 }, (_, i) => [nameOf(i), i === 4999 ? {} : { dependencies: [nameOf(i + 1)] }]),
  );
  const spec = buildSpec(chain);
  for (const order of ['depth-first', 'breadth-first'] as const)
    assert.equal(topologicalNodes([spec], order).length, 5000);
});

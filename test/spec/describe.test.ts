import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeNode } from '../../src/spec/describe.js';
import { satisfies } from '../../src/spec/query/constraint.js';
import { parseConstraint } from '../../src/spec/query/spec-syntax.js';
import { edge, node4, node5, spec4, spec5 } from './spec-samples.js';

test('describeNode prints a line that is a spec itself', () => {
  const spec = spec4(
    node4('tool', 'a', [], { version: '2.1', parameters: { shared: true, static: false, mode: ['x', 'y'] } }),
  );
  assert.equal(describeNode(spec.root), 'tool@2.1/aaaaaaa %gcc@12.2.0 arch=linux-debian12-x86_64');
  const all = describeNode(spec.root, { variants: true, hashLength: 32 });
  assert.equal(
    all,
    `tool@2.1/${'a'.repeat(32)} %gcc@12.2.0 +shared~static build_system=generic mode=x,y arch=linux-debian12-x86_64`,
  );
  for (const text of [describeNode(spec.root), all])
    assert.equal(satisfies(spec.root, spec, parseConstraint(text)), true);
});

test('describeNode names the compiler of format 5 as far as it is known', () => {
  const top = node5('top', 'a', [
    { name: 'gcc', hash: 'g', types: ['build'], virtuals: ['c'] },
    edge('data', 'd', 'run'),
  ]);
  const spec = spec5(top, node5('gcc', 'g', [], { version: '13.1' }), node5('data', 'd'));
  assert.match(describeNode(spec.root), /^top@1\.0\/aaaaaaa %gcc arch/);
  assert.match(describeNode(spec.root, { graph: spec }), / %gcc@13\.1 arch/);
  assert.match(describeNode([...spec.nodes.values()].at(-1) ?? spec.root), /^data@1\.0\/ddddddd arch/);
});

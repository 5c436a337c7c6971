import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { UsageError } from '../../../src/core/errors.js';
import { parseSpecDictionary } from '../../../src/spec/json/spec-json.js';
import { satisfies } from '../../../src/spec/query/constraint.js';
import { parseConstraint } from '../../../src/spec/query/spec-syntax.js';
import { allNodes, installOrder } from '../../../src/spec/traverse.js';
import { edge, node4, node5, spec4, spec5 } from '../spec-samples.js';
import { vectors } from '../spec-vectors.js';

/** Where we differ on purpose: several `%` are fine since Spack 1.0, and a range in which nothing lies is an error. */
const OTHERWISE: ReadonlyMap<string, boolean | null> = new Map([
  ['%gcc%clang', false],
  ['vectop@2.1:2.0', null],
]);

function answer(spec: ReturnType<typeof parseSpecDictionary>, text: string): boolean | null {
  try {
    return satisfies(spec.root, spec, parseConstraint(text));
  } catch (error) {
    assert.ok(error instanceof UsageError && error.code === 'spec-syntax', String(error));
    return null;
  }
}

test('satisfies decides as the reference does', () => {
  const spec = parseSpecDictionary(vectors.specfile, 'vectors');
  const entries = Object.entries(vectors.constraints);
  assert.ok(entries.length > 160, `${entries.length} constraints`);
  for (const [text, expected] of entries) {
    assert.equal(answer(spec, text), OTHERWISE.has(text) ? OTHERWISE.get(text) : expected, text);
  }
});

test('the walks meet the nodes in the order of the reference', () => {
  const spec = parseSpecDictionary(vectors.specfile, 'vectors');
  assert.deepEqual(
    installOrder(spec).map(({ name }) => name),
    vectors.installOrder,
  );
  assert.deepEqual(
    allNodes(spec).map(({ name }) => name),
    vectors.allNodes,
  );
});

test('a compiler of format 5 is the provider of c, cxx or fortran, or any other direct dependency', () => {
  const top = node5('top', 'a', [
    { name: 'gcc', hash: 'g', types: ['build'], virtuals: ['c', 'cxx'] },
    edge('cmake', 'b', 'build'),
    edge('mid', 'c', 'link'),
  ]);
  const mid = node5('mid', 'c', [edge('deep', 'd', 'build')]);
  const spec = spec5(
    top,
    node5('gcc', 'g', [], { version: '13.1' }),
    node5('cmake', 'b'),
    mid,
    node5('deep', 'd'),
  );
  const expected: [string, boolean][] = [
    ['%gcc', true],
    ['%gcc@13', true],
    ['%gcc@12', false],
    ['%cmake@1.0', true],
    ['%gcc %cmake', true],
    ['%deep', false],
    // Since Spack 1.0 what a dependency was built with does not count.
    ['^deep', false],
    ['%%gcc', true],
    ['%c=gcc', true],
    ['%c,cxx=gcc', true],
    ['%fortran=gcc', false],
    ['%[deptypes=build] gcc', true],
    ['%[deptypes=link] gcc', false],
    ['%[virtuals=c,cxx] gcc@13', true],
    ['%[when=+nothere] gcc@12', true],
    ['%clang', false],
    ['^c', true],
    ['^c@1', false],
    ['^[virtuals=c] gcc', true],
    ['^[virtuals=c,cxx] gcc', true],
    ['^[virtuals=fortran] gcc', false],
  ];
  for (const [text, wanted] of expected) assert.equal(answer(spec, text), wanted, text);
});

test('a graph that lacks nodes fits nothing that is asked of them', () => {
  const { root } = spec5(
    node5('top', 'a', [{ name: 'gcc', hash: 'g', types: ['build'], virtuals: ['c'] }]),
    node5('gcc', 'g'),
  );
  assert.equal(satisfies(root, undefined, parseConstraint('top@1.0')), true);
  assert.equal(satisfies(root, undefined, parseConstraint('%gcc')), false);
  assert.equal(satisfies(root, undefined, parseConstraint('^gcc')), false);
});

test('properties behind a compiler are those of a node older than Spack 1.0, and those of a compiler that is a node', () => {
  const old = spec4(node4('x', 'a', [], { parameters: { shared: true } }));
  assert.equal(answer(old, '%gcc@12 +shared'), true);
  assert.equal(answer(old, '%c=gcc'), true);
  assert.equal(answer(old, '%gcc languages=c'), false);
  const gcc = node5('gcc', 'g', [], { version: '12.2.0', parameters: { languages: ['c', 'c++'] } });
  const edges = [{ name: 'gcc', hash: 'g', types: ['build'], virtuals: ['c'] }];
  const top = spec5(node5('x', 'a', edges, { parameters: { shared: true } }), gcc);
  assert.equal(answer(top, '%gcc@12 +shared'), false);
  assert.equal(answer(top, '+shared %gcc@12 languages=c'), true);
  assert.equal(answer(top, '%gcc languages:=c'), false);
  assert.equal(answer(top, '%gcc languages:=c,c++'), true);
});

test('a target that nobody knows descends from the parents that its record names', () => {
  const target = { name: 'zen9', vendor: 'x', features: [], generation: 0, parents: ['zen4'] };
  const spec = spec5(node5('x', 'a', [], { arch: { platform: 'linux', platform_os: 'debian12', target } }));
  const expected: [string, boolean][] = [
    ['target=zen9', true],
    ['target=x86_64_v2:', true],
    ['target=zen4:', true],
    ['target=:zen4', false],
    ['target=haswell:', false],
    ['target=*', true],
  ];
  for (const [text, wanted] of expected) assert.equal(answer(spec, text), wanted, text);
});

test('variants of old files may be texts and numbers', () => {
  const spec = spec4(node4('x', 'a', [], { parameters: { shared: 'True', count: 3 } }));
  assert.equal(answer(spec, '+shared count=3'), true);
  assert.equal(answer(spec, '~shared'), false);
});

test('parseConstraint names the place of an error', () => {
  const cases: [string, number, RegExp][] = [
    ['zlib@', 5, /a version is missing after "@" at position 6/],
    ['zlib cmake', 5, /a second package begins at position 6/],
    ['zlib !', 5, /unexpected "!" at position 6/],
    ['zlib ^', 6, /a dependency is missing/],
    ['^[color=red] zlib', 2, /"color" is not a property/],
    ['^[virtuals=c zlib', 13, /a second package begins/],
    ['@3:2', 1, /"3:2" is not a version range/],
    ['x=', 2, /a value is missing/],
    ['a'.repeat(70_000), 0, /too long/],
  ];
  for (const [text, position, message] of cases) {
    assert.throws(
      () => parseConstraint(text),
      (error: UsageError) => {
        assert.equal(error.code, 'spec-syntax');
        assert.match(error.message, message);
        assert.ok(error.message.length < 400);
        return error.data.position === position;
      },
    );
  }
});

test('parseConstraint ends on any text, with a constraint or with spec-syntax', () => {
  const spec = parseSpecDictionary(vectors.specfile, 'vectors');
  const unit = fc.constantFrom(...'ab1.:,@%+~-=^/[]"\' \\*ü\n', 'git.', 'virtuals=', 'target=', 'arch=');
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 24 }), (text) => {
      answer(spec, text);
    }),
    { seed: 11, numRuns: 3000 },
  );
  assert.equal(answer(spec, `x='${"\\'".repeat(20_000)}`), null);
  assert.equal(answer(spec, `@${'1,'.repeat(20_000)}1`), false);
});

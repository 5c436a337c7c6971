import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { UsageError } from '../../src/core/errors.js';
import { formatNode } from '../../src/spec/format.js';
import { parseSpecDictionary } from '../../src/spec/json/spec-json.js';
import { edge, node4, node5, spec4, spec5 } from './spec-samples.js';
import { vectors } from './spec-vectors.js';

test('formatNode prints what the reference prints, and refuses what it refuses', () => {
  const spec = parseSpecDictionary(vectors.specfile, 'vectors');
  const entries = Object.entries(vectors.formats);
  assert.ok(entries.length > 100, `${entries.length} templates`);
  for (const [template, expected] of entries) {
    const print = (): string => formatNode(template, spec.root, spec);
    if (expected === null) assert.throws(print, { name: 'UsageError', code: 'projection' }, template);
    else assert.equal(print(), expected, template);
  }
});

test('formatNode prints the compiler of format 5: a provider of a language, an annotation, or none', () => {
  const graph = spec5(
    node5('top', 'a', [
      { name: 'llvm', hash: 'b', types: ['build'], virtuals: ['cxx'] },
      { name: 'gcc', hash: 'c', types: ['build'], virtuals: ['fortran', 'c'] },
      edge('none', 'd', 'link'),
      edge('old', 'e', 'link'),
    ]),
    node5('llvm', 'b', [], { version: '17' }),
    node5('gcc', 'c', [], { version: '13' }),
    node5('none', 'd'),
    node5('old', 'e', [], { annotations: { original_specfile_version: 4, compiler: 'gcc@=12.2.0' } }),
  );
  const print = (name: string): string =>
    formatNode(`{^${name}.compiler.name}-{^${name}.compiler.version}`, graph.root, graph);
  assert.deepEqual(['top', 'none', 'old'].map(print), ['gcc-13', 'none-none', 'gcc-12.2.0']);
  assert.throws(
    () => formatNode('{compiler}', graph.root),
    (error: UsageError) => error.code === 'projection',
  );
});

test('formatNode finds a dependency by the virtual that it provides', () => {
  const graph = spec4(
    node4('top', 'a', [{ name: 'mpich', hash: 'b', types: ['link'], virtuals: ['mpi'] }]),
    node4('mpich', 'b'),
  );
  assert.equal(formatNode('{^mpi.name}', graph.root, graph), 'mpich');
});

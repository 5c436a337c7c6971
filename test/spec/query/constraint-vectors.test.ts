// Thousands of pairs of a concrete spec and a query, as Spack 1.1 answers them (make-satisfies-vectors.py made them).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '../../../src/core/errors.js';
import { parseSpecDictionary } from '../../../src/spec/json/spec-json.js';
import { satisfies } from '../../../src/spec/query/constraint.js';
import { parseConstraint } from '../../../src/spec/query/spec-syntax.js';
import type { DagHash, JsonObject } from '../../../src/spec/spec.js';
import { readJson } from '../spec-samples.js';

interface Vectors {
  readonly queries: readonly string[];
  readonly documents: readonly (JsonObject & { readonly answers: Readonly<Record<string, string>> })[];
}

const vectors = readJson('test/spec/satisfies-vectors.json') as unknown as Vectors;

/** Spack 1.1 takes one of several virtuals of a direct dependency for all of them; its documentation does not, and neither do we. */
const SEVERAL_VIRTUALS = /%(?:\[virtuals=\w+\] ?\w+=|\w+,\w+=|\[virtuals=\w+,)/;

function answer(graph: ReturnType<typeof parseSpecDictionary>, hash: string, text: string): string {
  const node = graph.nodes.get(hash as DagHash);
  assert.ok(node);
  try {
    return satisfies(node, graph, parseConstraint(text)) ? '1' : '0';
  } catch (error) {
    assert.ok(error instanceof UsageError && error.code === 'spec-syntax', String(error));
    return '-';
  }
}

test('satisfies decides as Spack 1.1 does', () => {
  let pairs = 0;
  const differing: string[] = [];
  for (const document of vectors.documents) {
    const graph = parseSpecDictionary(document, 'vectors');
    for (const [hash, answers] of Object.entries(document.answers)) {
      for (const [i, text] of vectors.queries.entries()) {
        const actual = answer(graph, hash, text);
        pairs++;
        if (actual === '0' && answers[i] === '1' && SEVERAL_VIRTUALS.test(text)) continue;
        if (actual !== answers[i])
          differing.push(`${graph.nodes.get(hash as DagHash)?.name} ${text}: ${actual}, not ${answers[i]}`);
      }
    }
  }
  assert.ok(pairs > 5000, `${pairs} pairs`);
  assert.deepEqual(differing, []);
});

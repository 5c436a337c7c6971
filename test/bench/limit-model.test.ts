// The fit of the limit model: it finds the costs that made the points, and none below zero.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fitCosts, fitLimitModel, type ModelPoint } from '../../bench/limit-model.js';
import { modelLines } from '../../bench/report/model-lines.js';
import { benchRecord, caseRecord, contenderRecord } from '../helpers/bench-record.js';

const COSTS = [5, 2, 0.1];

function point(...terms: number[]): ModelPoint {
  return { name: 'point', terms, time: terms.reduce((sum, term, i) => sum + term * (COSTS[i] ?? 0), 0) };
}

describe('fitCosts', () => {
  it('finds the costs behind exact points', () => {
    const costs = fitCosts([point(1, 1, 1), point(1, 100, 10), point(1, 10, 1000), point(1, 50, 50)]);
    for (const [i, cost] of costs.entries()) assert.ok(Math.abs(cost - (COSTS[i] ?? 0)) < 1e-3, `${costs}`);
  });

  it('gives no negative cost', () => {
    const points = [
      { name: 'a', terms: [1, 1], time: 10 },
      { name: 'b', terms: [1, 10], time: 5 },
    ];
    assert.ok(fitCosts(points).every((cost) => cost >= 0));
  });
});

describe('fitLimitModel', () => {
  it('needs more points than terms', () => {
    assert.deepEqual(fitLimitModel(benchRecord([caseRecord({ group: 'scaling' })])), []);
  });

  it('states how far each point is from the model', () => {
    const cases = [1, 2, 4, 8, 16, 32, 64].map((size) =>
      caseRecord({
        name: `over bytes: ${size}`,
        group: 'scaling',
        input: { name: 'i', packages: 1, files: 10, compressedBytes: 1e6, unpackedBytes: size * 1e6 },
        contenders: [contenderRecord('warm wasm, no worker', [20 + 2 * size])],
      }),
    );
    const [model] = fitLimitModel(benchRecord(cases));
    assert.ok(model?.distances.every(({ ratio }) => Math.abs(ratio - 1) < 0.05));
    assert.match(
      modelLines([model ?? assert.fail()])[0] ?? '',
      /^Limit model of warm wasm, no worker: .* 2\.0 ms per MB/,
    );
  });
});

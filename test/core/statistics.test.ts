// Medians, spreads and ratios of rounds.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { noiseOf, quantile, ratioOf, summarize } from '../../src/core/statistics.js';

describe('quantile', () => {
  it('takes the middle value, or lies between the two middle ones', () => {
    assert.equal(quantile([3, 1, 2], 0.5), 2);
    assert.equal(quantile([4, 1, 2, 3], 0.5), 2.5);
    assert.equal(quantile([10, 20, 30, 40, 50], 0.25), 20);
  });

  it('lies between the least and the most, and grows with the part', () => {
    const values = fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 1 });
    const part = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(values, part, part, (numbers, a, b) => {
        const [low, high] = [quantile(numbers, Math.min(a, b)), quantile(numbers, Math.max(a, b))];
        assert.ok(low >= Math.min(...numbers) - 1e-9 && high <= Math.max(...numbers) + 1e-9);
        assert.ok(low <= high + 1e-9);
      }),
      { seed: 5, numRuns: 300 },
    );
  });
});

describe('summarize', () => {
  it('states median, extremes and the distance between the quartiles', () => {
    assert.deepEqual(summarize([10, 20, 30, 40, 50]), {
      median: 30,
      spread: 20 / 30,
      least: 10,
      most: 50,
      count: 5,
    });
  });

  it('knows no summary of nothing', () => {
    assert.throws(() => summarize([]), TypeError);
  });
});

describe('ratioOf', () => {
  it('compares within rounds, so that a slow round does not count', () => {
    const ratio = ratioOf([50, 500, 50], [100, 1000, 100]);
    assert.equal(ratio?.median, 0.5);
    assert.equal(ratio?.spread, 0);
  });

  it('leaves out rounds that only one has, and is undefined without any', () => {
    assert.equal(ratioOf([50], [100, 1000])?.count, 1);
    assert.equal(ratioOf([], [100]), undefined);
    assert.equal(ratioOf([1], [0]), undefined);
  });
});

describe('noiseOf', () => {
  it('is the bias of two equal contenders, or the spread of their ratio', () => {
    assert.ok(Math.abs((noiseOf([110, 110, 110], [100, 100, 100]) ?? 0) - 0.1) < 1e-9);
    assert.ok((noiseOf([80, 100, 120], [100, 100, 100]) ?? 0) >= 0.2 - 1e-9);
    assert.equal(noiseOf([100], [100]), 0);
    assert.equal(noiseOf([], [100]), undefined);
  });
});

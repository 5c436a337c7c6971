// The limit model fitted to a machine: T = start + C·c + U·u + F·f + P·p, with C compressed and U unpacked megabytes, F files and
// P packages. Non-negative least squares over the points of the curves, weighted so that small points count as much as large ones.
import { quantile } from '../src/core/statistics.js';
import type { BenchRecord } from './record.js';
import { valuesOf } from './values.js';

export interface ModelPoint {
  readonly name: string;
  /** The quantities of the model's terms, in order. */
  readonly terms: readonly number[];
  /** Milliseconds. */
  readonly time: number;
}

export const TERMS = ['start', 'compressed MB', 'MB', 'file', 'package'] as const;

export interface LimitModel {
  readonly contender: string;
  /** Milliseconds per unit of each term, none below 0. */
  readonly costs: readonly number[];
  /** Measured over predicted, per point. */
  readonly distances: readonly { readonly name: string; readonly ratio: number }[];
}

const MODELLED = ['warm wasm, no worker', 'warm native, no worker'] as const;

/** A model per engine that has enough points. */
export function fitLimitModel(record: BenchRecord): LimitModel[] {
  return MODELLED.flatMap((contender) => {
    const points = pointsOf(record, contender);
    if (points.length <= TERMS.length) return [];
    const costs = fitCosts(points);
    const distances = points.map(({ name, terms, time }) => ({ name, ratio: time / predict(terms, costs) }));
    return [{ contender, costs, distances }];
  });
}

function pointsOf({ cases }: BenchRecord, contender: string): ModelPoint[] {
  return cases.flatMap(({ name, group, input, contenders }) => {
    const times = valuesOf(
      contenders.find((each) => each.name === contender),
      'wall',
    );
    if (group !== 'scaling' || times.length === 0) return [];
    const { compressedBytes, unpackedBytes, files, packages } = input;
    const terms = [1, compressedBytes / 1e6, unpackedBytes / 1e6, files, packages];
    return [{ name, terms, time: quantile(times, 0.5) }];
  });
}

function predict(terms: readonly number[], costs: readonly number[]): number {
  return terms.reduce((sum, term, i) => sum + term * (costs[i] ?? 0), 0);
}

const SWEEPS = 20_000;

/** Coordinate descent: each cost in turn becomes the best non-negative one, with the others fixed. */
export function fitCosts(points: readonly ModelPoint[]): number[] {
  const rows = points.map(({ terms, time }) => ({ terms: terms.map((term) => term / time), time: 1 }));
  const costs = (points[0]?.terms ?? []).map(() => 0);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    for (const index of costs.keys()) costs[index] = bestCost(rows, costs, index);
  }
  return costs;
}

function bestCost(
  rows: readonly { readonly terms: readonly number[]; readonly time: number }[],
  costs: readonly number[],
  index: number,
): number {
  let [above, below] = [0, 0];
  for (const { terms, time } of rows) {
    const term = terms[index] ?? 0;
    const rest = time - predict(terms, costs) + term * (costs[index] ?? 0);
    above += term * rest;
    below += term * term;
  }
  return below === 0 ? 0 : Math.max(0, above / below);
}

// Curves: what grows with bytes, files, prefixes, packages and workers, each varied alone.
import { availableParallelism } from 'node:os';
import type { BenchCase, Contender } from '../case.js';
import { archivePeer } from '../contenders/archive-peers.js';
import { regraftProcess } from '../contenders/regraft-process.js';
import { warmInstall } from '../contenders/warm.js';
import type { CacheRecipe } from '../inputs/package-input.js';
import { sized, smallPackages, stack } from '../inputs/recipes.js';

interface Curve {
  readonly name: string;
  readonly unit: string;
  readonly why: string;
  readonly points: readonly number[];
  readonly cacheAt: (x: number) => CacheRecipe;
}

const CURVES: readonly Curve[] = [
  {
    name: 'bytes',
    unit: 'MB',
    why: 'time should be a straight line over bytes',
    points: [16, 64, 192],
    cacheAt: (x) => one(`bytes-${x}`, { megabytes: x, files: 10, prefixes: 10 }),
  },
  {
    name: 'files',
    unit: 'files',
    why: 'the cost of a file apart from its bytes',
    points: [500, 4000, 16_000],
    cacheAt: (x) => one(`files-${x}`, { megabytes: 4, files: x, prefixes: 10 }),
  },
  {
    name: 'prefixes',
    unit: 'prefixes',
    why: 'the curve should be flat',
    points: [1, 20, 200],
    cacheAt: (x) => one(`prefixes-${x}`, { megabytes: 64, files: 10, prefixes: x }),
  },
  {
    name: 'packages',
    unit: 'packages',
    why: 'nothing may grow faster than the number of packages: the database is written for each one',
    points: [10, 100, 400],
    cacheAt: (x) => smallPackages(x),
  },
];

function one(name: string, size: Parameters<typeof sized>[1]): CacheRecipe {
  return { name, packages: [sized(name, size)] };
}

const contenders: readonly Contender[] = [
  archivePeer('tar'),
  warmInstall({ engine: 'wasm', workers: 0 }),
  warmInstall({ engine: 'native', workers: 0 }),
];

function pointOf({ name, unit, why, cacheAt }: Curve, x: number): BenchCase {
  return {
    name: `over ${name}: ${x}`,
    group: 'scaling',
    why,
    series: { name, unit, x },
    input: { type: 'cache', cache: cacheAt(x) },
    place: 'memory',
    contenders,
    baseline: 'tar xzf',
    control: 'warm wasm, no worker',
    metric: 'wall',
    roundFactor: 2,
    mostSeconds: 20,
  };
}

const workerCounts = [...new Set([0, 1, 2, 4, availableParallelism()])]
  .filter((workers) => workers <= availableParallelism())
  .sort((a, b) => a - b);

const overWorkers: readonly BenchCase[] = workerCounts.map((workers) => ({
  name: `over workers: ${workers}`,
  group: 'scaling',
  why: 'more processors should help as long as there are enough packages',
  series: { name: 'workers', unit: 'workers', x: workers },
  input: { type: 'cache', cache: stack(), queries: ['stack59'] },
  place: 'memory',
  contenders: [regraftProcess({ engine: 'wasm', workers }), regraftProcess({ engine: 'native', workers })],
  baseline: `regraft wasm, ${workers === 0 ? 'no worker' : workers === 1 ? '1 worker' : `${workers} workers`}`,
  metric: 'wall',
  mostRounds: 3,
}));

export const SCALING_CASES: readonly BenchCase[] = [
  ...CURVES.flatMap((curve) => curve.points.map((x) => pointOf(curve, x))),
  ...overWorkers,
];

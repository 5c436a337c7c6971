// The goals of the toolkit, as data, and whether a record meets them.

import { ratioOf, summarize } from '../src/core/statistics.js';
import type { BenchRecord, CaseRecord, ContenderRecord } from './record.js';
import { type Measure, valuesOf } from './values.js';

export interface Goal {
  readonly what: string;
  /** Name of the case, and of the contender in it. */
  readonly bench: string;
  readonly contender: string;
  /** What it is divided by; if absent, the value itself counts. */
  readonly against?: string;
  /** Wall, CPU, peak memory, or the name of a fact. */
  readonly measure: Measure;
  /** Divides a value that is not a ratio: packages, bytes of a megabyte. */
  readonly per?: number;
  readonly unit?: string;
  readonly limit: number;
  readonly stretch?: number;
}

export interface GoalResult {
  readonly goal: Goal;
  /** Undefined if it was not measured. */
  readonly value: number | undefined;
  readonly verdict: 'met' | 'missed' | 'not measured';
  /** Whether the stretch goal is met, too. */
  readonly reachesStretch: boolean;
}

const BIG_CASE = 'install one big package, in memory';
const STACK_CASE = 'install a stack of 60 packages';
const MB = 1e6;

const INDEX_CASE = 'index of 100,000 packages';
const PUSH_CASE = 'push a stack of 10 packages';

const INDEX_GOALS = [
  ['first use', 'first use', 'fact:ms', 'ms', 1000],
  ['a lookup', 'lookups', 'fact:µs', 'µs', 100],
  ['peak memory of the first use', 'first use', 'fact:MB', 'MB', 100],
] as const;

const PEAK_CASES = [
  ['300 MB', 'peak memory: 300 MB'],
  ['640 MB', BIG_CASE],
  ['2 GB', 'peak memory: 2 GB'],
] as const;

/** Megabytes. */
const PEAK_LIMITS = [
  ['1 worker', 120],
  ['2 workers', 200],
] as const;

/** Per engine: the goal must hold for the engine that always works, and is also shown for the fastest. */
const ENGINES = ['wasm', 'native'] as const;

function perEngine(make: (engine: 'wasm' | 'native') => Goal | readonly Goal[]): Goal[] {
  return ENGINES.flatMap((engine) => make(engine));
}

export const GOALS: readonly Goal[] = [
  ...perEngine((engine) => ({
    what: `big package, ${engine}, 1 worker: wall against tar xzf`,
    bench: BIG_CASE,
    contender: `regraft ${engine}, 1 worker`,
    against: 'tar xzf',
    measure: 'wall',
    limit: 0.5,
    stretch: 0.42,
  })),
  ...perEngine((engine) => ({
    what: `big package, ${engine}, 2 workers: wall against tar xzf`,
    bench: BIG_CASE,
    contender: `regraft ${engine}, 2 workers`,
    against: 'tar xzf',
    measure: 'wall',
    limit: 0.3,
  })),
  ...perEngine((engine) => ({
    what: `big package, ${engine}, no worker: CPU against igzip -dc | tar x`,
    bench: BIG_CASE,
    contender: `regraft ${engine}, no worker`,
    against: 'igzip -dc | tar x',
    measure: 'cpu',
    limit: 1.15,
  })),
  {
    what: 'WASM inflate: CPU against createGunzip with 1 MiB chunks',
    bench: 'inflate: machine code',
    contender: 'wasm',
    against: 'createGunzip, 1 MiB chunks',
    measure: 'cpu',
    limit: 0.9,
  },
  {
    what: 'native against WASM, big package, no worker: CPU',
    bench: BIG_CASE,
    contender: 'regraft native, no worker',
    against: 'regraft wasm, no worker',
    measure: 'cpu',
    limit: 1 / 1.2,
  },
  ...perEngine((engine) => ({
    what: `stack of 60, ${engine}, 2 workers: wall against the real Spack`,
    bench: STACK_CASE,
    contender: `regraft ${engine}, 2 workers`,
    against: 'Spack',
    measure: 'wall',
    limit: 0.1,
  })),
  ...perEngine((engine) => ({
    what: `checksum + relocation on top of extraction, ${engine}: CPU`,
    bench: `stages of ${engine}, big package`,
    contender: `warm ${engine}, no worker`,
    against: `warm ${engine}, extraction alone`,
    measure: 'cpu',
    limit: 1.15,
  })),
  ...perEngine((engine) => ({
    what: `60 prefixes against 1, ${engine}: wall`,
    bench: '60 prefixes against 1',
    contender: `regraft ${engine}, no worker, 60 prefixes`,
    against: `regraft ${engine}, no worker, 1 prefix`,
    measure: 'wall',
    limit: 1.05,
  })),
  ...perEngine((engine) => ({
    what: `streams against the core, ${engine}: CPU`,
    bench: `stages of ${engine}, big package`,
    contender: `warm ${engine}, streams in one pass`,
    against: `warm ${engine}, no worker`,
    measure: 'cpu',
    limit: 1.1,
  })),
  ...perEngine((engine) =>
    PEAK_CASES.flatMap(([size, bench]) =>
      PEAK_LIMITS.map(([workers, limit]) => ({
        what: `peak memory, ${size}, ${engine}, ${workers}`,
        bench,
        contender: `regraft ${engine}, ${workers}`,
        measure: 'peak' as const,
        per: MB,
        unit: 'MB',
        limit,
      })),
    ),
  ),
  ...perEngine((engine) => ({
    what: `small packages (100 files), warm, ${engine}: each`,
    bench: 'install 1,000 small packages, warm',
    contender: `warm ${engine}, no worker`,
    measure: 'wall',
    per: 1000,
    unit: 'ms',
    limit: 8,
  })),
  ...INDEX_GOALS.map(([what, contender, measure, unit, limit]) => ({
    what: `index of 100,000 packages: ${what}`,
    bench: INDEX_CASE,
    contender,
    measure,
    unit,
    limit,
  })),
  {
    what: 'push of the stack against the real Spack: wall',
    bench: PUSH_CASE,
    contender: 'regraft',
    against: 'Spack',
    measure: 'wall',
    limit: 0.2,
  },
  {
    what: 'push of the stack against the real Spack: size',
    bench: PUSH_CASE,
    contender: 'regraft',
    against: 'Spack',
    measure: 'fact:compressed bytes',
    limit: 1.025,
  },
];

/** Evaluates every goal. */
export function evaluateGoals(record: BenchRecord, goals: readonly Goal[] = GOALS): GoalResult[] {
  return goals.map((goal) => {
    const bench = record.cases.find(({ name }) => name === goal.bench);
    const value = bench && goalValue(goal, bench);
    if (value === undefined) return { goal, value, verdict: 'not measured', reachesStretch: false };
    return {
      goal,
      value,
      verdict: value <= goal.limit ? 'met' : 'missed',
      reachesStretch: goal.stretch !== undefined && value <= goal.stretch,
    };
  });
}

function goalValue(goal: Goal, bench: CaseRecord): number | undefined {
  const values = valuesOf(findContender(bench, goal.contender), goal.measure);
  if (values.length === 0) return undefined;
  if (goal.against === undefined) return summarize(values).median / (goal.per ?? 1);
  return ratioOf(values, valuesOf(findContender(bench, goal.against), goal.measure))?.median;
}

function findContender({ contenders }: CaseRecord, name: string): ContenderRecord | undefined {
  return contenders.find((each) => each.name === name);
}

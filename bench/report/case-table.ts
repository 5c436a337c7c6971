// A case as rows of numbers: what every form of the report shows.

import { noiseOf, ratioOf, type Summary, summarize } from '../../src/core/statistics.js';
import { limitDistances } from '../limit-parts.js';
import type { BenchRecord, CaseRecord, ContenderRecord } from '../record.js';
import { AGAIN } from '../runner.js';
import { type Measure, valuesOf } from '../values.js';

/** Above this the noise is marked on every ratio. */
export const NOISE_LIMIT = 0.05;

export interface CaseRow {
  readonly name: string;
  readonly isBaseline: boolean;
  /** Absent if it was not measured. */
  readonly wall?: Summary;
  readonly cpu?: Summary;
  readonly peak?: Summary;
  /** Against the baseline, round by round, by the metric of the case. */
  readonly ratio?: Summary;
  readonly cpuRatio?: Summary;
  /** CPU time divided by the limit of its engine: how far it is from what is possible. */
  readonly limits?: number;
  /** Medians of the contender's own numbers. */
  readonly facts: Readonly<Record<string, number>>;
  /** Why there are no numbers. */
  readonly remark?: string;
}

export interface CaseTable {
  readonly rows: readonly CaseRow[];
  /** Noise of the metric, from the control that ran twice; undefined if that failed. */
  readonly noise: number | undefined;
  readonly isNoisy: boolean;
  /** The same for CPU time, which other processes disturb less. */
  readonly cpuNoise: number | undefined;
  readonly isCpuNoisy: boolean;
}

/** @param all the record that contains the case: it has the parts of the limit */
export function caseTable(record: CaseRecord, all?: BenchRecord): CaseTable {
  const { contenders, baseline, metric } = record;
  const reference = contenders.find(({ name }) => name === baseline);
  const distances = all === undefined ? new Map<string, number>() : limitDistances(record, all);
  const rows = contenders.map((each): CaseRow => {
    const limits = distances.get(each.name);
    return { ...rowOf(each, { reference, metric }), ...(limits === undefined ? {} : { limits }) };
  });
  const [noise, cpuNoise] = [noiseIn(record, metric), noiseIn(record, 'cpu')];
  return { rows, noise, isNoisy: isNoise(noise), cpuNoise, isCpuNoisy: isNoise(cpuNoise) };
}

/** How far apart the two turns of the control were, in the rounds that count. */
export function noiseIn({ contenders, control }: CaseRecord, measure: Measure): number | undefined {
  const find = (name: string) => contenders.find((each) => each.name === name);
  return noiseOf(valuesOf(find(`${control}${AGAIN}`), measure), valuesOf(find(control), measure));
}

/** Whether each ratio must be marked. */
export function isNoise(noise: number | undefined): boolean {
  return noise !== undefined && noise > NOISE_LIMIT;
}

interface RowContext {
  readonly reference: ContenderRecord | undefined;
  readonly metric: Measure;
}

function rowOf(contender: ContenderRecord, { reference, metric }: RowContext): CaseRow {
  const measured = (measure: Measure) => {
    const values = valuesOf(contender, measure);
    return values.length === 0 ? undefined : summarize(values);
  };
  const against = (measure: Measure) => ratioOf(valuesOf(contender, measure), valuesOf(reference, measure));
  const remark = contender.problem ?? contender.missing;
  return {
    name: contender.name,
    isBaseline: contender === reference,
    ...present({ wall: measured('wall'), cpu: measured('cpu'), peak: measured('peak') }),
    ...present({ ratio: against(metric), cpuRatio: against('cpu') }),
    facts: medianFacts(contender),
    ...(remark === undefined
      ? {}
      : { remark: contender.problem === undefined ? `missing: ${remark}` : `FAILED: ${remark}` }),
  };
}

function present(summaries: Readonly<Record<string, Summary | undefined>>): Record<string, Summary> {
  return Object.fromEntries(
    Object.entries(summaries).flatMap(([name, summary]) => (summary === undefined ? [] : [[name, summary]])),
  );
}

function medianFacts(contender: ContenderRecord): Record<string, number> {
  const names = new Set((contender.facts ?? []).flatMap((facts) => Object.keys(facts)));
  return Object.fromEntries(
    [...names].map((name) => [name, summarize(valuesOf(contender, `fact:${name}`)).median]),
  );
}

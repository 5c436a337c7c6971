// How numbers are written in every form of the report.

import type { Summary } from '../../src/core/statistics.js';
import type { GoalResult } from '../goals.js';
import { MOST_APART } from '../measure/disturbance.js';
import type { BenchRecord, CaseRecord } from '../record.js';
import { caseTable, isNoise, noiseIn } from './case-table.js';

export function milliseconds(value: number): string {
  if (value >= 10_000) return `${(value / 1000).toFixed(1)} s`;
  if (value >= 1000) return `${(value / 1000).toFixed(2)} s`;
  return value >= 10 ? `${value.toFixed(0)} ms` : `${value.toFixed(2)} ms`;
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes >= 10e6 ? 0 : 1)} MB`;
}

export function percent(part: number): string {
  return `${(part * 100).toFixed(1)} %`;
}

export function ratio(value: number): string {
  return value.toFixed(value < 0.1 ? 3 : 2);
}

/** A median with the distance between its quartiles. */
export function withSpread(summary: Summary | undefined, write: (value: number) => string): string {
  if (summary === undefined) return '';
  return summary.count > 1
    ? `${write(summary.median)} ± ${percent(summary.spread / 2)}`
    : write(summary.median);
}

export function goalValue({ goal, value }: GoalResult): string {
  if (value === undefined) return '';
  return goal.unit === undefined ? ratio(value) : `${value.toFixed(value < 10 ? 2 : 0)} ${goal.unit}`;
}

export function goalLimit({ goal }: GoalResult): string {
  const write = (value: number) =>
    goal.unit === undefined ? `≤ ${Number(value.toFixed(3))}` : `≤ ${value} ${goal.unit}`;
  return goal.stretch === undefined
    ? write(goal.limit)
    : `${write(goal.limit)} (stretch ${write(goal.stretch)})`;
}

export function verdictText({ verdict, reachesStretch }: GoalResult): string {
  return reachesStretch ? 'met, stretch too' : verdict;
}

/** The mark for a number whose metric differed too much between the two turns of the control. */
export function noiseRemark({ goal }: GoalResult, { cases }: BenchRecord): string {
  const bench = cases.find(({ name }) => name === goal.bench);
  const noise = bench && noiseIn(bench, goal.measure);
  return noise !== undefined && isNoise(noise) ? ` (noise ${percent(noise)})` : '';
}

/** The rounds of a case, and which of them do not count. */
export function roundsText({ rounds, disturbedRounds = 0, countsDisturbed = false }: CaseRecord): string {
  const text = `${rounds} rounds`;
  if (disturbedRounds === 0) return text;
  return countsDisturbed
    ? `${text}, in ${disturbedRounds} of which something else used the machine`
    : `${text}; ${disturbedRounds} more do not count, since something else used the machine or the control was more than ${percent(MOST_APART)} apart`;
}

/** The control in words. */
export function controlText(record: CaseRecord): string {
  const { noise, cpuNoise } = caseTable(record);
  if (noise === undefined) return `A/A control (${record.control} twice): not measured`;
  const cpu =
    cpuNoise === undefined || record.metric === 'cpu' ? '' : `, of its CPU time ${percent(cpuNoise)}`;
  return `A/A control (${record.control} twice): ${percent(noise)}${cpu}`;
}

/** The cases that were selected but are not in the record. */
export function remainingText({ remaining = [] }: BenchRecord): string | undefined {
  return remaining.length === 0 ? undefined : `Not run: ${remaining.join('; ')}.`;
}

/** Facts about the machine, one per line. */
export function machineLines({ machine, seconds, command, date }: BenchRecord): string[] {
  const versions = Object.entries(machine.versions).map(([name, version]) => `${name}: ${version}`);
  const fileSystems = Object.entries(machine.fileSystems).map(([place, type]) => `${place}: ${type}`);
  return [
    `${date}, ${(seconds / 60).toFixed(1)} minutes of measuring`,
    `${machine.processor}, ${machine.cores} processors, ${megabytes(machine.memoryBytes)} of memory, ${machine.system}`,
    `load at the start: ${machine.load.toFixed(2)}`,
    `file systems: ${fileSystems.join(', ')}`,
    `versions: ${versions.join('; ')}`,
    `repeat with: ${command}`,
  ];
}

// How numbers are written in every form of the report.

import type { Summary } from '../../src/core/statistics.js';
import type { GoalResult } from '../goals.js';
import type { BenchRecord } from '../record.js';
import { caseTable } from './case-table.js';

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

/** What to write beside a number from a case whose control spread too far. */
export function noiseRemark({ goal }: GoalResult, { cases }: BenchRecord): string {
  const bench = cases.find(({ name }) => name === goal.bench);
  const { noise, isNoisy } = bench === undefined ? { noise: 0, isNoisy: false } : caseTable(bench);
  return isNoisy && noise !== undefined ? ` (noise ${percent(noise)})` : '';
}

/** Facts about the machine, one per line. */
export function machineLines({ machine, seconds, command, date }: BenchRecord): string[] {
  const versions = Object.entries(machine.versions).map(([name, version]) => `${name}: ${version}`);
  const fileSystems = Object.entries(machine.fileSystems).map(([place, type]) => `${place}: ${type}`);
  return [
    `${date}, ${(seconds / 60).toFixed(1)} minutes of measuring`,
    `${machine.processor}, ${machine.cores} processors, ${megabytes(machine.memoryBytes)} of memory, ${machine.system}`,
    `load at the beginning: ${machine.load.toFixed(2)}`,
    `file systems: ${fileSystems.join(', ')}`,
    `versions: ${versions.join('; ')}`,
    `repeat with: ${command}`,
  ];
}

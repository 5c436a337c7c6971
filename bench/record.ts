// The record of a run: the samples as measured, and the machine. Everything in a report is computed from it.
import { readFileSync } from 'node:fs';
import type { Group, Place, Series } from './case.js';
import type { InputFacts } from './inputs/case-input.js';
import type { MachineFacts } from './machine.js';
import type { Sample } from './measure/sample.js';

/** Raised when the meaning of a field changes. */
export const RECORD_FORMAT = 1;

export interface ContenderRecord {
  readonly name: string;
  /** One per round that counts, in order. */
  readonly samples: readonly Sample[];
  /** Samples of rounds that do not count because something else used the machine. */
  readonly disturbed?: readonly Sample[];
  readonly facts?: readonly Readonly<Record<string, number>>[];
  /** Why it did not take part. */
  readonly missing?: string;
  /** What went wrong: the run has failed. */
  readonly problem?: string;
}

export interface CaseRecord {
  readonly name: string;
  readonly group: Group;
  readonly why: string;
  readonly metric: 'wall' | 'cpu' | 'peak';
  readonly baseline: string;
  /** Name of the contender that ran twice. */
  readonly control: string;
  readonly place?: Place;
  readonly series?: Series;
  readonly input: InputFacts;
  /** Rounds that count. */
  readonly rounds: number;
  /** Rounds in which something else used the machine. */
  readonly disturbedRounds?: number;
  /** Whether these count anyway, because too few others remain. */
  readonly countsDisturbed?: boolean;
  readonly contenders: readonly ContenderRecord[];
}

export interface BenchRecord {
  readonly format: typeof RECORD_FORMAT;
  /** ISO 8601, UTC. */
  readonly date: string;
  readonly seconds: number;
  /** The command that repeats it. */
  readonly command: string;
  /** A short selection, with inputs that are too small for goals. */
  readonly isQuick: boolean;
  /** Names of cases that were selected but not run: the run was interrupted or ran out of time. */
  readonly remaining?: readonly string[];
  readonly machine: MachineFacts;
  readonly cases: readonly CaseRecord[];
}

/**
 * Reads a record.
 * @throws Error for a file that is not a record, or has another format
 */
export function readRecord(path: string): BenchRecord {
  const record = JSON.parse(readFileSync(path, 'utf8')) as BenchRecord;
  if (record.format === RECORD_FORMAT && Array.isArray(record.cases)) return record;
  throw new Error(`Cannot read "${path}": it is not a record of format ${RECORD_FORMAT}`);
}

/** Contenders with wrong results or errors. */
export function problemsOf({ cases }: BenchRecord): string[] {
  return cases.flatMap((each) =>
    each.contenders.flatMap(({ name, problem }) =>
      problem === undefined ? [] : [`${each.name}: ${name}: ${problem}`],
    ),
  );
}

/** Whether a case must be run again because a contender failed. */
export function isFailed({ contenders }: CaseRecord): boolean {
  return contenders.some(({ problem }) => problem !== undefined);
}

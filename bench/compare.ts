// Compares two records: the ratios of the contenders that both have. Two runs on one machine should agree within a tenth.
import type { BenchRecord } from './record.js';
import { caseTable } from './report/case-table.js';
import { percent, ratio } from './report/words.js';

/** Ratios that differ by more than this are listed as changes. */
export const AGREEMENT = 0.1;

export interface RatioChange {
  readonly bench: string;
  readonly contender: string;
  readonly before: number;
  readonly after: number;
  /** `after / before - 1`. */
  readonly change: number;
  readonly agrees: boolean;
  /** The control of one of the two shows that the case was noisy. */
  readonly isNoisy: boolean;
}

/** The ratios that both records have. */
export function ratioChanges(before: BenchRecord, after: BenchRecord): RatioChange[] {
  return after.cases.flatMap((bench) => {
    const old = before.cases.find(({ name }) => name === bench.name);
    if (old === undefined || old.baseline !== bench.baseline || old.metric !== bench.metric) return [];
    const [oldTable, table] = [caseTable(old), caseTable(bench)];
    const oldRows = new Map(oldTable.rows.map((row) => [row.name, row]));
    const isNoisy = oldTable.isNoisy || table.isNoisy;
    return table.rows.flatMap(({ name, isBaseline, ratio: now }) => {
      const then = oldRows.get(name)?.ratio;
      if (isBaseline || now === undefined || then === undefined) return [];
      const change = now.median / then.median - 1;
      const agrees = Math.abs(change) <= AGREEMENT;
      const [before, after] = [then.median, now.median];
      return [{ bench: bench.name, contender: name, before, after, change, agrees, isNoisy }];
    });
  });
}

/** The comparison as text, changes first. */
export function compareRecords(before: BenchRecord, after: BenchRecord): string {
  const changes = ratioChanges(before, after);
  const line = ({ bench, contender, before: then, after: now, change, isNoisy }: RatioChange) =>
    `${change > 0 ? '+' : ''}${percent(change)}  ${bench}: ${contender}: ${ratio(then)} -> ${ratio(now)}${isNoisy ? ' (noisy)' : ''}`;
  const differing = changes.filter(({ agrees }) => !agrees);
  const noisy = differing.filter(({ isNoisy }) => isNoisy).length;
  const sameMachine = before.machine.name === after.machine.name ? 'the same machine' : 'different machines';
  return [
    `${before.date} and ${after.date}, on ${sameMachine}`,
    `${changes.length} ratios in both; ${differing.length} further apart than ${percent(AGREEMENT)}, ${noisy} of them in noisy cases`,
    ...differing.sort((a, b) => Math.abs(b.change) - Math.abs(a.change)).map(line),
    ...(differing.length > 0 ? ['', 'within it:'] : []),
    ...changes.filter(({ agrees }) => agrees).map(line),
  ].join('\n');
}

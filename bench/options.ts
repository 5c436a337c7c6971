// The flags of the benchmark, and which cases they select.
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type BenchCase, GROUPS, type Group } from './case.js';

export interface BenchOptions {
  readonly isQuick: boolean;
  readonly groups: readonly Group[];
  /** Parts of names of cases; empty: all. */
  readonly only: readonly string[];
  readonly rounds: number;
  /** Where the record and the reports are written. */
  readonly outFolder: string;
  /** Where generated inputs are kept for the next run. */
  readonly inputFolder: string;
  /** Two records to compare, in place of a run. */
  readonly compare: readonly string[];
  /** A record to write reports of, in place of a run. */
  readonly report: string | undefined;
  readonly listsOnly: boolean;
}

export const USAGE = `Usage: npm run bench -- [options]
  --quick             a selection that ends within two minutes
  --group GROUP       ${GROUPS.join(', ')}; may be repeated
  --only TEXT         cases whose name contains the text; may be repeated
  --rounds N          measured rounds (default 5, with --quick 2)
  --out FOLDER        where record and reports go (default bench/record)
  --inputs FOLDER     where generated inputs are kept (default: in the folder for temporary files)
  --list              list the cases
  --report RECORD     write the reports of a record
  --compare RECORD RECORD   compare two records
SPACK_ROOT names the Spack to compare with.`;

const ROUNDS = { full: 5, quick: 2 } as const;

/** @throws TypeError for wrong flags */
export function parseOptions(args: readonly string[]): BenchOptions {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      group: { type: 'string', multiple: true, default: [] },
      only: { type: 'string', multiple: true, default: [] },
      rounds: { type: 'string' },
      out: { type: 'string', default: join('bench', 'record') },
      inputs: { type: 'string', default: join(tmpdir(), 'regraft-bench-inputs') },
      list: { type: 'boolean', default: false },
      report: { type: 'string' },
      compare: { type: 'boolean', default: false },
    },
  });
  if (values.compare !== positionals.length > 0 || (values.compare && positionals.length !== 2))
    throw new TypeError(
      values.compare ? '--compare takes two records' : `Unknown "${positionals.join(' ')}"`,
    );
  const isQuick = values.quick;
  return {
    isQuick,
    groups: values.group.map(parseGroup),
    only: values.only,
    rounds: parseRounds(values.rounds, isQuick ? ROUNDS.quick : ROUNDS.full),
    outFolder: values.out,
    inputFolder: values.inputs,
    compare: positionals,
    report: values.report,
    listsOnly: values.list,
  };
}

/** The cases that options select; `--only` finds those of the quick run and of the full run. */
export function selectCases(cases: readonly BenchCase[], options: BenchOptions): BenchCase[] {
  const { groups, only, isQuick } = options;
  return cases.filter(({ name, group, runs = 'full' }) => {
    if (groups.length > 0 && !groups.includes(group)) return false;
    if (only.length > 0) return only.some((text) => name.includes(text));
    return runs === 'both' || runs === (isQuick ? 'quick' : 'full');
  });
}

function parseGroup(text: string): Group {
  const group = GROUPS.find((each) => each === text);
  if (group === undefined) throw new TypeError(`"${text}" is no group: use ${GROUPS.join(', ')}`);
  return group;
}

function parseRounds(text: string | undefined, usual: number): number {
  if (text === undefined) return usual;
  const rounds = Number(text);
  if (Number.isInteger(rounds) && rounds >= 1 && rounds < 100) return rounds;
  throw new TypeError(`"${text}" is no number of rounds from 1 to 99`);
}

// The flags of the benchmark, and which cases they select.
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type BenchCase, GROUPS, type Group } from './case.js';

export interface BenchOptions {
  readonly isQuick: boolean;
  readonly groups: readonly Group[];
  /** Parts of names of cases; empty: all. */
  readonly only: readonly string[];
  /** Parts of names of contenders; empty: all. Baseline and control always take part. */
  readonly contenders: readonly string[];
  readonly rounds: number;
  /** Where the record and the reports are written. */
  readonly outFolder: string;
  /** Where generated inputs are kept for the next run; without it they are removed at the end. */
  readonly inputFolder: string | undefined;
  /** After this many minutes no further case is started. */
  readonly minutes: number;
  /** A record to continue: its cases are kept. */
  readonly resume: string | undefined;
  /** Two records to compare, instead of a run. */
  readonly compare: readonly string[];
  /** A record to write reports from, instead of a run. */
  readonly report: string | undefined;
  readonly listsOnly: boolean;
}

export const USAGE = `Usage: npm run bench -- [options]
  --quick             a selection that ends within two minutes
  --group GROUP       ${GROUPS.join(', ')}; may be repeated
  --case TEXT         cases whose name contains the text; may be repeated
  --contender TEXT    contenders whose name contains the text, besides baseline and control; may be repeated
  --rounds N          measured rounds (default 7, with --quick 2)
  --minutes N         after so many minutes no further case is begun (default 45)
  --resume RECORD     go on with a record: the cases that it has are not run again
  --out FOLDER        where record and reports go (default bench/record)
  --inputs FOLDER     where generated inputs are kept for the next run (default: they are removed at the end)
  --list              list the cases
  --report RECORD     write the reports of a record
  --compare RECORD RECORD   compare two records
SPACK_ROOT names the Spack to compare with.`;

const ROUNDS = { full: 7, quick: 2 } as const;
const MINUTES = 45;

/** @throws TypeError for wrong flags */
export function parseOptions(args: readonly string[]): BenchOptions {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      group: { type: 'string', multiple: true, default: [] },
      case: { type: 'string', multiple: true, default: [] },
      only: { type: 'string', multiple: true, default: [] },
      contender: { type: 'string', multiple: true, default: [] },
      rounds: { type: 'string' },
      minutes: { type: 'string' },
      resume: { type: 'string' },
      out: { type: 'string', default: join('bench', 'record') },
      inputs: { type: 'string' },
      list: { type: 'boolean', default: false },
      report: { type: 'string' },
      compare: { type: 'boolean', default: false },
    },
  });
  if (values.compare !== positionals.length > 0 || (values.compare && positionals.length !== 2))
    throw new TypeError(
      values.compare ? '--compare needs two records' : `Unknown "${positionals.join(' ')}"`,
    );
  const isQuick = values.quick;
  return {
    isQuick,
    groups: values.group.map(parseGroup),
    only: [...values.case, ...values.only],
    contenders: values.contender,
    rounds: parseNumber(values.rounds, isQuick ? ROUNDS.quick : ROUNDS.full, 'rounds'),
    minutes: parseNumber(values.minutes, MINUTES, 'minutes'),
    resume: values.resume,
    outFolder: values.out,
    inputFolder: values.inputs,
    compare: positionals,
    report: values.report,
    listsOnly: values.list,
  };
}

/** The cases that options select; `--case` searches both the quick and the full run. */
export function selectCases(cases: readonly BenchCase[], options: BenchOptions): BenchCase[] {
  const { groups, only, isQuick } = options;
  const selected = cases.filter(({ name, group, runs = 'full' }) => {
    if (groups.length > 0 && !groups.includes(group)) return false;
    if (only.length > 0) return only.some((text) => name.includes(text));
    return runs === 'both' || runs === (isQuick ? 'quick' : 'full');
  });
  return selected.map((each) => withContenders(each, options.contenders));
}

function withContenders(bench: BenchCase, wanted: readonly string[]): BenchCase {
  if (wanted.length === 0) return bench;
  const { baseline, control } = bench;
  const contenders = bench.contenders.filter(
    ({ name }) => name === baseline || name === control || wanted.some((text) => name.includes(text)),
  );
  return { ...bench, contenders };
}

function parseGroup(text: string): Group {
  const group = GROUPS.find((each) => each === text);
  if (group === undefined) throw new TypeError(`"${text}" is not a group: use ${GROUPS.join(', ')}`);
  return group;
}

function parseNumber(text: string | undefined, usual: number, what: string): number {
  if (text === undefined) return usual;
  const number = Number(text);
  if (Number.isInteger(number) && number >= 1 && number < 1000) return number;
  throw new TypeError(`"${text}" is not a number of ${what} from 1 to 999`);
}

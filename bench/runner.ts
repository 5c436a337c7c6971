// Runs a case: rounds in which every contender has one turn (A B C, A B C), after a round that warms up and looks closely at results.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { BenchCase, Contender, Missing, Outcome, Runner, Verdict } from './case.js';
import type { CaseInput } from './inputs/case-input.js';
import type { Sample } from './measure/sample.js';
import type { CaseRecord, ContenderRecord } from './record.js';

export interface RunnerOptions {
  readonly rounds: number;
  readonly input: CaseInput;
  /** Folder in the place of the case: output goes below it. */
  readonly outputFolder: string;
  readonly workFolder: string;
  /** Whether each turn's output is removed after it; else it stays until the case ends. */
  readonly removesAtOnce: boolean;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly onProgress: (message: string) => void;
  /** Called before each measured turn, for example to let the disk come to rest. */
  readonly settle?: () => void;
}

/** What is appended to the name of the contender that runs twice. */
export const AGAIN = ' (again)';

/** Runs a case. A contender that fails or gives a wrong result is recorded with its problem, and the others go on. */
export async function runCase(bench: BenchCase, options: RunnerOptions): Promise<CaseRecord> {
  const rounds = Math.min(options.rounds, bench.mostRounds ?? options.rounds);
  const seats = withControl(bench).map((contender) => new Seat(contender));
  const expected = new Map<string, Expectation>();
  mkdirSync(options.outputFolder, { recursive: true });
  try {
    for (const seat of seats) await seat.open(options);
    for (let round = bench.isCold ? 1 : 0; round <= rounds; round++) {
      options.onProgress(
        round === 0 ? `${bench.name}: warm-up` : `${bench.name}: round ${round} of ${rounds}`,
      );
      const depth = round === (bench.isCold ? 1 : 0) ? 'thorough' : 'quick';
      for (const [place, seat] of seats.entries())
        await seat.turn({ round, place, depth, expected, options });
    }
  } finally {
    for (const seat of seats) await seat.close();
    rmSync(options.outputFolder, { recursive: true, force: true });
  }
  return {
    name: bench.name,
    group: bench.group,
    why: bench.why,
    metric: bench.metric,
    baseline: bench.baseline,
    control: bench.control ?? bench.baseline,
    ...(bench.place === undefined ? {} : { place: bench.place }),
    ...(bench.series === undefined ? {} : { series: bench.series }),
    input: options.input.facts,
    rounds,
    contenders: seats.map((seat) => seat.record()),
  };
}

/** The control comes last, as far from its twin as possible. */
function withControl({ contenders, control, baseline }: BenchCase): Contender[] {
  const twin = contenders.find(({ name }) => name === (control ?? baseline));
  if (twin === undefined) throw new TypeError(`No contender is called "${control ?? baseline}"`);
  return [...contenders, { ...twin, name: `${twin.name}${AGAIN}` }];
}

/** A result that others of its kind must equal, and whose it is. */
interface Expectation {
  readonly digest: string;
  readonly by: string;
}

interface SeatTurn {
  readonly round: number;
  readonly place: number;
  readonly depth: 'thorough' | 'quick';
  readonly expected: Map<string, Expectation>;
  readonly options: RunnerOptions;
}

/** One contender in one case. */
class Seat {
  readonly #contender: Contender;
  readonly #samples: Sample[] = [];
  readonly #facts: Readonly<Record<string, number>>[] = [];
  #runner: Runner | undefined;
  #missing: string | undefined;
  #problem: string | undefined;

  constructor(contender: Contender) {
    this.#contender = contender;
  }

  async open({ input, workFolder, environment }: RunnerOptions): Promise<void> {
    const folder = join(workFolder, this.#contender.name.replaceAll(/[^A-Za-z0-9]+/g, '-'));
    const sharedFolder = join(workFolder, 'shared');
    for (const each of [folder, sharedFolder]) mkdirSync(each, { recursive: true });
    await this.#attempt(async () => {
      const opened = await this.#contender.open({ input, workFolder: folder, sharedFolder, environment });
      if (isMissing(opened)) this.#missing = opened.missing;
      else this.#runner = opened;
    });
  }

  async turn({ round, place, depth, expected, options }: SeatTurn): Promise<void> {
    const runner = this.#runner;
    if (runner === undefined || this.#problem !== undefined) return;
    const folder = join(options.outputFolder, `r${twoDigits(round)}c${twoDigits(place)}`);
    mkdirSync(folder);
    await this.#attempt(async () => {
      options.settle?.();
      const outcome = await runner.run({ round, folder });
      this.#compare(await outcome.verify(depth), expected);
      if (round > 0) this.#keep(outcome);
    });
    if (options.removesAtOnce) rmSync(folder, { recursive: true, force: true });
  }

  async close(): Promise<void> {
    await this.#attempt(async () => this.#runner?.close?.());
  }

  record(): ContenderRecord {
    return {
      name: this.#contender.name,
      samples: this.#samples,
      ...(this.#facts.length === 0 ? {} : { facts: this.#facts }),
      ...(this.#missing === undefined ? {} : { missing: this.#missing }),
      ...(this.#problem === undefined ? {} : { problem: this.#problem }),
    };
  }

  #keep({ sample, facts }: Outcome): void {
    this.#samples.push(sample);
    if (facts !== undefined) this.#facts.push(facts);
  }

  #compare({ kind, digest }: Verdict, expected: Map<string, Expectation>): void {
    const known = expected.get(kind);
    if (known === undefined) expected.set(kind, { digest, by: this.#contender.name });
    else if (known.digest !== digest)
      throw new Error(`Wrong result: its ${kind} are ${digest}, those of "${known.by}" ${known.digest}`);
  }

  async #attempt(step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      this.#problem ??= error instanceof Error ? error.message : String(error);
    }
  }
}

function isMissing(opened: Runner | Missing): opened is Missing {
  return 'missing' in opened;
}

/** Paths of turns must have one length: text that holds them would differ in size. */
function twoDigits(number: number): string {
  return String(number).padStart(2, '0');
}

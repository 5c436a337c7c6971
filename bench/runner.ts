// Runs a case: rounds in which every contender has one turn, alternately forwards and backwards (A B C, C B A), after a
// warm-up round that checks results thoroughly. A round in which something else used the machine is repeated.
import { mkdirSync, rmSync } from 'node:fs';
import type { BenchCase, Contender } from './case.js';
import { Expectations, type ExpectedDigests } from './expectations.js';
import type { CaseInput } from './inputs/case-input.js';
import { isDisturbed } from './measure/disturbance.js';
import type { CaseRecord } from './record.js';
import { Seat } from './seat.js';

export interface RunnerOptions {
  readonly rounds: number;
  readonly input: CaseInput;
  /** Folder for the output of the case. */
  readonly outputFolder: string;
  readonly workFolder: string;
  /** Whether each turn's output is removed after the turn; otherwise it stays until the case ends. */
  readonly removesAtOnce: boolean;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly onProgress: (message: string) => void;
  /** After this many seconds no further round of a case is started, once there are two. */
  readonly mostSeconds?: number;
  /** How long the warm-up is repeated if output is removed at once; otherwise it runs once. */
  readonly warmUpSeconds?: number;
  /** Called before each measured turn, for example to let the disk settle. */
  readonly settle?: () => void;
}

/** The suffix for the name of the contender that runs twice. */
export const AGAIN = ' (again)';

const MOST_SECONDS = 100;
const LEAST_ROUNDS = 2;
const MOST_WARM_UPS = 5;

/** Runs a case. A contender that fails or gives a wrong result is recorded with its problem, and the others go on. */
export async function runCase(bench: BenchCase, options: RunnerOptions): Promise<CaseRecord> {
  const seats = withControl(bench).map((contender) => new Seat(contender));
  mkdirSync(options.outputFolder, { recursive: true });
  let rounds: RoundCounts;
  try {
    for (const seat of seats) await seat.open(options);
    rounds = await new Rounds(bench, seats, options).run();
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
    ...rounds,
    contenders: seats.map((seat) => seat.record()),
  };
}

/** Trees of caches depend on their location, so their contenders state the expected result themselves. */
function expectedOf(input: CaseInput): ExpectedDigests | undefined {
  return input.type === 'bytes' ? input.kernel.expected : undefined;
}

/** The control comes last, as far as possible from its twin. */
function withControl({ contenders, control, baseline }: BenchCase): Contender[] {
  const twin = contenders.find(({ name }) => name === (control ?? baseline));
  if (twin === undefined) throw new TypeError(`No contender is called "${control ?? baseline}"`);
  return [...contenders, { ...twin, name: `${twin.name}${AGAIN}` }];
}

interface RoundCounts {
  readonly rounds: number;
  readonly disturbedRounds: number;
  readonly countsDisturbed?: boolean;
}

class Rounds {
  readonly #bench: BenchCase;
  readonly #seats: readonly Seat[];
  readonly #options: RunnerOptions;
  readonly #expectations: Expectations;
  readonly #begin = performance.now();

  constructor(bench: BenchCase, seats: readonly Seat[], options: RunnerOptions) {
    this.#bench = bench;
    this.#seats = seats;
    this.#options = options;
    this.#expectations = new Expectations(bench.expected, expectedOf(options.input));
  }

  async run(): Promise<RoundCounts> {
    const { mostRounds = Number.POSITIVE_INFINITY, roundFactor = 1, isCold = false } = this.#bench;
    const wanted = Math.min(this.#options.rounds * roundFactor, mostRounds);
    if (!isCold) await this.#warmUp();
    const most = isCold ? wanted : 2 * wanted; // a case too slow for a warm-up is too slow to repeat rounds
    const disturbed = new Set<number>();
    let round = 0;
    while (round - disturbed.size < wanted && round < most && this.#hasTime(round)) {
      round++;
      const remark = disturbed.size === 0 ? '' : `, ${disturbed.size} were disturbed`;
      await this.#round(
        round,
        `round ${round} of ${wanted + disturbed.size}${remark}`,
        isCold && round === 1 ? 'thorough' : 'quick',
      );
      if (isDisturbed(this.#samplesOf(round), this.#bench.metric)) disturbed.add(round);
    }
    return this.#leaveOut(disturbed, round);
  }

  /** Short turns are repeated, since code is compiled gradually; but not where output accumulates. */
  async #warmUp(): Promise<void> {
    const { warmUpSeconds = 0, removesAtOnce } = this.#options;
    const end = performance.now() + warmUpSeconds * 1000;
    await this.#round(0, 'warm-up', 'thorough');
    for (let i = 1; removesAtOnce && i < MOST_WARM_UPS && performance.now() < end; i++)
      await this.#round(0, 'warm-up', 'quick');
  }

  /** Disturbed rounds are left out if enough others remain; they stay in the record. */
  #leaveOut(disturbed: ReadonlySet<number>, all: number): RoundCounts {
    if (disturbed.size > 0 && all - disturbed.size < LEAST_ROUNDS)
      return { rounds: all, disturbedRounds: disturbed.size, countsDisturbed: true };
    for (const seat of this.#seats) seat.leaveOut(disturbed);
    return { rounds: all - disturbed.size, disturbedRounds: disturbed.size };
  }

  #hasTime(round: number): boolean {
    const { mostSeconds = MOST_SECONDS } = this.#bench;
    const most = Math.min(mostSeconds, this.#options.mostSeconds ?? mostSeconds);
    return round < LEAST_ROUNDS || performance.now() - this.#begin < most * 1000;
  }

  async #round(round: number, text: string, depth: 'thorough' | 'quick'): Promise<void> {
    const options = this.#options;
    options.onProgress(`${this.#bench.name}: ${text}`);
    const turns = [...this.#seats.entries()];
    // Alternating the order makes a drift within a round affect all contenders alike.
    for (const [place, seat] of round % 2 === 0 && round > 0 ? turns.reverse() : turns)
      await seat.turn({ round, place, depth, expectations: this.#expectations, options });
  }

  #samplesOf(round: number) {
    const samples = this.#seats.map((seat) => seat.sampleOf(round));
    const control = this.#bench.control ?? this.#bench.baseline;
    const first = this.#seats.find(({ name }) => name === control)?.sampleOf(round);
    return { samples: samples.filter((sample) => sample !== undefined), first, again: samples.at(-1) };
  }
}

// One contender in one case: its turns, its samples by round, and its problem, if any.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Contender, Missing, Outcome, Runner } from './case.js';
import type { Expectations } from './expectations.js';
import { MachineWatch } from './measure/machine-watch.js';
import type { Sample } from './measure/sample.js';
import type { ContenderRecord } from './record.js';
import type { RunnerOptions } from './runner.js';

export interface SeatTurn {
  readonly round: number;
  readonly place: number;
  readonly depth: 'thorough' | 'quick';
  readonly expectations: Expectations;
  readonly options: RunnerOptions;
}

interface KeptOutcome {
  readonly round: number;
  readonly sample: Sample;
  readonly facts: Outcome['facts'];
}

export class Seat {
  readonly #contender: Contender;
  #kept: KeptOutcome[] = [];
  #leftOut: KeptOutcome[] = [];
  #runner: Runner | undefined;
  #missing: string | undefined;
  #problem: string | undefined;

  constructor(contender: Contender) {
    this.#contender = contender;
  }

  get name(): string {
    return this.#contender.name;
  }

  async open({ input, workFolder, environment }: RunnerOptions): Promise<void> {
    const folder = join(workFolder, this.name.replaceAll(/[^A-Za-z0-9]+/g, '-'));
    const sharedFolder = join(workFolder, 'shared');
    for (const each of [folder, sharedFolder]) mkdirSync(each, { recursive: true });
    await this.#attempt(async () => {
      const opened = await this.#contender.open({ input, workFolder: folder, sharedFolder, environment });
      if (isMissing(opened)) this.#missing = opened.missing;
      else this.#runner = opened;
    });
  }

  async turn({ round, place, depth, expectations, options }: SeatTurn): Promise<void> {
    const runner = this.#runner;
    if (runner === undefined || this.#problem !== undefined) return;
    const folder = join(options.outputFolder, `r${twoDigits(round)}c${twoDigits(place)}`);
    mkdirSync(folder);
    await this.#attempt(async () => {
      await runner.prepare?.({ round, folder });
      options.settle?.();
      const watch = new MachineWatch();
      const outcome = await runner.run({ round, folder });
      const sample = watch.complete(outcome.sample);
      expectations.compare(await outcome.verify(depth), this.name);
      if (round > 0) this.#kept.push({ round, sample, facts: outcome.facts });
    });
    if (options.removesAtOnce) rmSync(folder, { recursive: true, force: true });
  }

  sampleOf(round: number): Sample | undefined {
    return this.#kept.find((each) => each.round === round)?.sample;
  }

  /** Samples of these rounds do not count; they stay in the record. */
  leaveOut(rounds: ReadonlySet<number>): void {
    this.#leftOut = this.#kept.filter(({ round }) => rounds.has(round));
    this.#kept = this.#kept.filter(({ round }) => !rounds.has(round));
  }

  async close(): Promise<void> {
    await this.#attempt(async () => this.#runner?.close?.());
  }

  record(): ContenderRecord {
    const facts = this.#kept.flatMap((each) => (each.facts === undefined ? [] : [each.facts]));
    return {
      name: this.name,
      samples: this.#kept.map(({ sample }) => sample),
      ...(facts.length === 0 ? {} : { facts }),
      ...(this.#leftOut.length === 0 ? {} : { disturbed: this.#leftOut.map(({ sample }) => sample) }),
      ...(this.#missing === undefined ? {} : { missing: this.#missing }),
      ...(this.#problem === undefined ? {} : { problem: this.#problem }),
    };
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

/** Paths of turns must have the same length: otherwise text that contains them would differ in size. */
function twoDigits(number: number): string {
  return String(number).padStart(2, '0');
}

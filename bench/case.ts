// What a benchmark case is: data that names an input, who works on it, and why it exists. The runner knows nothing else.
import type { ExpectedDigests } from './expectations.js';
import type { CaseInput, InputRecipe } from './inputs/case-input.js';
import type { Sample } from './measure/sample.js';

export const GROUPS = ['kernel', 'stage', 'relocation', 'end-to-end', 'memory', 'scaling'] as const;
export type Group = (typeof GROUPS)[number];

/** Where output goes: a memory file system where there is one, or the disk. */
export type Place = 'memory' | 'disk';

/** What a contender's result is compared by. Results of one kind must be equal. */
export interface Verdict {
  /** For example `files as packed`, `files relocated`, `digest`. */
  readonly kind: string;
  readonly digest: string;
  /** What it must be, where that is known. */
  readonly expected?: string;
}

export interface Outcome {
  readonly sample: Sample;
  /** Reads the result, outside the measured time; thoroughly in the warm-up round, else quickly. */
  readonly verify: (depth: 'thorough' | 'quick') => Verdict | Promise<Verdict>;
  /** Numbers of its own, for example microseconds per lookup; each becomes a median. */
  readonly facts?: Readonly<Record<string, number>>;
}

/** One turn of one contender. */
export interface Turn {
  readonly round: number;
  /** Empty, of this turn alone; its path has the same length in all turns of a case. */
  readonly folder: string;
}

/** A contender that is ready. */
export interface Runner {
  /** What must be there before the turn; not measured. */
  prepare?(turn: Turn): Promise<void>;
  run(turn: Turn): Promise<Outcome>;
  close?(): Promise<void>;
}

/** Says why a contender cannot take part. */
export interface Missing {
  readonly missing: string;
}

export interface OpenContext {
  readonly input: CaseInput;
  /** For configuration and caches of contenders; removed after the case. */
  readonly workFolder: string;
  /** One for all contenders of the case: what the first of them prepares, the others use. */
  readonly sharedFolder: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** A program, an engine or another way to do the same work. */
export interface Contender {
  readonly name: string;
  open(context: OpenContext): Promise<Runner | Missing>;
}

/** A place on a curve: what grows, and how far it has grown here. */
export interface Series {
  readonly name: string;
  readonly unit: string;
  readonly x: number;
}

export interface BenchCase {
  readonly name: string;
  readonly group: Group;
  /** Why it exists. */
  readonly why: string;
  readonly input: InputRecipe;
  readonly contenders: readonly Contender[];
  /** Name of the contender that the others are compared with. */
  readonly baseline: string;
  /** Name of the contender that runs twice in each round; the difference is the noise. By default the baseline. */
  readonly control?: string;
  /** What its ratios are about. */
  readonly metric: 'wall' | 'cpu' | 'peak';
  readonly place?: Place;
  /** What results must be, by kind, where the input is the same on every machine; else the input says it. */
  readonly expected?: ExpectedDigests;
  /** So many times the rounds that were asked for, where one takes a moment. */
  readonly roundFactor?: number;
  /** After so many seconds no further round is begun, once there are two. */
  readonly mostSeconds?: number;
  /** Fewer rounds than were asked for, where one takes long. */
  readonly mostRounds?: number;
  /** Without a warm-up round, where one takes very long. */
  readonly isCold?: boolean;
  /** The curve that it is a point of. */
  readonly series?: Series;
  /** Whether it belongs to the full run (the default), to the one that ends within two minutes, to both, or runs by its name only. */
  readonly runs?: 'full' | 'quick' | 'both' | 'none';
}

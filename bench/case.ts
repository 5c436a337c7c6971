// A benchmark case: data that names an input, the contenders, and the reason for the case. The runner knows nothing else.
import type { ExpectedDigests } from './expectations.js';
import type { CaseInput, InputRecipe } from './inputs/case-input.js';
import type { Sample } from './measure/sample.js';

export const GROUPS = ['kernel', 'stage', 'relocation', 'end-to-end', 'memory', 'scaling'] as const;
export type Group = (typeof GROUPS)[number];

/** Where output goes: a memory file system if there is one, or the disk. */
export type Place = 'memory' | 'disk';

/** The result of a contender, for comparison. Results of one kind must be equal. */
export interface Verdict {
  /** For example `files as packed`, `files relocated`, `digest`. */
  readonly kind: string;
  readonly digest: string;
  /** The expected value, if known. */
  readonly expected?: string;
}

export interface Outcome {
  readonly sample: Sample;
  /** Reads the result, outside the measured time; thoroughly in the warm-up round, otherwise quickly. */
  readonly verify: (depth: 'thorough' | 'quick') => Verdict | Promise<Verdict>;
  /** The contender's own numbers, for example microseconds per lookup; each becomes a median. */
  readonly facts?: Readonly<Record<string, number>>;
}

/** One turn of one contender. */
export interface Turn {
  readonly round: number;
  /** An empty folder for this turn only; its path has the same length in all turns of a case. */
  readonly folder: string;
}

/** A contender that is ready. */
export interface Runner {
  /** Prepares the turn; not measured. */
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
  /** Shared by all contenders of the case: what the first one prepares, the others use. */
  readonly sharedFolder: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** A program, an engine or another way to do the same work. */
export interface Contender {
  readonly name: string;
  open(context: OpenContext): Promise<Runner | Missing>;
}

/** A point on a curve: what varies, and its value here. */
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
  /** The metric of its ratios. */
  readonly metric: 'wall' | 'cpu' | 'peak';
  readonly place?: Place;
  /** The expected results by kind, if the input is the same on every machine; otherwise the input states them. */
  readonly expected?: ExpectedDigests;
  /** Multiplies the number of rounds, for cases whose rounds are very short. */
  readonly roundFactor?: number;
  /** After this many seconds no further round is started, once there are two. */
  readonly mostSeconds?: number;
  /** The most rounds, for cases whose rounds are long. */
  readonly mostRounds?: number;
  /** Skips the warm-up round, for cases whose rounds are very long. */
  readonly isCold?: boolean;
  /** The curve that it belongs to. */
  readonly series?: Series;
  /** Whether it belongs to the full run (the default), to the quick run of two minutes, to both, or runs only when named. */
  readonly runs?: 'full' | 'quick' | 'both' | 'none';
}

// Whether something other than the contenders affected the duration of a round.
import type { Sample } from './sample.js';

export interface RoundSamples {
  /** Samples of all contenders in this round. */
  readonly samples: readonly Sample[];
  /** Samples of the contender that runs twice. */
  readonly first: Sample | undefined;
  readonly again: Sample | undefined;
}

/** The share of the machine that others may use. */
export const MOST_OTHERS = 0.1;
/** How far apart the two turns of the control may be. */
export const MOST_APART = 0.15;

/**
 * True if others used the machine, or the same work took different times. Contenders are not compared with each other here,
 * so leaving such rounds out favours none of them.
 */
export function isDisturbed(
  { samples, first, again }: RoundSamples,
  metric: 'wall' | 'cpu' | 'peak',
): boolean {
  if (samples.some(({ others = 0 }) => others > MOST_OTHERS)) return true;
  if (metric === 'peak') return false;
  const [one, two] = [first?.[metric], again?.[metric]];
  return one !== undefined && two !== undefined && Math.abs(Math.log(two / one)) > Math.log1p(MOST_APART);
}

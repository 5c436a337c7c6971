// Whether something else than the contenders decided how long a round took.
import type { Sample } from './sample.js';

export interface RoundSamples {
  /** Of everybody, in this round. */
  readonly samples: readonly Sample[];
  /** Of the contender that runs twice. */
  readonly first: Sample | undefined;
  readonly again: Sample | undefined;
}

/** Part of the machine that others may use. */
export const MOST_OTHERS = 0.1;
/** How far apart the two turns of the control may be. */
export const MOST_APART = 0.15;

/**
 * Others used the machine, or the same work twice took different times. Nothing here looks at how a contender did against another,
 * so that leaving such rounds out favours nobody.
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

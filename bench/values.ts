// The numbers of a contender in a record.
import type { ContenderRecord } from './record.js';

/** What a sample measures, or `fact:` and the name of one of the contender's own numbers. */
export type Measure = 'wall' | 'cpu' | 'peak' | `fact:${string}`;

/** One number per round; none if the contender did not take part, failed, or has no such measure. */
export function valuesOf(contender: ContenderRecord | undefined, measure: Measure): number[] {
  if (contender === undefined || contender.problem !== undefined) return [];
  if (measure === 'wall' || measure === 'cpu' || measure === 'peak')
    return contender.samples.flatMap((sample) => sample[measure] ?? []);
  const name = measure.slice('fact:'.length);
  return (contender.facts ?? []).flatMap((facts) => facts[name] ?? []);
}

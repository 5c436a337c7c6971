// The fitted limit model in words.
import { type LimitModel, TERMS } from '../limit-model.js';
import { ratio } from './words.js';

/** One line per engine. */
export function modelLines(models: readonly LimitModel[]): string[] {
  return models.map(({ contender, costs, distances }) => {
    const parts = TERMS.map((term, i) => `${inUnits(costs[i] ?? 0)} per ${term}`);
    const worst = distances.toSorted((a, b) => Math.abs(Math.log(b.ratio)) - Math.abs(Math.log(a.ratio)))[0];
    const distance =
      worst === undefined ? '' : `; furthest from it: ${worst.name}, ${ratio(worst.ratio)} of the model`;
    return `Limit model of ${contender}: ${parts.join(' + ')}${distance}`;
  });
}

function inUnits(milliseconds: number): string {
  return milliseconds >= 1 ? `${milliseconds.toFixed(1)} ms` : `${(milliseconds * 1000).toFixed(1)} µs`;
}

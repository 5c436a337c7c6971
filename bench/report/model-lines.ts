// The limit models in words: the one summed from parts, and the one fitted to curves.
import { type LimitModel, TERMS } from '../limit-model.js';
import { type LimitParts, limitParts } from '../limit-parts.js';
import type { BenchRecord } from '../record.js';
import { ratio } from './words.js';

/** What the limit of each engine and place is made of. */
export function limitLines(record: BenchRecord): string[] {
  return (['memory', 'disk'] as const).flatMap((place) =>
    ['wasm', 'native'].flatMap((engine) => {
      const parts = limitParts(record, engine, place);
      return parts === undefined ? [] : [limitLine(parts)];
    }),
  );
}

function limitLine({ engine, place, checksum, inflate, scan, write, file, member }: LimitParts): string {
  const rate = (cost: number) => `${(1000 / cost).toFixed(0)} MB/s`;
  return (
    `Limit of ${engine}, output: ${place}: checksum ${rate(checksum)} of compressed bytes + inflate ${rate(inflate)} + scan ${rate(scan)}` +
    ` + write ${rate(write)} + ${inUnits(file)} to make a file + ${inUnits(member)} per member of the archive, in CPU time`
  );
}

/** One line per engine. */
export function modelLines(models: readonly LimitModel[]): string[] {
  return models.map(({ contender, costs, distances }) => {
    const parts = TERMS.map((term, i) => `${inUnits(costs[i] ?? 0)} per ${term}`);
    const worst = distances.toSorted((a, b) => Math.abs(Math.log(b.ratio)) - Math.abs(Math.log(a.ratio)))[0];
    const distance =
      worst === undefined ? '' : `; worst fit: ${worst.name}, ${ratio(worst.ratio)} of the model`;
    return `Limit model of ${contender}: ${parts.join(' + ')}${distance}`;
  });
}

function inUnits(milliseconds: number): string {
  return milliseconds >= 1 ? `${milliseconds.toFixed(1)} ms` : `${(milliseconds * 1000).toFixed(1)} µs`;
}

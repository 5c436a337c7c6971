// Peak memory of the whole process tree: it must not grow with the package.
import type { BenchCase } from '../case.js';
import { regraftProcess } from '../contenders/regraft-process.js';
import type { PackageRecipe } from '../inputs/package-archive.js';
import { HUGE, MIDDLE } from '../inputs/recipes.js';

function peakOf(size: string, recipe: PackageRecipe): BenchCase {
  return {
    name: `peak memory: ${size}`,
    group: 'memory',
    why: 'a package of any size must fit into the memory of a small machine',
    input: { type: 'cache', cache: { name: recipe.name, packages: [recipe] } },
    place: 'memory',
    contenders: (['wasm', 'native'] as const).flatMap((engine) =>
      [0, 1, 2].map((workers) => regraftProcess({ engine, workers })),
    ),
    baseline: 'regraft wasm, no worker',
    metric: 'peak',
    mostRounds: 2,
  };
}

export const MEMORY_CASES: readonly BenchCase[] = [
  peakOf('300 MB', MIDDLE),
  { ...peakOf('2 GB', HUGE), mostRounds: 1 },
];

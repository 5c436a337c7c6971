// Relocation alone, of a tree that is already unpacked.
import type { BenchCase } from '../case.js';
import { pythonRelocation, relocateProcess, warmRelocation } from '../contenders/relocate-tree.js';
import type { CacheInputRecipe } from '../inputs/case-input.js';
import { BIG_CACHE, TENTH_CACHE } from '../inputs/recipes.js';

function relocationCase(name: string, input: CacheInputRecipe): BenchCase {
  return {
    name,
    group: 'relocation',
    why: 'the cost of a tree that does not come from a build cache: every file is read, some are written',
    input,
    place: 'memory',
    contenders: [
      pythonRelocation(),
      ...(['native', 'wasm', 'js'] as const).map(warmRelocation),
      ...(['native', 'wasm'] as const).map(relocateProcess),
    ],
    baseline: 'Python re, listed files only',
    control: 'warm wasm',
    metric: 'wall',
  };
}

export const RELOCATION_CASES: readonly BenchCase[] = [
  relocationCase('relocate a big tree', BIG_CACHE),
  { ...relocationCase('relocate a tenth of it', TENTH_CACHE), runs: 'quick' },
];

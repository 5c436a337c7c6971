// Publishing packages.
import type { BenchCase } from '../case.js';
import { regraftPush, spackPush } from '../contenders/push.js';
import { shortStack, stack } from '../inputs/recipes.js';

const push: Pick<BenchCase, 'group' | 'place' | 'contenders' | 'baseline' | 'control' | 'metric'> = {
  group: 'end-to-end',
  place: 'memory',
  contenders: [spackPush(), regraftPush()],
  baseline: 'Spack',
  control: 'regraft',
  metric: 'wall',
};

export const PUSH_CASES: readonly BenchCase[] = [
  {
    ...push,
    name: 'push a stack of 60 packages',
    why: 'the same for more packages; runs only when named, since Spack takes minutes for it',
    input: { type: 'cache', cache: stack(), queries: ['stack59'] },
    mostRounds: 1,
    isCold: true,
    runs: 'none',
  },
  {
    ...push,
    name: 'push a stack of 10 packages',
    why: 'what a CI job waits for after a build: classifying, compressing, and the index',
    input: { type: 'cache', cache: shortStack(), queries: ['stack9'] },
    mostRounds: 1,
    isCold: true,
  },
];

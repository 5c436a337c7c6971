// Whole installations, as users see them, against programs that only unpack and against the real Spack.
import type { BenchCase, Contender } from '../case.js';
import { archivePeer } from '../contenders/archive-peers.js';
import { regraftProcess } from '../contenders/regraft-process.js';
import { spackInstall } from '../contenders/spack.js';
import { warmInstall } from '../contenders/warm.js';
import {
  BIG,
  BIG_CACHE,
  BIG_ONE_PREFIX,
  BIG_PAIR,
  shortStack,
  smallPackages,
  stack,
  TENTH_CACHE,
} from '../inputs/recipes.js';

const TAR = 'tar xzf';

const peers: readonly Contender[] = [
  archivePeer('tar'),
  archivePeer('igzip'),
  archivePeer('pigz'),
  archivePeer('libdeflate'),
  archivePeer('bsdtar'),
];

const engines: readonly Contender[] = (['native', 'wasm'] as const).flatMap((engine) =>
  [0, 1, 2].map((workers) => regraftProcess({ engine, workers })),
);

const warmEngines: readonly Contender[] = (['native', 'wasm'] as const).map((engine) =>
  warmInstall({ engine, workers: 0 }),
);

export const END_TO_END_CASES: readonly BenchCase[] = [
  {
    name: 'install one big package, in memory',
    group: 'end-to-end',
    why: 'the main claim: verified and relocated in less time than tar needs to unpack',
    input: BIG_CACHE,
    place: 'memory',
    contenders: [...peers, ...engines, regraftProcess({ engine: 'js', workers: 0 }), ...warmEngines],
    baseline: TAR,
    metric: 'wall',
    mostSeconds: 360,
  },
  {
    name: 'install one big package, on disk',
    group: 'end-to-end',
    why: 'where packages really go: includes the cost of the file system',
    input: BIG_CACHE,
    place: 'disk',
    contenders: [
      archivePeer('tar'),
      regraftProcess({ engine: 'native', workers: 1 }),
      regraftProcess({ engine: 'wasm', workers: 1 }),
    ],
    baseline: TAR,
    metric: 'wall',
    mostRounds: 3,
    mostSeconds: 60,
  },
  {
    name: 'install a tenth of it, in memory',
    group: 'end-to-end',
    why: 'the same for the quick run; the start of a process weighs more',
    input: TENTH_CACHE,
    place: 'memory',
    contenders: [
      ...peers,
      regraftProcess({ engine: 'native', workers: 0 }),
      regraftProcess({ engine: 'wasm', workers: 0 }),
      regraftProcess({ engine: 'js', workers: 0 }),
      ...warmEngines,
    ],
    baseline: TAR,
    metric: 'wall',
    runs: 'quick',
  },
  {
    name: 'install a tenth of it, on disk',
    group: 'end-to-end',
    why: 'the same on disk, for the quick run',
    input: TENTH_CACHE,
    place: 'disk',
    contenders: [
      archivePeer('tar'),
      regraftProcess({ engine: 'native', workers: 1 }),
      regraftProcess({ engine: 'wasm', workers: 1 }),
    ],
    baseline: TAR,
    metric: 'wall',
    mostRounds: 1,
    runs: 'quick',
  },
  {
    name: '60 prefixes against 1',
    group: 'end-to-end',
    why: 'the cost of relocation must not depend on how many packages a package knows',
    input: { type: 'cache', cache: BIG_PAIR },
    place: 'memory',
    contenders: (['wasm', 'native'] as const).flatMap((engine) => [
      regraftProcess({ engine, workers: 0, queries: [BIG_ONE_PREFIX.name], label: '1 prefix' }),
      regraftProcess({ engine, workers: 0, queries: [BIG.name], label: '60 prefixes' }),
    ]),
    baseline: 'regraft wasm, no worker, 1 prefix',
    metric: 'wall',
  },
  {
    name: 'install 1,000 small packages, warm',
    group: 'end-to-end',
    why: 'the cost of a package apart from its bytes: most packages are small',
    input: { type: 'cache', cache: smallPackages(1000) },
    place: 'memory',
    contenders: [archivePeer('tar'), ...warmEngines],
    baseline: TAR,
    control: 'warm wasm, no worker',
    metric: 'wall',
    mostRounds: 2,
  },
  {
    name: 'install 100 small packages, warm',
    group: 'end-to-end',
    why: 'the same for a look in two minutes',
    input: { type: 'cache', cache: smallPackages(100) },
    place: 'memory',
    contenders: [archivePeer('tar'), ...warmEngines],
    baseline: TAR,
    control: 'warm wasm, no worker',
    metric: 'wall',
    runs: 'quick',
  },
  {
    name: 'install a stack of 60 packages',
    group: 'end-to-end',
    why: 'an environment on a new machine: what a user of Spack waits for',
    input: { type: 'cache', cache: stack(), queries: ['stack59'] },
    place: 'memory',
    contenders: [
      spackInstall(),
      archivePeer('tar'),
      ...(['native', 'wasm'] as const).flatMap((engine) =>
        [0, 2].map((workers) => regraftProcess({ engine, workers })),
      ),
    ],
    baseline: 'Spack',
    control: 'regraft wasm, 2 workers',
    metric: 'wall',
    mostRounds: 2,
  },
  {
    name: 'install a stack of 10 packages',
    group: 'end-to-end',
    why: 'the same for a look in two minutes',
    input: { type: 'cache', cache: shortStack(), queries: ['stack9'] },
    place: 'memory',
    contenders: [
      spackInstall(),
      archivePeer('tar'),
      ...(['native', 'wasm'] as const).map((engine) => regraftProcess({ engine, workers: 2 })),
    ],
    baseline: 'Spack',
    control: 'regraft wasm, 2 workers',
    metric: 'wall',
    mostRounds: 1,
    isCold: true,
    runs: 'quick',
  },
  {
    name: 'install one big package, against Spack',
    group: 'end-to-end',
    why: 'the tool that regraft replaces, on the same package',
    input: BIG_CACHE,
    place: 'memory',
    contenders: [
      spackInstall(),
      regraftProcess({ engine: 'native', workers: 0 }),
      regraftProcess({ engine: 'wasm', workers: 0 }),
    ],
    baseline: 'Spack',
    control: 'regraft wasm, no worker',
    metric: 'wall',
    mostRounds: 1,
    isCold: true,
  },
];

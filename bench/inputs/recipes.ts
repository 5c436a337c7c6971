// The inputs of the benchmark as data: what they are made of, and why.
import type { CacheInputRecipe } from './case-input.js';
import { SeededRandom } from './material.js';
import type { PackageRecipe } from './package-archive.js';
import type { CacheRecipe } from './package-input.js';

const MB = 1_000_000;

/** About 640 MB in 10,000 files, libraries up to 100 MB, 60 prefixes: the package "P" of the goals. */
export const BIG: PackageRecipe = big('big', 60);

/** The same with one prefix: the cost of scanning must not grow with their number. */
export const BIG_ONE_PREFIX: PackageRecipe = big('big1', 1);

function big(name: string, prefixes: number): PackageRecipe {
  const random = new SeededRandom(641);
  const small = Array.from({ length: 1200 }, () => 20_000 + random.below(220_000));
  const binaries = [
    100 * MB,
    60 * MB,
    40 * MB,
    30 * MB,
    20 * MB,
    20 * MB,
    15 * MB,
    15 * MB,
    10 * MB,
    10 * MB,
    ...small,
  ];
  return { name, seed: 1, binaries, texts: 8800, textSize: 18_000, prefixes };
}

/** A tenth of the big one, for the quick run. */
export const TENTH: PackageRecipe = {
  name: 'tenth',
  seed: 4,
  binaries: [
    20 * MB,
    10 * MB,
    4 * MB,
    ...Array.from({ length: 120 }, (_, i) => 20_000 + ((i * 7919) % 220_000)),
  ],
  texts: 880,
  textSize: 18_000,
  prefixes: 60,
};

/** The big package, together with the one that has one prefix. */
export const BIG_PAIR: CacheRecipe = { name: 'big', packages: [BIG, BIG_ONE_PREFIX] };
export const BIG_CACHE: CacheInputRecipe = { type: 'cache', cache: BIG_PAIR, queries: [BIG.name] };
export const TENTH_CACHE: CacheInputRecipe = {
  type: 'cache',
  cache: { name: 'tenth', packages: [TENTH] },
};

/** A package of this many bytes in libraries of 4 MB, and this many small text files: points of curves. */
export function sized(
  name: string,
  size: { readonly megabytes: number; readonly files: number; readonly prefixes: number },
): PackageRecipe {
  const { megabytes, files, prefixes } = size;
  const binaries = Array.from(
    { length: Math.max(1, Math.round(megabytes / 4)) },
    () => Math.min(4, megabytes) * MB,
  );
  return { name, seed: 5, binaries, texts: files, textSize: 1000, prefixes };
}

/** 300 MB: peak memory must not depend on the size. */
export const MIDDLE: PackageRecipe = {
  name: 'middle',
  seed: 2,
  binaries: [100 * MB, 80 * MB, 60 * MB, 40 * MB],
  texts: 1000,
  textSize: 20_000,
  prefixes: 20,
};

/** 2 GB: the same peak as 640 MB. */
export const HUGE: PackageRecipe = {
  name: 'huge',
  seed: 3,
  binaries: Array.from({ length: 19 }, () => 100 * MB),
  texts: 2000,
  textSize: 50_000,
  prefixes: 60,
};

/** Many small packages without dependencies: the cost of each apart from its bytes. */
export function smallPackages(count: number): CacheRecipe {
  const packages = Array.from({ length: count }, (_, i) => ({
    name: `small${i}`,
    seed: 100 + i,
    binaries: [24_000, 60_000],
    texts: 98,
    textSize: 900,
    prefixes: 4,
  }));
  return { name: `small-${count}`, packages };
}

/** A short stack, for the quick run. */
export function shortStack(): CacheRecipe {
  const { packages } = stack();
  return { name: 'stack-10', packages: packages.slice(0, 10) };
}

/** A stack of 60 packages that depend on each other, about 1 GB together in 15,000 files. */
export function stack(): CacheRecipe {
  const random = new SeededRandom(60);
  const packages = Array.from({ length: 60 }, (_, i): PackageRecipe => {
    const dependencies = new Set(
      i === 0 ? [] : [i - 1, random.below(i), random.below(i)].map((j) => `stack${j}`),
    );
    const size = i % 10 === 9 ? 40 * MB : 5 * MB;
    return {
      name: `stack${i}`,
      seed: 1000 + i,
      binaries: [size, size / 2, ...Array.from({ length: 20 }, () => 100_000)],
      texts: 220,
      textSize: 8000,
      prefixes: 10,
      dependencies: [...dependencies],
    };
  });
  return { name: 'stack-60', packages };
}

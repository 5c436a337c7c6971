// The packages of a large index, seeded: names, hashes and nodes of the n-th.
import type { DagHash } from '../../src/spec/spec.js';
import { SeededRandom } from '../../test/helpers/seeded-random.js';

/** Packages come in stacks: each may depend on those before it in its stack. */
const STACK = 5;
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
const NAMES = 8000;

/** The hash of the n-th package. */
export function hashOf(n: number): DagHash {
  const random = new SeededRandom(n + 1);
  return Array.from({ length: 32 }, () => ALPHABET[random.below(32)]).join('') as DagHash;
}

/** The name of the n-th package; several packages have one name. */
export function nameOfPackage(n: number): string {
  return `package-${n % NAMES}`;
}

/** The n-th package and what it may depend on. */
export function nodesOf(n: number) {
  const below = Array.from({ length: n % STACK }, (_, i) => n - (n % STACK) + i);
  return [n, ...below].map(nodeOf);
}

function nodeOf(n: number) {
  const random = new SeededRandom(n);
  const first = n - (n % STACK);
  const dependencies = Array.from({ length: n - first }, (_, i) => ({
    name: nameOfPackage(first + i),
    hash: hashOf(first + i),
    parameters: { deptypes: ['build', 'link'], virtuals: [] },
  }));
  const variants = Array.from({ length: 45 }, (_, i) => [
    `variant_with_a_name_${i}`,
    random.below(3) === 0 ? 'some-value' : random.below(2) === 0,
  ]);
  const flags = ['cflags', 'cppflags', 'cxxflags', 'fflags', 'ldflags', 'ldlibs'].map((flag) => [flag, []]);
  return {
    name: nameOfPackage(n),
    version: `${random.below(20)}.${random.below(30)}.${random.below(10)}`,
    arch: { platform: 'linux', platform_os: 'debian12', target: 'x86_64_v3' },
    compiler: { name: 'gcc', version: random.below(2) === 0 ? '12.2.0' : '13.1.0' },
    namespace: 'builtin',
    parameters: Object.fromEntries([...variants, ...flags]),
    package_hash: `${hashOf(n + 1e7)}${hashOf(n + 2e7)}`.slice(0, 52).concat('===='),
    ...(dependencies.length === 0 ? {} : { dependencies }),
    hash: hashOf(n),
  };
}

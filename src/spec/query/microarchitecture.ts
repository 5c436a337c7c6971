// The compatibility of microarchitectures, for constraints such as `target=x86_64_v3:` (facts of archspec 0.2).

/** `name:parent,parent`; targets that are not listed have no parent. */
const PARENTS = `
  i686:x86 pentium2:i686 pentium3:pentium2 pentium4:pentium3 prescott:pentium4
  x86_64_v2:x86_64 x86_64_v3:x86_64_v2 x86_64_v4:x86_64_v3
  nocona:x86_64 core2:nocona nehalem:core2,x86_64_v2 westmere:nehalem sandybridge:westmere ivybridge:sandybridge
  haswell:ivybridge,x86_64_v3 broadwell:haswell skylake:broadwell mic_knl:broadwell skylake_avx512:skylake,x86_64_v4
  cannonlake:skylake cascadelake:skylake_avx512 icelake:cascadelake,cannonlake sapphirerapids:icelake
  k10:x86_64 bulldozer:x86_64_v2 piledriver:bulldozer steamroller:piledriver excavator:steamroller,x86_64_v3
  zen:x86_64_v3 zen2:zen zen3:zen2 zen4:zen3,x86_64_v4
  power7:ppc64 power8:power7 power9:power8 power10:power9
  power8le:ppc64le power9le:power8le power10le:power9le
  armv8.1a:aarch64 armv8.2a:armv8.1a armv8.3a:armv8.2a armv8.4a:armv8.3a armv8.5a:armv8.4a armv9.0a:armv8.5a
  thunderx2:armv8.1a a64fx:armv8.2a cortex_a72:aarch64 neoverse_n1:cortex_a72,armv8.2a
  neoverse_v1:neoverse_n1,armv8.4a neoverse_v2:neoverse_n1,armv9.0a m1:armv8.4a m2:m1,armv8.5a
  u74mc:riscv64
`;

const parentsOf = new Map(
  PARENTS.trim()
    .split(/\s+/)
    .map((entry): [string, readonly string[]] => {
      const [name = '', parents = ''] = entry.split(':');
      return [name, parents.split(',')];
    }),
);

/**
 * Says whether a target runs what was built for another: it is the same, or descends from it.
 *
 * @param parents - those of the target, where its record names them: they count for a target that the list does not have.
 */
export function isTargetAtLeast(target: string, ancestor: string, parents: readonly string[] = []): boolean {
  if (target === ancestor) return true;
  return (parentsOf.get(target) ?? parents).some((parent) => isTargetAtLeast(parent, ancestor));
}

/**
 * The family that a target descends from: `x86_64`, `aarch64`, `ppc64le`, …
 *
 * @param parents - as in `isTargetAtLeast`.
 */
export function familyOf(target: string, parents: readonly string[] = []): string {
  const [parent] = parentsOf.get(target) ?? parents;
  return parent === undefined ? target : familyOf(parent);
}

/**
 * Says whether a target satisfies a constraint: a list of names and of ranges `low:high`, either end of which may be missing; `*` is any.
 */
export function isTargetIn(target: string, constraint: string, parents: readonly string[] = []): boolean {
  return constraint.split(',').some((item) => {
    if (item === '*') return true;
    const [low = '', high] = item.split(':');
    if (high === undefined) return target === low;
    return (
      (low === '' || isTargetAtLeast(target, low, parents)) && (high === '' || isTargetAtLeast(high, target))
    );
  });
}

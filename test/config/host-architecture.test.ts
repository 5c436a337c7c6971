import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bestTarget, linuxName } from '../../src/config/host-architecture.js';

const SYSTEMS: readonly (readonly [osRelease: string, name: string | undefined])[] = [
  ['ID=debian\nVERSION_ID="12"\n', 'debian12'],
  ['NAME="Ubuntu"\nID=ubuntu\nVERSION_ID="22.04"\n', 'ubuntu22.04'],
  ['ID="rhel"\nVERSION_ID="8.9"\n', 'rhel8'],
  ['ID="ol"\nVERSION_ID="9.3"\n', 'oracle9'],
  ['ID="opensuse-leap"\nVERSION_ID="15.5"\n', 'opensuse15'],
  ["ID='amzn'\nVERSION_ID='2023'\n", 'amzn2023'],
  ['ID=alpine\nVERSION_ID=3.19.1\n', 'alpine3'],
  ['ID="linux-mint"\nVERSION_ID="21"\n', 'linux_mint21'],
  ['ID=arch\n', undefined],
  ['ID="opensuse-tumbleweed"\nVERSION_ID="20240101"\n', undefined],
  ['', undefined],
];

for (const [osRelease, name] of SYSTEMS)
  test(`linuxName: ${name ?? 'only Spack can tell'} of ${JSON.stringify(osRelease)}`, () =>
    assert.equal(linuxName(osRelease), name));

function target(from: readonly string[], features: string, vendor = 'generic', cpupart?: string) {
  const facts = { from, vendor, features: features.split(' ').filter((each) => each !== '') };
  return cpupart === undefined ? facts : { ...facts, cpupart };
}

const TABLE = {
  microarchitectures: {
    x86_64: target([], ''),
    v2: target(['x86_64'], 'sse4'),
    v3: target(['v2'], 'sse4 avx2'),
    nehalem: target(['v2'], 'sse4 popcnt', 'GenuineIntel'),
    haswell: target(['nehalem', 'v3'], 'sse4 popcnt avx2', 'GenuineIntel'),
    zen: target(['v3'], 'sse4 avx2 clzero', 'AuthenticAMD'),
    aarch64: target([], ''),
    armv9: target(['aarch64'], ''),
    n1: target(['aarch64'], 'asimd', 'ARM', '0xd0c'),
    v1: target(['n1'], 'asimd', 'ARM', '0xd40'),
  },
  conversions: { arm_vendors: { '0x41': 'ARM' } },
};

const PROCESSORS: readonly (readonly [machine: string, cpuinfo: string, target: string | undefined])[] = [
  ['x86_64', 'vendor_id\t: GenuineIntel\nflags\t\t: sse4 popcnt avx2 more\n\nflags: none', 'haswell'],
  ['x86_64', 'vendor_id: GenuineIntel\nflags: sse4 popcnt', 'nehalem'],
  // Newer than the best generic one, or that one.
  ['x86_64', 'vendor_id: GenuineIntel\nflags: sse4 avx2', 'v3'],
  ['x86_64', 'vendor_id: AuthenticAMD\nflags: sse4 avx2 clzero', 'zen'],
  ['x86_64', 'vendor_id: Other\nflags: sse4', 'v2'],
  ['x86_64', '', 'x86_64'],
  ['aarch64', 'CPU implementer: 0x41\nFeatures: asimd\nCPU part: 0xd0c', 'n1'],
  ['aarch64', 'CPU implementer: 0x41\nFeatures: asimd\nCPU part: 0xfff', 'v1'],
  ['aarch64', 'CPU implementer: 0x99\nFeatures: asimd', 'aarch64'],
  ['riscv64', 'uarch: sifive', undefined],
];

for (const [machine, cpuinfo, found] of PROCESSORS)
  test(`bestTarget: ${found} for ${machine} with ${JSON.stringify(cpuinfo)}`, () =>
    assert.equal(bestTarget(TABLE, { machine, cpuinfo }), found));

// What Spack calls the machine: operating system and target. The targets are in a file of the Spack's own copy of archspec.
// Spack `LinuxDistro`, archspec `cpu.host`.
import { readFileSync } from 'node:fs';
import { machine } from 'node:os';
import { join } from 'node:path';

/** Undefined where only Spack can tell. */
export interface HostArchitecture {
  readonly platform: string;
  readonly os: string | undefined;
  readonly target: string | undefined;
  /** `x86_64`, `aarch64`. */
  readonly family: string;
}

export function hostArchitecture(spackPrefix: string | undefined): HostArchitecture {
  const { platform } = process;
  const isLinux = platform === 'linux';
  return {
    platform,
    os: isLinux ? linuxName(readText('/etc/os-release') || readText('/usr/lib/os-release')) : undefined,
    target: isLinux && spackPrefix !== undefined ? detectTarget(spackPrefix) : undefined,
    family: machine() === 'arm64' ? 'aarch64' : machine(),
  };
}

/** Names of distributions that Spack shortens. */
const SHORT_NAMES: Readonly<Record<string, string>> = { ol: 'oracle', 'opensuse-leap': 'opensuse' };

/**
 * Spack's name for a Linux, from the text of its `os-release`, such as `debian12`.
 * @returns undefined for one that is not numbered: Spack asks programs then.
 */
export function linuxName(osRelease: string): string | undefined {
  const settings = new Map(
    osRelease
      .split('\n')
      .map((line) => /^([A-Z_]+)=(["']?)(.*)\2\s*$/.exec(line))
      .map((found) => [found?.[1], found?.[3] ?? ''] as const),
  );
  const id = (settings.get('ID') ?? '').toLowerCase().replaceAll(' ', '_');
  const numbers = (settings.get('VERSION_ID') ?? '').split(/[^\w-]/);
  if (id === '' || numbers[0] === '' || id.includes('tumbleweed')) return undefined;
  const version = id.includes('ubuntu') ? numbers.slice(0, 2).join('.') : numbers[0];
  return `${SHORT_NAMES[id] ?? id}${version}`.replaceAll('-', '_');
}

const TARGET_FILES = [
  'lib/spack/spack/vendor/archspec/json/cpu/microarchitectures.json',
  'lib/spack/external/archspec/json/cpu/microarchitectures.json',
];

interface Target {
  readonly from: readonly string[];
  readonly vendor: string;
  readonly features: readonly string[];
  readonly cpupart?: string;
}

interface TargetTable {
  readonly microarchitectures: Readonly<Record<string, Target>>;
  readonly conversions: { readonly arm_vendors: Readonly<Record<string, string>> };
}

function detectTarget(spackPrefix: string): string | undefined {
  const text = TARGET_FILES.map((file) => readText(join(spackPrefix, file))).find((each) => each !== '');
  if (text === undefined) return undefined;
  try {
    return bestTarget(JSON.parse(text) as TargetTable, {
      machine: machine(),
      cpuinfo: readText('/proc/cpuinfo'),
    });
  } catch {
    return undefined; // a table in a form that came later
  }
}

export interface Processor {
  readonly machine: string;
  /** The text of `/proc/cpuinfo`. */
  readonly cpuinfo: string;
}

/** The newest target that the processor has all features of, and that descends from the best generic one. */
export function bestTarget(table: TargetTable, processor: Processor): string | undefined {
  const facts = readProcessor(table, processor);
  if (facts === undefined) return undefined;
  const all = table.microarchitectures;
  const ancestors = (name: string): ReadonlySet<string> =>
    new Set((all[name]?.from ?? []).flatMap((parent) => [parent, ...ancestors(parent)]));
  const best = (names: readonly string[]): string | undefined =>
    names.reduce<string | undefined>((one, other) => {
      const depth = (name: string): number => ancestors(name).size * 1e6 + (all[name]?.features.length ?? 0);
      return one === undefined || depth(other) > depth(one) ? other : one;
    }, undefined);
  const usable = Object.keys(all).filter((name) => {
    const target = all[name];
    if (target === undefined || !(name === processor.machine || ancestors(name).has(processor.machine)))
      return false;
    // Which version of its architecture an ARM processor has is not known.
    if (processor.machine === 'aarch64' && target.vendor === 'generic' && name !== 'aarch64') return false;
    return (
      [facts.vendor, 'generic'].includes(target.vendor) &&
      target.features.every((each) => facts.features.has(each))
    );
  });
  const generic = best(usable.filter((name) => all[name]?.vendor === 'generic'));
  if (generic === undefined) return undefined;
  const ofPart = usable.filter((name) => facts.part !== '' && all[name]?.cpupart === facts.part);
  const candidates = ofPart.length > 0 ? ofPart : usable;
  return best(candidates.filter((name) => ancestors(name).has(generic))) ?? generic;
}

interface ProcessorFacts {
  readonly vendor: string;
  readonly features: ReadonlySet<string>;
  readonly part: string;
}

/** Of the first processor; undefined for architectures that are told by other means than features. */
function readProcessor(table: TargetTable, { machine, cpuinfo }: Processor): ProcessorFacts | undefined {
  const [first = ''] = cpuinfo.split('\n\n');
  const facts = new Map(
    first.split('\n').map((line) => [line.split(':')[0]?.trim(), line.split(':')[1]?.trim()]),
  );
  const words = (key: string): ReadonlySet<string> => new Set((facts.get(key) ?? '').split(/\s+/));
  if (machine === 'x86_64')
    return { vendor: facts.get('vendor_id') ?? 'generic', features: words('flags'), part: '' };
  if (machine !== 'aarch64') return undefined;
  const code = facts.get('CPU implementer');
  const vendor = code === undefined ? 'generic' : (table.conversions.arm_vendors[code] ?? code);
  return { vendor, features: words('Features'), part: facts.get('CPU part') ?? '' };
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

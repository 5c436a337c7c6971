// The machine of a run: processor, memory, file systems, versions of the peers.
import { execFileSync } from 'node:child_process';
import { availableParallelism, cpus, hostname, loadavg, release, totalmem, type } from 'node:os';
import { programVersion } from './contenders/surroundings.js';

export interface MachineFacts {
  readonly name: string;
  readonly processor: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly system: string;
  /** The load average of the last minute before the run. */
  readonly load: number;
  /** Type of the file system per place. */
  readonly fileSystems: Readonly<Record<string, string>>;
  /** First line of each program's version; absent programs are marked as such. */
  readonly versions: Readonly<Record<string, string>>;
}

const PROGRAMS = ['tar', 'gzip', 'igzip', 'pigz', 'libdeflate-gunzip', 'bsdtar', 'python3'] as const;

export function machineFacts(
  places: Readonly<Record<string, string>>,
  environment: Readonly<Record<string, string | undefined>>,
): MachineFacts {
  const versions = PROGRAMS.map((program) => [program, programVersion(program) ?? 'not installed'] as const);
  return {
    name: hostname(),
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    system: `${type()} ${release()}`,
    load: loadavg()[0] ?? 0,
    fileSystems: Object.fromEntries(
      Object.entries(places).map(([place, folder]) => [place, fileSystemOf(folder)]),
    ),
    versions: {
      node: process.versions.node,
      zlib: process.versions.zlib,
      ...Object.fromEntries(versions),
      spack: spackVersion(environment.SPACK_ROOT),
    },
  };
}

/** The name used by coreutils. */
export function fileSystemOf(folder: string): string {
  try {
    return execFileSync('stat', ['-f', '-c', '%T', folder], { encoding: 'utf8' }).trim();
  } catch {
    return 'unknown';
  }
}

function spackVersion(root: string | undefined): string {
  if (!root) return 'SPACK_ROOT is not set';
  return programVersion('python3', [`${root}/bin/spack`, '--version']) ?? 'does not run';
}

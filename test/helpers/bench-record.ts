// Made-up records of the benchmark, for tests of its bookkeeping and its reports.
import type { BenchRecord, CaseRecord, ContenderRecord } from '../../bench/record.js';

/** A contender whose rounds took these milliseconds of wall time, half of them CPU. */
export function contenderRecord(
  name: string,
  walls: readonly number[],
  more: Partial<ContenderRecord> = {},
): ContenderRecord {
  const samples = walls.map((wall) => ({ wall, cpu: wall / 2, peak: 50e6 }));
  return { name, samples, ...more };
}

export function caseRecord(given: Partial<CaseRecord> = {}): CaseRecord {
  return {
    name: 'install',
    group: 'end-to-end',
    why: 'because',
    metric: 'wall',
    baseline: 'tar',
    control: 'tar',
    input: { name: 'input', packages: 1, files: 10, compressedBytes: 1e6, unpackedBytes: 3e6 },
    rounds: 3,
    contenders: [
      contenderRecord('tar', [100, 110, 90]),
      contenderRecord('regraft', [50, 55, 45]),
      contenderRecord('tar (again)', [101, 109, 91]),
    ],
    ...given,
  };
}

export function benchRecord(cases: readonly CaseRecord[], given: Partial<BenchRecord> = {}): BenchRecord {
  return {
    format: 1,
    date: '2024-05-06T07:08:09.000Z',
    seconds: 60,
    command: 'npm run bench --',
    isQuick: false,
    machine: {
      name: 'machine',
      processor: 'processor',
      cores: 2,
      memoryBytes: 8e9,
      system: 'Linux 6',
      load: 0.1,
      fileSystems: { memory: 'tmpfs', disk: 'ext4' },
      versions: { node: '20', tar: 'tar 1', igzip: 'not installed' },
    },
    cases,
    ...given,
  };
}

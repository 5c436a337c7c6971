// The cost of the file system: writing files whose content is already in memory, to memory and to disk.
import type { BenchCase, Place } from '../case.js';
import { fileWriter } from '../contenders/write-files.js';

/** Many small files and few large ones: together they give the costs of a file and of a megabyte. */
export const WRITTEN = {
  small: { name: '2,000 files of 4 kB', files: 2000, size: 4000 },
  large: { name: '20 files of 5 MB', files: 20, size: 5_000_000 },
} as const;

export const WRITE_CASES: Readonly<Record<Place, string>> = {
  memory: 'write files, in memory',
  disk: 'write files, on disk',
};

function writeCase(place: Place): BenchCase {
  const { small, large } = WRITTEN;
  const nothing = { bytes: Buffer.alloc(0), mapping: [], unpackedBytes: small.files * small.size };
  return {
    name: WRITE_CASES[place],
    group: 'stage',
    why: 'no installation can be faster than the system calls that create its files: a part of the limit model',
    input: { type: 'bytes', name: WRITE_CASES[place], make: () => nothing },
    place,
    contenders: [fileWriter(small.name, small), fileWriter(large.name, large)],
    baseline: small.name,
    metric: 'cpu',
    mostSeconds: 20,
    runs: 'both',
  };
}

export const WRITE_BENCHES: readonly BenchCase[] = (['memory', 'disk'] as const).map(writeCase);

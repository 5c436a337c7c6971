// The least that an installation can cost on a machine, by the model T = C·c + U·(i + s + w) + F·(f + t), with C compressed
// and U unpacked megabytes and F files. Each cost is that of the fastest known way, measured alone in the same record.
import { quantile } from '../src/core/statistics.js';
import { WRITE_CASES, WRITTEN } from './definitions/write.js';
import type { InputFacts } from './inputs/case-input.js';
import type { BenchRecord, CaseRecord } from './record.js';
import { valuesOf } from './values.js';

/** Milliseconds of CPU time, per megabyte and per file. */
export interface LimitParts {
  readonly engine: string;
  readonly place: string;
  readonly checksum: number;
  readonly inflate: number;
  readonly scan: number;
  readonly write: number;
  readonly file: number;
  readonly member: number;
}

const MB = 1e6;
const TAR_CASE = 'tar: 4,000 small files';
const TAR_FILES = 4000;

/** Undefined if the record lacks one of the parts. */
export function limitParts(
  record: BenchRecord,
  engine: string,
  place: 'memory' | 'disk',
): LimitParts | undefined {
  const cost = (bench: string, contender: string) => cpuOf(record, bench, contender);
  const perMegabyte = (bench: string, contender: string) => {
    const [time, found] = [cost(bench, contender), caseOf(record, bench)];
    return time === undefined || found === undefined ? undefined : time / (found.input.unpackedBytes / MB);
  };
  const checksum = perMegabyte('sha256', 'node:crypto');
  const inflate = perMegabyte('inflate: machine code', engine);
  const scan = perMegabyte('scan: 60 prefixes', engine);
  const tar = cost(TAR_CASE, 'regraft');
  const writing = writeCosts(
    cost(WRITE_CASES[place], WRITTEN.small.name),
    cost(WRITE_CASES[place], WRITTEN.large.name),
  );
  if (checksum === undefined || inflate === undefined || scan === undefined) return undefined;
  if (tar === undefined || writing === undefined) return undefined;
  return { engine, place, checksum, inflate, scan, ...writing, member: tar / TAR_FILES };
}

/** What bytes and files cost, from many small files and few large ones. */
function writeCosts(small: number | undefined, large: number | undefined) {
  if (small === undefined || large === undefined) return undefined;
  const [few, many] = [WRITTEN.large, WRITTEN.small];
  const [fewBytes, manyBytes] = [(few.files * few.size) / MB, (many.files * many.size) / MB];
  const file = Math.max(
    0,
    (small * fewBytes - large * manyBytes) / (many.files * fewBytes - few.files * manyBytes),
  );
  return { file, write: Math.max(0, (large - few.files * file) / fewBytes) };
}

/** Milliseconds. */
export function limitOf(parts: LimitParts, { compressedBytes, unpackedBytes, files }: InputFacts): number {
  const { checksum, inflate, scan, write, file, member } = parts;
  const [compressed, unpacked] = [compressedBytes / MB, unpackedBytes / MB];
  return compressed * checksum + unpacked * (inflate + scan + write) + files * (file + member);
}

const OWN = /^(?:regraft|warm) (wasm|native), (?:no|\d+) workers?$/;

/** Each of our contenders' CPU time as a multiple of its engine's limit; empty for a case that installs nothing. */
export function limitDistances(bench: CaseRecord, record: BenchRecord): ReadonlyMap<string, number> {
  if (bench.input.packages === 0 || bench.place === undefined) return new Map();
  return new Map(
    bench.contenders.flatMap((contender): (readonly [string, number])[] => {
      const engine = OWN.exec(contender.name)?.[1];
      const parts = engine && limitParts(record, engine, bench.place ?? 'memory');
      const times = valuesOf(contender, 'cpu');
      if (!parts || times.length === 0) return [];
      return [[contender.name, quantile(times, 0.5) / limitOf(parts, bench.input)]];
    }),
  );
}

function caseOf({ cases }: BenchRecord, bench: string): CaseRecord | undefined {
  return cases.find(({ name }) => name === bench);
}

function cpuOf(record: BenchRecord, bench: string, contender: string): number | undefined {
  const found = caseOf(record, bench)?.contenders.find(({ name }) => name === contender);
  const times = valuesOf(found, 'cpu');
  return times.length === 0 ? undefined : quantile(times, 0.5);
}

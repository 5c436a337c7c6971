// Upload, download and list of a bucket, beside `aws s3` (awscli of PyPI), in interleaved rounds against a server on this machine.
//
//     REGRAFT_S3_SERVER=SCRIPT node dist/bench/s3.js [--rounds 5] [--megabytes 1000] [--objects 100000] [--only upload]
//
// The script starts a server for a folder and writes `env` there, with its AWS_* variables and S3_PID; buckets are folders in `data`.
// REGRAFT_AWS names `aws` where it is not in PATH. Ratios are medians of the ratios within rounds: above 1, regraft is faster.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { summarize } from '../src/core/statistics.js';
import { SeededRandom } from '../test/helpers/seeded-random.js';
import { type CommandResult, measureCommand } from './measure/command.js';
import { openPlaces } from './places.js';

const PEER = fileURLToPath(new URL('peers/bucket.js', import.meta.url));
const MEGABYTE = 1_000_000;

interface Server {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The folder that is the bucket. */
  readonly bucket: string;
  stop(): void;
}

interface Bench {
  readonly name: string;
  /** Arguments of `bucket.js`, and of `aws s3`. */
  readonly ours: readonly string[];
  readonly aws: readonly string[];
  /** @throws Error for a wrong result */
  check(output: string): Promise<void>;
  reset(): void;
}

type Contender = 'regraft' | 'aws';

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '5' },
      megabytes: { type: 'string', default: '1000' },
      objects: { type: 'string', default: '100000' },
      only: { type: 'string', default: '' },
    },
  });
  const script = process.env.REGRAFT_S3_SERVER;
  if (script === undefined) throw new TypeError('REGRAFT_S3_SERVER names no script that starts a server');
  const { memory, disk } = openPlaces();
  const server = startServer(script, join(memory.folder, 'server'));
  try {
    const size = Number(values.megabytes) * MEGABYTE;
    const setting = { server, folder: memory.folder, size, objects: Number(values.objects) };
    const benches = (await benchesFor(setting)).filter(({ name }) => name.includes(values.only));
    for (const bench of benches) await runRounds(bench, server, Number(values.rounds));
  } finally {
    server.stop();
    for (const { folder } of [memory, disk]) rmSync(folder, { recursive: true, force: true });
  }
}

function startServer(script: string, folder: string): Server {
  mkdirSync(folder);
  execFileSync(script, [folder], { stdio: 'ignore' });
  const text = readFileSync(join(folder, 'env'), 'utf8');
  const { S3_PID, ...variables } = Object.fromEntries(
    [...text.matchAll(/(?<= )(\w+)=(\S+)/g)].map(([, name = '', value = '']) => [name, value]),
  );
  const bucket = join(folder, 'data', 'bucket');
  mkdirSync(bucket, { recursive: true });
  const environment = { ...process.env, ...variables, AWS_EC2_METADATA_DISABLED: 'true', TMPDIR: folder };
  return { environment, bucket, stop: () => process.kill(Number(S3_PID)) };
}

interface Setting {
  readonly server: Server;
  readonly folder: string;
  /** In bytes. */
  readonly size: number;
  readonly objects: number;
}

async function benchesFor({ server: { bucket }, folder, size, objects }: Setting): Promise<Bench[]> {
  const [input, output] = [join(folder, 'input'), join(folder, 'output')];
  const [uploaded, stored] = [join(bucket, 'uploaded'), join(bucket, 'stored')];
  await pipeline(Readable.from(randomChunks(size)), createWriteStream(input));
  await pipeline(createReadStream(input), createWriteStream(stored));
  makeObjects(join(bucket, 'list'), objects);
  const wanted = await digestOf(input);
  const requireSame = async (path: string) => {
    if ((await digestOf(path)) !== wanted) throw new Error(`"${path}" has other bytes`);
  };
  return [
    {
      name: `upload ${size / MEGABYTE} MB`,
      ours: ['upload', 's3://bucket', 'uploaded', input],
      aws: ['cp', '--only-show-errors', input, 's3://bucket/uploaded'],
      check: () => requireSame(uploaded),
      reset: () => rmSync(uploaded, { force: true }),
    },
    {
      name: `download ${size / MEGABYTE} MB`,
      ours: ['download', 's3://bucket', 'stored', output],
      aws: ['cp', '--only-show-errors', 's3://bucket/stored', output],
      check: () => requireSame(output),
      reset: () => rmSync(output, { force: true }),
    },
    {
      name: `list ${objects} objects`,
      ours: ['list', 's3://bucket', 'list'],
      aws: ['ls', '--recursive', 's3://bucket/list/'],
      check: async (text) => {
        const count = /^\d+\n$/.test(text) ? Number(text) : text.split('\n').length - 1;
        if (count !== objects) throw new Error(`${count} objects were listed`);
      },
      reset: () => {},
    },
  ];
}

/** Bytes that nothing compresses. */
function* randomChunks(size: number): Iterable<Buffer> {
  const random = new SeededRandom(1);
  const block = Buffer.alloc(MEGABYTE);
  for (let at = 0; at < block.length; at += 4) block.writeUInt32LE(random.between(0, 0xffffffff), at);
  for (let at = 0; at < size; at += block.length) {
    block.writeUInt32LE(at >>> 0, 0);
    yield Buffer.from(block.subarray(0, Math.min(block.length, size - at)));
  }
}

/** As objects of a build cache are: several in each of many folders. */
function makeObjects(folder: string, count: number): void {
  for (let i = 0; i < count; i++) {
    const parent = join(folder, `package-${i % 1000}`);
    if (i < 1000) mkdirSync(parent, { recursive: true });
    writeFileSync(join(parent, `${i}.spec.manifest.json`), '');
  }
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** Forwards and backwards in turn, after a round that only warms up. */
async function runRounds(bench: Bench, { environment }: Server, rounds: number): Promise<void> {
  const aws = process.env.REGRAFT_AWS ?? 'aws';
  const hasAws = isThere(aws);
  if (!hasAws) console.log(`${bench.name}: no "${aws}" here, so there is nothing to compare with`);
  const samples: Record<Contender, CommandResult['sample'][]> = { regraft: [], aws: [] };
  const contenders: readonly Contender[] = hasAws ? ['regraft', 'aws'] : ['regraft'];
  for (let round = 0; round <= rounds; round++) {
    for (const contender of round % 2 === 0 ? contenders : [...contenders].reverse()) {
      bench.reset();
      const command =
        contender === 'aws'
          ? { program: aws, args: ['s3', ...bench.aws] }
          : { program: process.execPath, args: [PEER, ...bench.ours] };
      const { sample, output } = await measureCommand({ ...command, environment });
      await bench.check(output);
      if (round > 0) samples[contender].push(sample);
    }
  }
  for (const contender of contenders)
    console.log(`${bench.name}: ${contender}: ${summary(samples[contender])}`);
  const ratios = samples.regraft.flatMap(({ wall }, i) => {
    const other = samples.aws[i];
    return other === undefined ? [] : [other.wall / wall];
  });
  if (ratios.length === 0) return;
  const all = ratios.map((ratio) => ratio.toFixed(2)).join(' ');
  console.log(`${bench.name}: regraft is ${summarize(ratios).median.toFixed(2)} times as fast (${all})`);
}

function summary(samples: readonly CommandResult['sample'][]): string {
  const of = (pick: (sample: CommandResult['sample']) => number | undefined) =>
    summarize(samples.flatMap((sample) => pick(sample) ?? [])).median;
  const [wall, cpu] = [of((each) => each.wall), of((each) => each.cpu)];
  const peak = Math.max(...samples.map((each) => each.peak ?? 0));
  return `${(wall / 1000).toFixed(2)} s, CPU ${(cpu / 1000).toFixed(2)} s, peak at most ${(peak / MEGABYTE).toFixed(0)} MB`;
}

function isThere(program: string): boolean {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

await main();

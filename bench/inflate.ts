// Raw speed of the inflate engines against zlib: `node dist/bench/inflate.js [--rounds N] [--megabytes N] [--input FILE.gz]`.
// Input: a tar of this machine's libraries, made in memory. Rounds are interleaved (A B C A B C); CPU time of the process counts.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createGunzip, gzipSync } from 'node:zlib';
import { WasmInflater } from '../src/relocation/engines/wasm-inflater.js';
import { WasmKernels } from '../src/relocation/engines/wasm-kernels.js';
import { GunzipDecoder } from '../src/stream/gunzip.js';
import type { Inflater } from '../src/stream/inflater.js';
import { JsInflater } from '../src/stream/js-inflater.js';

const INPUT_CHUNK = 256 * 1024;
const ZLIB_CHUNK = 1024 * 1024;
const BLOCK = 512;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    megabytes: { type: 'string', default: '100' },
    input: { type: 'string' },
  },
});

/** Shared libraries under a folder, in order of their names. */
function* libraries(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true }).sort((a, b) =>
    a.name < b.name ? -1 : 1,
  )) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* libraries(path);
    else if (entry.isFile() && /\.(so|a|node)(\.|$)|lib.*\.so/.test(entry.name)) yield path;
  }
}

/** As a tar lays files out: a header block, the content, zeros up to the next block. What the header says does not matter here. */
function makeTar(limit: number): Buffer {
  const parts: Buffer[] = [];
  let size = 0;
  for (const path of libraries('/usr/lib')) {
    if (statSync(path).size > limit / 4) continue;
    const content = readFileSync(path);
    const header = Buffer.alloc(BLOCK);
    header.write(path.slice(0, 100));
    header.write('0000644\x000000000\x000000000\0', 100);
    parts.push(header, content, Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK));
    size += content.length + BLOCK;
    if (size >= limit) break;
  }
  return Buffer.concat(parts);
}

function loadInput(): Buffer {
  if (values.input !== undefined) return readFileSync(values.input);
  return gzipSync(makeTar(Number(values.megabytes) * 1e6), { level: 6 });
}

type Engine = (input: Uint8Array) => Promise<number>;

function withInflater(inflater: Inflater): Engine {
  return async (input) => {
    let size = 0;
    const onOutput = (bytes: Uint8Array): void => {
      size += bytes.length;
    };
    const decoder = new GunzipDecoder({ inflater, onOutput });
    for (let offset = 0; offset < input.length; offset += INPUT_CHUNK) {
      decoder.push(input.subarray(offset, offset + INPUT_CHUNK));
    }
    decoder.finish();
    return size;
  };
}

async function withZlib(input: Uint8Array): Promise<number> {
  const stream = createGunzip({ chunkSize: ZLIB_CHUNK });
  const feeding = (async () => {
    for (let offset = 0; offset < input.length; offset += INPUT_CHUNK) {
      if (stream.write(input.subarray(offset, offset + INPUT_CHUNK))) continue;
      await new Promise((resolve) => stream.once('drain', resolve));
    }
    stream.end();
  })();
  let size = 0;
  for await (const chunk of stream) size += (chunk as Buffer).length;
  await feeding;
  return size;
}

const engines: Readonly<Record<string, Engine>> = {
  js: withInflater(new JsInflater()),
  wasm: withInflater(new WasmInflater(new WasmKernels().exports)),
  zlib: withZlib,
};

/** Seconds of CPU and the size of the output. */
async function measure(engine: Engine, input: Uint8Array): Promise<{ seconds: number; size: number }> {
  const begin = process.cpuUsage();
  const size = await engine(input);
  const { user, system } = process.cpuUsage(begin);
  return { seconds: (user + system) / 1e6, size };
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN;
}

const input = loadInput();
const times = new Map(Object.keys(engines).map((name): [string, number[]] => [name, []]));
let outputSize: number | undefined;
for (let round = 0; round <= Number(values.rounds); round++) {
  for (const [name, engine] of Object.entries(engines)) {
    const { seconds, size } = await measure(engine, input);
    outputSize ??= size;
    if (size !== outputSize) throw new Error(`${name} gives ${size} bytes, not ${outputSize}`);
    if (round > 0) times.get(name)?.push(seconds); // round 0 warms up
  }
}

const megabytes = (outputSize ?? 0) / 1e6;
console.log(
  `${megabytes.toFixed(1)} MB from ${(input.length / 1e6).toFixed(1)} MB, ${values.rounds} rounds, MB per CPU second`,
);
for (const [name, all] of times) {
  const best = megabytes / Math.min(...all);
  const ratio = median(all.map((seconds, i) => seconds / (times.get('zlib')?.[i] ?? Number.NaN)));
  const line = [name.padEnd(5), `median ${(megabytes / median(all)).toFixed(0)}`, `best ${best.toFixed(0)}`];
  console.log([...line, `CPU against zlib ${ratio.toFixed(2)}`].join('  '));
}

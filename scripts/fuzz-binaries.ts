// The long run of damaged ELF and Mach-O files through the patchers of every engine, which must do the same as the `js` engine: edits within
// the file and its allowed growth, or a coded error, in bounded time. `npm run fuzz:binaries -- --count 1000000 --seed 1`.
// Case `n` of a seed depends on nothing else, so `--first n --count 1` repeats it. `--engines js,wasm` selects engines.
import { parseArgs } from 'node:util';
import type { RelocationEngine } from '../src/relocation/engine.js';
import { ENGINES } from '../test/engines/engines.js';
import { type Engines, fuzzCase, fuzzSpecimens } from '../test/helpers/binary-fuzz.js';

/** The most CPU time that a case may use, in milliseconds. */
const LONGEST_CASE = 5_000;
const PROGRESS_EVERY = 50_000;

Error.stackTraceLimit = 0; // many cases are refusals, and stack traces cost more than these

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
    first: { type: 'string', default: '0' },
    engines: { type: 'string', default: ENGINES.map(({ name }) => name).join(',') },
  },
});
const [count, seed, first] = [values.count, values.seed, values.first].map(Number) as [
  number,
  number,
  number,
];
const wanted = values.engines.split(',');
const [reference, ...others] = ENGINES.filter(({ name }) => wanted.includes(name));
if (![count, seed, first].every((value) => Number.isSafeInteger(value) && value >= 0) || !reference) {
  console.error('Usage: fuzz-binaries [--count N] [--seed N] [--first N] [--engines NAME,…]');
  process.exit(2);
}

const engines: Engines = [reference as RelocationEngine, ...others];
const specimens = fuzzSpecimens();
const outcomes = new Map<string, number>();
let failures = 0;
let slowest = 0;
const begin = Date.now();
for (let index = first; index < first + count; index++) {
  const start = process.cpuUsage();
  try {
    const outcome = fuzzCase(engines, specimens, { seed, index });
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  } catch (error) {
    failures++;
    console.error(`Seed ${seed}, case ${index}: ${error instanceof Error ? error.message : String(error)}`);
  }
  const { user, system } = process.cpuUsage(start);
  const duration = (user + system) / 1000;
  slowest = Math.max(slowest, duration);
  if (duration > LONGEST_CASE) {
    failures++;
    console.error(`Seed ${seed}, case ${index}: took ${Math.round(duration)} ms`);
  }
  if ((index + 1 - first) % PROGRESS_EVERY === 0)
    console.error(`${index + 1 - first} cases, ${Date.now() - begin} ms`);
}
for (const [name, number] of [...outcomes].sort()) console.error(`${String(number).padStart(8)}  ${name}`);
const names = engines.map(({ name }) => name);
const milliseconds = Date.now() - begin;
console.log(
  JSON.stringify({ engines: names, seed, first, count, failures, slowest: Math.ceil(slowest), milliseconds }),
);
process.exitCode = failures === 0 ? 0 : 1;

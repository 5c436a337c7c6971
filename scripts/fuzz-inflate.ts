// The long comparison of the inflate engines with zlib: `node dist/scripts/fuzz-inflate.js --count 1000000 --seed 1`.
// Case `n` of a seed depends on nothing else, so `--first n --count 1` repeats it.
import { parseArgs } from 'node:util';
import { WasmInflater } from '../src/relocation/engines/wasm/wasm-inflater.js';
import { WasmKernels } from '../src/relocation/engines/wasm/wasm-kernels.js';
import type { Inflater } from '../src/stream/inflate/inflater.js';
import { JsInflater } from '../src/stream/inflate/js-inflater.js';
import { mutate, randomPieces, randomStream } from '../test/helpers/deflate-samples.js';
import { assertLikeZlib, inflateWithZlib } from '../test/helpers/inflate-oracle.js';
import { NATIVE } from '../test/helpers/native-engine.js';
import { SeededRandom } from '../test/helpers/seeded-random.js';

/** Damaged forms tried of each stream: making one costs more than decoding it. */
const FORMS_PER_STREAM = 8;
const PROGRESS_EVERY = 50_000;

Error.stackTraceLimit = 0; // most cases are refusals, and making stack traces took a tenth of the time

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
    first: { type: 'string', default: '0' },
  },
});
const count = Number(values.count);
const seed = Number(values.seed);
const first = Number(values.first);
if (![count, seed, first].every((value) => Number.isSafeInteger(value) && value >= 0)) {
  console.error('Usage: fuzz-inflate [--count N] [--seed N] [--first N], all whole numbers');
  process.exit(2);
}

const inflaters: Readonly<Record<string, Inflater>> = {
  js: new JsInflater(),
  wasm: new WasmInflater(new WasmKernels().exports),
  ...(NATIVE && { native: NATIVE.createInflater() }),
};
const outcomes = { ended: 0, truncated: 0, invalid: 0 };

function stream(index: number): Uint8Array {
  return randomStream(new SeededRandom(Math.imul(seed, 0x9e3779b1) + Math.floor(index / FORMS_PER_STREAM)));
}

let base: Uint8Array = stream(first);
const begin = Date.now();
for (let index = first; index < first + count; index++) {
  if (index % FORMS_PER_STREAM === 0) base = stream(index);
  const random = new SeededRandom(Math.imul(seed, 0x85ebca6b) ^ index);
  const input = mutate(random, base);
  const sizes = randomPieces(random, input.length);
  const expected = inflateWithZlib(input);
  for (const [name, inflater] of Object.entries(inflaters)) {
    try {
      const { status } = assertLikeZlib(inflater, input, sizes, expected);
      if (name === 'wasm') outcomes[status]++;
    } catch (error) {
      console.error(`Engine ${name}, seed ${seed}, case ${index}, pieces ${sizes}`);
      console.error(`Input (base64): ${Buffer.from(input).toString('base64')}`);
      throw error;
    }
  }
  // zlib frees what a refused stream took in a turn of the event loop only.
  if (index % 1000 === 0) await new Promise((resolve) => setImmediate(resolve));
  if ((index + 1) % PROGRESS_EVERY === 0)
    console.error(`${index + 1 - first} cases, ${Date.now() - begin} ms`);
}
console.log(JSON.stringify({ seed, first, count, ...outcomes, milliseconds: Date.now() - begin }));

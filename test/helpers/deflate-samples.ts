// Random DEFLATE streams and random damage, for comparing decoders with zlib. The same seed gives the same stream
// (as far as the zlib of the running node compresses the same way).
import { constants, deflateRawSync } from 'node:zlib';
import { DeflateBuilder, type Token } from './deflate-builder.js';
import type { SeededRandom } from './seeded-random.js';

const WORDS = [
  'lib',
  '/opt/store',
  '/',
  'include',
  '\0',
  '\0\0\0\0',
  'ELF',
  '__attribute__',
  '.so.1',
  ' = ',
  '\n',
  'abcdefgh',
];

/** Bytes of many kinds: noise, few symbols, words, runs, repeats from far away. */
export function randomData(random: SeededRandom): Uint8Array {
  const parts: Uint8Array[] = [];
  let size = 0;
  for (let left = random.pick([0, 1, 1, 2, 3, 6]); left > 0; left--) {
    const part = randomPart(random, parts);
    parts.push(part);
    size += part.length;
    if (size > 60_000) break;
  }
  return Buffer.concat(parts);
}

function randomPart(random: SeededRandom, before: readonly Uint8Array[]): Uint8Array {
  const length = random.pick([1, 10, 100, 300, 1000, 3000]) + random.below(50);
  switch (random.below(6)) {
    case 0:
      return random.bytes(length);
    case 1:
      return random.bytes(length, random.pick([2, 3, 5, 17]));
    case 2:
      return Buffer.from(Array.from({ length: length / 5 }, () => random.pick(WORDS)).join(''));
    case 3:
      return new Uint8Array(length * random.pick([1, 10])).fill(random.below(256));
    case 4:
      return before[0] ?? random.bytes(length);
    default: {
      const unit = random.bytes(random.between(1, 40));
      return Uint8Array.from({ length }, (_, i) => unit[i % unit.length] as number);
    }
  }
}

/** A sound stream from zlib, from the builder, or noise. */
export function randomStream(random: SeededRandom): Uint8Array {
  switch (random.below(8)) {
    case 0:
      return random.bytes(random.between(1, 80));
    case 1:
    case 2:
      return builtStream(random);
    default:
      return zlibStream(random);
  }
}

function zlibStream(random: SeededRandom): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let left = random.pick([1, 1, 1, 2, 4]); left > 0; left--) {
    parts.push(
      deflateRawSync(randomData(random), {
        level: random.between(0, 9),
        strategy: random.pick([
          constants.Z_DEFAULT_STRATEGY,
          constants.Z_FILTERED,
          constants.Z_HUFFMAN_ONLY,
          constants.Z_RLE,
          constants.Z_FIXED,
        ]),
        memLevel: random.between(1, 9),
        windowBits: random.between(9, 15),
        // A flushed piece does not end the stream, so pieces make one stream of many blocks.
        finishFlush:
          left === 1 ? constants.Z_FINISH : random.pick([constants.Z_FULL_FLUSH, constants.Z_SYNC_FLUSH]),
      }),
    );
  }
  return Buffer.concat(parts);
}

/** Lengths of a random complete code over `symbols` of `count` symbols, none longer than 15 bits. */
export function randomCode(random: SeededRandom, symbols: readonly number[], count: number): number[] {
  const lengths: number[] = [0];
  while (lengths.length < symbols.length) {
    // Split a leaf; a bias to the last one makes long codes.
    const at = random.below(3) === 0 ? random.below(lengths.length) : lengths.length - 1;
    const candidate = (lengths[at] as number) < 15 ? at : lengths.findIndex((length) => length < 15);
    const length = (lengths[candidate] as number) + 1;
    lengths.splice(candidate, 1, length, length);
  }
  const result = new Array<number>(count).fill(0);
  symbols.forEach((symbol, i) => {
    result[symbol] = Math.max(1, lengths[i] as number);
  });
  return result;
}

function subset(random: SeededRandom, from: readonly number[], count: number): number[] {
  const rest = [...from];
  return Array.from(
    { length: Math.min(count, rest.length) },
    () => rest.splice(random.below(rest.length), 1)[0] as number,
  );
}

const LITERALS = Array.from({ length: 256 }, (_, i) => i);
const LENGTH_SYMBOLS = Array.from({ length: 29 }, (_, i) => 257 + i);
const DISTANCE_SYMBOLS = Array.from({ length: 30 }, (_, i) => i);
const LENGTH_EXTRA = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];

/** Dynamic blocks with random codes; most of their matches stay inside what was written. */
function builtStream(random: SeededRandom): Uint8Array {
  const builder = new DeflateBuilder();
  let written = 0;
  for (let left = random.between(1, 3); left > 0; left--) {
    const literals = subset(random, LITERALS, random.pick([1, 2, 20, 256]));
    const lengths = subset(random, LENGTH_SYMBOLS, random.pick([0, 1, 5, 29]));
    const distances = subset(random, DISTANCE_SYMBOLS, random.pick([1, 2, 8, 30]));
    const tokens: Token[] = [];
    for (let n = random.between(1, 150); n > 0; n--) {
      const lengthSymbol = lengths.length > 0 && random.below(3) === 0 ? random.pick(lengths) : undefined;
      if (lengthSymbol === undefined) {
        tokens.push(random.pick(literals));
        written++;
      } else {
        written += addMatch(random, tokens, lengthSymbol, distances, written);
      }
    }
    builder.dynamic({
      litlen: randomCode(random, [...literals, 256, ...lengths], 286),
      distance: randomCode(random, distances, 30),
      tokens: [...tokens, 'end'],
      isFinal: left === 1,
    });
  }
  return builder.build();
}

function addMatch(
  random: SeededRandom,
  tokens: Token[],
  lengthSymbol: number,
  distances: readonly number[],
  written: number,
): number {
  const index = lengthSymbol - 257;
  const extra = LENGTH_EXTRA[index] as number;
  const base =
    lengthSymbol === 285 ? 258 : 3 + LENGTH_EXTRA.slice(0, index).reduce((sum, bits) => sum + 2 ** bits, 0);
  const length = base + random.below(2 ** extra);
  const reachable = distances.filter((symbol) => firstDistance(symbol) <= written || random.below(200) === 0);
  if (reachable.length === 0) return 0;
  const symbol = random.pick(reachable);
  const most = Math.min(firstDistance(symbol + 1) - 1, Math.max(written, firstDistance(symbol)));
  tokens.push({ length, distance: random.between(firstDistance(symbol), most), lengthSymbol });
  return length;
}

function firstDistance(symbol: number): number {
  return symbol < 4 ? symbol + 1 : (2 + (symbol & 1)) * 2 ** ((symbol >> 1) - 1) + 1;
}

/** Damages a stream, or leaves it alone. */
export function mutate(random: SeededRandom, stream: Uint8Array): Uint8Array {
  let bytes: Uint8Array = Uint8Array.from(stream);
  for (let left = random.pick([0, 1, 1, 2, 5]); left > 0 && bytes.length > 0; left--) {
    const at = random.below(random.below(2) === 0 ? bytes.length : Math.min(bytes.length, 60));
    switch (random.below(6)) {
      case 0:
        bytes[at] = random.below(256);
        break;
      case 1:
        bytes = bytes.slice(0, at);
        break;
      case 2:
        bytes = Buffer.concat([bytes.subarray(0, at), random.bytes(1), bytes.subarray(at)]);
        break;
      case 3:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]);
        break;
      default:
        bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
    }
  }
  return random.below(4) === 0 ? Buffer.concat([bytes, random.bytes(random.between(1, 20))]) : bytes;
}

/** Sizes of the pieces an input is cut into: a few short ones and the rest, now and then short ones to the end. */
export function randomPieces(random: SeededRandom, size: number): number[] {
  if (random.below(20) === 0) return [random.pick([1, 2, 3, 7, 31, 33])];
  const most = Math.max(1, size >> random.below(5));
  return [...Array.from({ length: random.below(8) }, () => random.between(1, most)), Math.max(1, size)];
}

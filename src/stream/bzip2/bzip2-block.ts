// Decodes one block of a bzip2 stream: Huffman codes, move-to-front, Burrows-Wheeler transform, runs.
// There is no standard; the format is the one libbz2 1.0 writes. Reading is a generator that yields where it needs more input.
import { IntegrityError } from '../../core/errors.js';
import { CHUNK_SIZE } from '../chunk-size.js';
import type { BitReader } from './bit-reader.js';

const GROUP_SIZE = 50;
const MAX_SELECTORS = 18002;
const MAX_CODE_LENGTH = 20;
const RUN_B = 1;

/** Yields when it needs more input. */
export type Resumable<Result> = Generator<undefined, Result, undefined>;

export function invalidBzip2(reason: string): IntegrityError {
  return new IntegrityError('bzip2-invalid', `Cannot decompress bzip2 data: ${reason}`, {
    hint: 'The file is damaged: fetch it again',
    data: { reason },
  });
}

function crcTable(): Uint32Array {
  const table = new Uint32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte << 24;
    for (let bit = 0; bit < 8; bit++) crc = crc < 0 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
    table[byte] = crc;
  }
  return table;
}

const CRC_TABLE = crcTable();

/** A canonical Huffman code, decoded bit by bit: codes of one length are consecutive numbers. */
class HuffmanCode {
  /** Per length: the largest code, and what to subtract from a code to find its symbol. */
  readonly #limits = new Int32Array(MAX_CODE_LENGTH + 1).fill(-1);
  readonly #bases = new Int32Array(MAX_CODE_LENGTH + 1);
  readonly #symbols: number[] = [];

  constructor(lengths: Uint8Array) {
    let code = 0;
    for (let length = 1; length <= MAX_CODE_LENGTH; length++) {
      this.#bases[length] = code - this.#symbols.length;
      for (let symbol = 0; symbol < lengths.length; symbol++) {
        if (lengths[symbol] !== length) continue;
        this.#symbols.push(symbol);
        this.#limits[length] = code++;
      }
      code <<= 1;
    }
  }

  /** Takes one symbol from the next 20 bits, which must be available; an over-subscribed code cannot lead outside the list. */
  take(bits: BitReader): number {
    for (let length = 1; length <= MAX_CODE_LENGTH; length++) {
      const code = bits.peek(length);
      if (code > (this.#limits[length] as number)) continue;
      const symbol = this.#symbols[code - (this.#bases[length] as number)];
      if (symbol === undefined) break;
      bits.drop(length);
      return symbol;
    }
    throw invalidBzip2('a code stands for no symbol');
  }
}

/** One block after the other, in memory that is made once: 4 bytes for each byte of the largest block. */
export class Bzip2Block {
  readonly #capacity: number;
  /** The transformed block: bytes in the lowest 8 bits, then (when complete) where the next one is, above. */
  readonly #cells: Uint32Array;
  readonly #byteCounts = new Int32Array(256);
  #size = 0;
  #origin = 0;
  readonly #output = new Uint8Array(CHUNK_SIZE);

  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#cells = new Uint32Array(capacity);
  }

  get capacity(): number {
    return this.#capacity;
  }

  /**
   * Reads the block behind its magic number and checksum.
   * @throws IntegrityError `bzip2-invalid`
   */
  *read(bits: BitReader): Resumable<void> {
    while (!bits.need(1)) yield;
    if (bits.take(1) === 1) throw invalidBzip2('blocks of the old "randomised" kind are not supported');
    while (!bits.need(24)) yield;
    this.#origin = bits.take(24);
    const bytes = yield* this.#readUsedBytes(bits);
    while (!bits.need(18)) yield;
    const codeCount = bits.take(3);
    if (codeCount < 2 || codeCount > 6) throw invalidBzip2('a block has too few or too many codes');
    const selectors = yield* this.#readSelectors(bits, bits.take(15), codeCount);
    const codes: HuffmanCode[] = [];
    for (let i = 0; i < codeCount; i++) codes.push(yield* this.#readCode(bits, bytes.length + 2));
    yield* this.#readSymbols(bits, bytes, selectors, codes);
    if (this.#origin >= this.#size) throw invalidBzip2('a block begins behind its end');
    this.#linkCells();
  }

  /** The bytes that occur in the block: a map of 16 ranges, and a map of each range that has some. */
  *#readUsedBytes(bits: BitReader): Resumable<Uint8Array> {
    while (!bits.need(16)) yield;
    const ranges = bits.take(16);
    const used: number[] = [];
    for (let range = 0; range < 16; range++) {
      if (((ranges >> (15 - range)) & 1) === 0) continue;
      while (!bits.need(16)) yield;
      const map = bits.take(16);
      for (let i = 0; i < 16; i++) if ((map >> (15 - i)) & 1) used.push(range * 16 + i);
    }
    if (used.length === 0) throw invalidBzip2('a block uses no bytes');
    return Uint8Array.from(used);
  }

  /** Which code each group of 50 symbols has; more than a block can need are read and forgotten, as libbz2 does. */
  *#readSelectors(bits: BitReader, count: number, codeCount: number): Resumable<Uint8Array> {
    if (count === 0) throw invalidBzip2('a block has no selectors');
    const order = Array.from({ length: codeCount }, (_, i) => i);
    const selectors = new Uint8Array(Math.min(count, MAX_SELECTORS));
    for (let i = 0; i < count; i++) {
      let place = 0;
      for (;;) {
        while (!bits.need(1)) yield;
        if (bits.take(1) === 0) break;
        if (++place >= codeCount) throw invalidBzip2('a selector names no code');
      }
      const [code = 0] = order.splice(place, 1);
      order.unshift(code);
      if (i < selectors.length) selectors[i] = code;
    }
    return selectors;
  }

  /** Code lengths are sent as steps up and down from the one before. */
  *#readCode(bits: BitReader, symbolCount: number): Resumable<HuffmanCode> {
    const lengths = new Uint8Array(symbolCount);
    while (!bits.need(5)) yield;
    let length = bits.take(5);
    for (let symbol = 0; symbol < symbolCount; symbol++) {
      for (;;) {
        if (length < 1 || length > MAX_CODE_LENGTH) throw invalidBzip2('a code length is not possible');
        while (!bits.need(2)) yield;
        if (bits.peek(1) === 0) break;
        length += bits.take(2) === 2 ? 1 : -1;
      }
      bits.drop(1);
      lengths[symbol] = length;
    }
    return new HuffmanCode(lengths);
  }

  *#readSymbols(
    bits: BitReader,
    bytes: Uint8Array,
    selectors: Uint8Array,
    codes: readonly HuffmanCode[],
  ): Resumable<void> {
    const endOfBlock = bytes.length + 1;
    const recent = bytes.slice();
    let runWeight = 1;
    this.#size = 0;
    this.#byteCounts.fill(0);
    for (let group = 0; ; group++) {
      const code = codes[selectors[group] ?? codes.length];
      if (code === undefined) throw invalidBzip2('a block has more symbols than selectors');
      for (let i = 0; i < GROUP_SIZE; i++) {
        // Behind a block stand at least 80 bits more, so asking for the longest code asks for nothing that may be missing.
        while (!bits.need(MAX_CODE_LENGTH)) yield;
        const symbol = code.take(bits);
        if (symbol === endOfBlock) return;
        if (symbol <= RUN_B) {
          // Run lengths are numbers in base 2 with the digits 1 and 2, the lowest first.
          this.#append(recent[0] as number, runWeight * (symbol + 1));
          runWeight *= 2;
        } else {
          this.#append(moveToFront(recent, symbol - 1), 1);
          runWeight = 1;
        }
      }
    }
  }

  #append(byte: number, count: number): void {
    if (this.#size + count > this.#capacity) throw invalidBzip2('a block is larger than its stream says');
    this.#cells.fill(byte, this.#size, this.#size + count);
    this.#size += count;
    this.#byteCounts[byte] = (this.#byteCounts[byte] as number) + count;
  }

  /** Inverts the transform: cell `i` of the sorted column learns which cell follows it. */
  #linkCells(): void {
    const places = new Int32Array(256);
    for (let byte = 1; byte < 256; byte++) {
      places[byte] = (places[byte - 1] as number) + (this.#byteCounts[byte - 1] as number);
    }
    const cells = this.#cells;
    for (let i = 0; i < this.#size; i++) {
      const byte = (cells[i] as number) & 0xff;
      const place = places[byte] as number;
      places[byte] = place + 1;
      cells[place] = (cells[place] as number) | (i << 8);
    }
  }

  /** Gives out the block's bytes in pieces, valid during the call, and returns their checksum. */
  unpack(onOutput: (bytes: Uint8Array) => void): number {
    const cells = this.#cells;
    const output = this.#output;
    let crc = 0xffffffff;
    let cell = (cells[this.#origin] as number) >>> 8;
    let write = 0;
    let last = -1;
    let equal = 0;
    for (let i = 0; i < this.#size; i++) {
      const value = cells[cell] as number;
      cell = value >>> 8;
      let byte = value & 0xff;
      let count = 1;
      if (equal === 4) {
        // Four equal bytes are followed by how many more there are.
        count = byte;
        byte = last;
        equal = 0;
        last = -1;
      } else {
        equal = byte === last ? equal + 1 : 1;
        last = byte;
      }
      for (; count > 0; count--) {
        output[write++] = byte;
        crc = (crc << 8) ^ (CRC_TABLE[((crc >>> 24) ^ byte) & 0xff] as number);
        if (write < CHUNK_SIZE) continue;
        onOutput(output);
        write = 0;
      }
    }
    if (write > 0) onOutput(output.subarray(0, write));
    return ~crc >>> 0;
  }
}

function moveToFront(recent: Uint8Array, place: number): number {
  const byte = recent[place];
  if (byte === undefined) throw invalidBzip2('a symbol stands for no byte');
  recent.copyWithin(1, 0, place);
  recent[0] = byte;
  return byte;
}

// Writes DEFLATE streams (RFC 1951) bit by bit, also ones that no compressor makes: degenerate codes, wrong counts, odd repeats.

/** A match; `lengthSymbol` chooses 284 with 31 extra bits over 285 for a length of 258. */
export interface Match {
  readonly length: number;
  readonly distance: number;
  readonly lengthSymbol?: number;
}

/** A literal byte, the end of the block, a match, or any symbols as they are. */
export type Token =
  | number
  | 'end'
  | Match
  | { readonly litlenSymbol: number }
  | { readonly distanceSymbol: number };

/** One symbol of the code length code, with what its extra bits say. */
export interface LengthToken {
  readonly symbol: number;
  readonly extra?: number;
}

export interface DynamicBlock {
  readonly litlen: readonly number[];
  readonly distance: readonly number[];
  readonly tokens: readonly Token[];
  readonly isFinal?: boolean;
  /** How the lengths are sent; each by itself where left out. */
  readonly lengthTokens?: readonly LengthToken[];
  /** Lengths of the code length code, for symbols 0 to 18; a complete one where left out. */
  readonly precode?: readonly number[];
}

const PRECODE_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
/** 13 codes of 4 bits and 6 of 5 bits are complete. */
const FLAT_PRECODE = Array.from({ length: 19 }, (_, symbol) => (symbol < 13 ? 4 : 5));
const FIXED_LITLEN = Array.from({ length: 288 }, (_, i) => (i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8));
const FIXED_DISTANCE = Array.from({ length: 32 }, () => 5);

interface Range {
  readonly first: number;
  readonly extra: number;
}

function ranges(first: number, count: number, perStep: number): Range[] {
  const result: Range[] = [];
  for (let i = 0, next = first; i < count; i++) {
    const extra = Math.max(0, Math.floor(i / perStep) - 1);
    result.push({ first: next, extra });
    next += 2 ** extra;
  }
  return result;
}

const LENGTH_RANGES = ranges(3, 28, 4);
const DISTANCE_RANGES = ranges(1, 30, 2);

function rangeOf(all: readonly Range[], value: number): number {
  const index = all.findIndex(({ first, extra }) => value >= first && value < first + 2 ** extra);
  if (index < 0) throw new RangeError(`No symbol for ${value}`);
  return index;
}

/** Canonical codes for these lengths; whatever comes out for lengths that are no code. */
export function canonicalCodes(lengths: readonly number[]): number[] {
  const codes = lengths.map(() => 0);
  let code = 0;
  for (let length = 1; length <= 15; length++) {
    lengths.forEach((candidate, symbol) => {
      if (candidate === length) codes[symbol] = code++;
    });
    code *= 2;
  }
  return codes;
}

interface Code {
  readonly lengths: readonly number[];
  readonly codes: readonly number[];
}

function makeCode(lengths: readonly number[]): Code {
  return { lengths, codes: canonicalCodes(lengths) };
}

export class DeflateBuilder {
  readonly #bytes: number[] = [];
  #bitCount = 0;

  /** Appends a number, its lowest bit first. */
  bits(value: number, count: number): this {
    for (let i = 0; i < count; i++) this.#bit((value >>> i) & 1);
    return this;
  }

  align(): this {
    while (this.#bitCount % 8 !== 0) this.#bit(0);
    return this;
  }

  stored(bytes: Uint8Array, { isFinal = true, check = ~bytes.length & 0xffff } = {}): this {
    this.bits(isFinal ? 1 : 0, 1)
      .bits(0, 2)
      .align()
      .bits(bytes.length, 16)
      .bits(check, 16);
    this.#bytes.push(...bytes);
    this.#bitCount += bytes.length * 8;
    return this;
  }

  fixed(tokens: readonly Token[], { isFinal = true } = {}): this {
    this.bits(isFinal ? 1 : 0, 1).bits(1, 2);
    return this.#tokens(tokens, makeCode(FIXED_LITLEN), makeCode(FIXED_DISTANCE));
  }

  dynamic({
    litlen,
    distance,
    tokens,
    isFinal = true,
    lengthTokens,
    precode = FLAT_PRECODE,
  }: DynamicBlock): this {
    this.bits(isFinal ? 1 : 0, 1).bits(2, 2);
    this.bits(litlen.length - 257, 5)
      .bits(distance.length - 1, 5)
      .bits(15, 4);
    for (const symbol of PRECODE_ORDER) this.bits(precode[symbol] ?? 0, 3);
    const code = makeCode(precode);
    const sent = lengthTokens ?? [...litlen, ...distance].map((symbol): LengthToken => ({ symbol }));
    for (const { symbol, extra = 0 } of sent) {
      this.#symbol(code, symbol).bits(extra, [2, 3, 7][symbol - 16] ?? 0);
    }
    return this.#tokens(tokens, makeCode(litlen), makeCode(distance));
  }

  /** The stream; bits that do not fill a byte are followed by zeros. */
  build(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }

  #bit(bit: number): void {
    if (this.#bitCount % 8 === 0) this.#bytes.push(0);
    const last = this.#bytes.length - 1;
    this.#bytes[last] = (this.#bytes[last] ?? 0) | (bit << (this.#bitCount % 8));
    this.#bitCount++;
  }

  /** A code is sent with its highest bit first. */
  #symbol({ lengths, codes }: Code, symbol: number): this {
    const code = codes[symbol] ?? 0;
    for (let i = (lengths[symbol] ?? 0) - 1; i >= 0; i--) this.#bit((code >>> i) & 1);
    return this;
  }

  #tokens(tokens: readonly Token[], litlen: Code, distance: Code): this {
    for (const token of tokens) {
      if (token === 'end') this.#symbol(litlen, 256);
      else if (typeof token === 'number') this.#symbol(litlen, token);
      else if ('litlenSymbol' in token) this.#symbol(litlen, token.litlenSymbol);
      else if ('distanceSymbol' in token) this.#symbol(distance, token.distanceSymbol);
      else this.#match(token, litlen, distance);
    }
    return this;
  }

  #match({ length, distance, lengthSymbol }: Match, litlenCode: Code, distanceCode: Code): void {
    if (length === 258 && lengthSymbol !== 284) {
      this.#symbol(litlenCode, 285);
    } else {
      const index = length === 258 ? 27 : rangeOf(LENGTH_RANGES, length);
      const { first, extra } = LENGTH_RANGES[index] as Range;
      this.#symbol(litlenCode, 257 + index).bits(length - first, extra);
    }
    const index = rangeOf(DISTANCE_RANGES, distance);
    const { first, extra } = DISTANCE_RANGES[index] as Range;
    this.#symbol(distanceCode, index).bits(distance - first, extra);
  }
}

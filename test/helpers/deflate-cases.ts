// One table of hand-made DEFLATE streams (RFC 1951) for every decoder: name, bytes, what must come out.
import { DeflateBuilder, type LengthToken, type Token } from './deflate-builder.js';
import { randomCode } from './deflate-samples.js';
import { SeededRandom } from './seeded-random.js';

export interface DeflateCase {
  readonly name: string;
  readonly input: Uint8Array;
  readonly expected: Uint8Array | 'invalid' | 'truncated';
}

const A = 97;
const B = 98;

/** Code lengths with these set, the others 0. */
function lengths(count: number, set: Readonly<Record<number, number>>): number[] {
  return Array.from({ length: count }, (_, symbol) => set[symbol] ?? 0);
}

/** "a", the end and lengths of 3: complete with codes of 1, 2 and 2 bits. */
const LITLEN = lengths(258, { [A]: 1, 256: 2, 257: 2 });
const TWO_DISTANCES = [1, 1];

function text(value: string): Uint8Array {
  return Buffer.from(value, 'latin1');
}

function build(write: (builder: DeflateBuilder) => DeflateBuilder): Uint8Array {
  return write(new DeflateBuilder()).build();
}

function stored(): DeflateCase[] {
  const large = new SeededRandom(1).bytes(65535);
  return [
    { name: 'an empty stored block', input: build((b) => b.stored(text(''))), expected: text('') },
    {
      name: 'the largest stored block, then another',
      input: build((b) => b.stored(large, { isFinal: false }).stored(text('end'))),
      expected: Buffer.concat([large, text('end')]),
    },
    {
      name: 'a stored block behind bits of another block',
      input: build((b) => b.fixed([A, 'end'], { isFinal: false }).stored(text('stored'))),
      expected: text('astored'),
    },
    {
      name: 'a stored block that does not confirm its length',
      input: build((b) => b.stored(text('abc'), { check: 3 })),
      expected: 'invalid',
    },
    {
      name: 'a stored block that is cut off',
      input: build((b) => b.stored(text('abcdef'))).subarray(0, 8),
      expected: 'truncated',
    },
    { name: 'a block of the reserved type', input: Uint8Array.of(0x07, 0, 0, 0), expected: 'invalid' },
  ];
}

function fixed(): DeflateCase[] {
  const symbolCase = (name: string, token: Token, before: readonly Token[] = [A]): DeflateCase => ({
    name,
    input: build((b) => b.fixed([...before, token, 'end', 'end', 'end', 'end'])),
    expected: 'invalid',
  });
  return [
    { name: 'an empty fixed block', input: build((b) => b.fixed(['end'])), expected: text('') },
    {
      name: 'a row of empty fixed blocks',
      input: build((b) => {
        for (let i = 0; i < 500; i++) b.fixed(['end'], { isFinal: false });
        return b.fixed([A, 'end']);
      }),
      expected: text('a'),
    },
    {
      name: 'every literal in the fixed code',
      input: build((b) => b.fixed([...Array.from({ length: 256 }, (_, i) => i), 'end'])),
      expected: Uint8Array.from({ length: 256 }, (_, i) => i),
    },
    {
      name: 'a length of 258 by code 285 and by 284 with 31',
      input: build((b) =>
        b.fixed([A, { length: 258, distance: 1 }, { length: 258, distance: 1, lengthSymbol: 284 }, B, 'end']),
      ),
      expected: text(`${'a'.repeat(517)}b`),
    },
    symbolCase('literal/length symbol 286', { litlenSymbol: 286 }),
    symbolCase('literal/length symbol 287', { litlenSymbol: 287 }),
    symbolCase('distance symbol 30', { distanceSymbol: 30 }, [A, A, A, { litlenSymbol: 257 }]),
    symbolCase('distance symbol 31', { distanceSymbol: 31 }, [A, A, A, { litlenSymbol: 257 }]),
    symbolCase('a match before any output', { length: 3, distance: 1 }, []),
    symbolCase('a distance one too far', { length: 3, distance: 2 }),
    {
      name: 'a stream without its last byte',
      input: build((b) => b.fixed([A, A, A, B, B, B, 'end'])).subarray(0, -1),
      expected: 'truncated',
    },
  ];
}

/** Every distance up to 20 with every length: matches that overlap themselves. */
function overlapping(): DeflateCase {
  const tokens: Token[] = [];
  const output: number[] = [];
  const random = new SeededRandom(2);
  for (let distance = 1; distance <= 20; distance++) {
    for (const length of [3, 4, 7, 8, 9, 15, 16, 17, 31, 32, 33, 100, 257, 258]) {
      for (const byte of random.bytes(20)) {
        tokens.push(byte);
        output.push(byte);
      }
      tokens.push({ length, distance });
      for (let i = 0; i < length; i++) output.push(output[output.length - distance] as number);
    }
  }
  return {
    name: 'matches that overlap themselves',
    input: build((b) => b.fixed([...tokens, 'end'])),
    expected: Uint8Array.from(output),
  };
}

function farthest(): DeflateCase[] {
  const history = new SeededRandom(3).bytes(32768);
  const far: Token = { length: 10, distance: 32768 };
  const after = (size: number): Uint8Array =>
    build((b) => b.stored(history.subarray(0, size), { isFinal: false }).fixed([far, 'end']));
  return [
    {
      name: 'a distance of 32768 to the first byte',
      input: after(32768),
      expected: Buffer.concat([history, history.subarray(0, 10)]),
    },
    { name: 'a distance of 32768 after 32767 bytes', input: after(32767), expected: 'invalid' },
  ];
}

function degenerate(): DeflateCase[] {
  const make = (
    name: string,
    litlen: readonly number[],
    distance: readonly number[],
    tokens: readonly Token[],
    expected: string,
  ): DeflateCase => ({
    name,
    // Bits behind the stream, so that what is refused is refused and not cut off.
    input: build((b) => b.dynamic({ litlen, distance, tokens }).bits(0, 32)),
    expected: expected === 'invalid' ? expected : text(expected),
  });
  const match: Token = { length: 3, distance: 1 };
  return [
    make('only the end, with one bit', lengths(257, { 256: 1 }), [0], ['end'], ''),
    make('only the end, with two bits', lengths(257, { 256: 2 }), [0], ['end'], 'invalid'),
    make('an incomplete literal/length code', lengths(257, { [A]: 2, 256: 2 }), [0], [A, 'end'], 'invalid'),
    make(
      'an over-subscribed literal/length code',
      lengths(257, { 1: 1, 2: 1, 256: 1 }),
      [0],
      ['end'],
      'invalid',
    ),
    make('no code for the end', lengths(257, { [A]: 1, [B]: 1 }), [0], [A], 'invalid'),
    make('no literal/length code at all', lengths(257, {}), [0], [], 'invalid'),
    make('no distance code, not used', LITLEN, [0], [A, A, 'end'], 'aa'),
    make('no distance code, used', LITLEN, [0], [A, { litlenSymbol: 257 }, 'end'], 'invalid'),
    make('one distance code of one bit', LITLEN, [1], [A, match, 'end'], 'aaaa'),
    make(
      'one later distance code of one bit',
      LITLEN,
      [0, 1],
      [A, A, { length: 3, distance: 2 }, 'end'],
      'aaaaa',
    ),
    make('one distance code of two bits', LITLEN, [2], [A, 'end'], 'invalid'),
    make('an incomplete distance code', LITLEN, [2, 2], [A, 'end'], 'invalid'),
    make('an over-subscribed distance code', LITLEN, [1, 1, 1], [A, 'end'], 'invalid'),
    make('two distance codes', LITLEN, TWO_DISTANCES, [A, match, 'end'], 'aaaa'),
    {
      name: 'the missing half of a distance code of one bit',
      input: build((b) =>
        b
          .dynamic({ litlen: LITLEN, distance: [1], tokens: [A, { litlenSymbol: 257 }] })
          .bits(1, 1)
          .bits(0, 32),
      ),
      expected: 'invalid',
    },
    {
      name: 'the missing half of an end code of one bit',
      input: build((b) =>
        b
          .dynamic({ litlen: lengths(257, { 256: 1 }), distance: [0], tokens: [] })
          .bits(1, 1)
          .bits(0, 32),
      ),
      expected: 'invalid',
    },
  ];
}

function counts(): DeflateCase[] {
  const litlen = (count: number): number[] => lengths(count, { [A]: 1, 256: 1 });
  const make = (name: string, litlenCount: number, distanceCount: number): DeflateCase => ({
    name,
    input: build((b) =>
      b.dynamic({ litlen: litlen(litlenCount), distance: lengths(distanceCount, {}), tokens: [A, 'end'] }),
    ),
    expected: litlenCount > 286 || distanceCount > 30 ? 'invalid' : text('a'),
  });
  return [
    make('286 literal/length codes', 286, 1),
    make('287 literal/length codes', 287, 1),
    make('288 literal/length codes', 288, 1),
    make('30 distance codes', 257, 30),
    make('31 distance codes', 257, 31),
    make('32 distance codes', 257, 32),
  ];
}

/** Sends the lengths of "a" 1, end 2, 257 2 and of two distances of 1 bit in other ways. */
function repeats(): DeflateCase[] {
  const toA: LengthToken[] = [{ symbol: 18, extra: A - 11 }];
  const toEnd: LengthToken[] = [
    { symbol: 18, extra: 127 },
    { symbol: 18, extra: 256 - A - 1 - 138 - 11 },
  ];
  const make = (
    name: string,
    litlen: readonly number[],
    distance: readonly number[],
    lengthTokens: readonly LengthToken[],
    expected: string,
  ): DeflateCase => ({
    name,
    input: build((b) => b.dynamic({ litlen, distance, lengthTokens, tokens: [A, 'end'] }).bits(0, 32)),
    expected: expected === 'invalid' ? expected : text(expected),
  });
  const one = { symbol: 1 };
  const start = [...toA, one, ...toEnd];
  const litlen = lengths(257, { [A]: 1, 256: 1 });
  const many = lengths(260, { [A]: 1, 256: 1 });
  return [
    make('zeros sent as runs', litlen, [0], [...start, one, { symbol: 0 }], 'a'),
    make(
      'a run of zeros into the distances',
      many,
      [0, 0, 0],
      [...start, one, { symbol: 17, extra: 3 }],
      'a',
    ),
    make(
      'a repeat into the distances',
      [...lengths(257, { [A]: 1, 256: 2 }), 2],
      [2, 2, 2, 2],
      [...start, { symbol: 2 }, { symbol: 16, extra: 2 }],
      'a',
    ),
    make(
      'a repeat at the very end',
      litlen,
      [0, 0, 0, 0],
      [...start, one, { symbol: 0 }, { symbol: 16, extra: 0 }],
      'a',
    ),
    make(
      'a repeat beyond the last code',
      litlen,
      [0, 0, 0],
      [...start, one, { symbol: 0 }, { symbol: 16 }],
      'invalid',
    ),
    make('a run of zeros beyond the last code', litlen, [0], [...start, one, { symbol: 18 }], 'invalid'),
    make('a repeat with nothing before it', litlen, [0], [{ symbol: 16 }, ...start, one], 'invalid'),
  ];
}

function precodes(): DeflateCase[] {
  const litlen = lengths(257, { [A]: 1, 256: 1 });
  const make = (name: string, precode: readonly number[], expected: 'invalid' | 'a'): DeflateCase => ({
    name,
    input: build((b) => b.dynamic({ litlen, distance: [0], tokens: [A, 'end'], precode }).bits(0, 32)),
    expected: expected === 'a' ? text('a') : expected,
  });
  return [
    make('a code length code of two symbols', lengths(19, { 0: 1, 1: 1 }), 'a'),
    make(
      'a code length code of seven bits',
      lengths(19, { 0: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6, 1: 7, 7: 7 }),
      'a',
    ),
    make('an incomplete code length code', lengths(19, { 0: 2, 1: 2 }), 'invalid'),
    make('a code length code of one symbol', lengths(19, { 1: 1 }), 'invalid'),
    make('an over-subscribed code length code', lengths(19, { 0: 1, 1: 1, 2: 1 }), 'invalid'),
    make('an empty code length code', lengths(19, {}), 'invalid'),
  ];
}

/** All symbols in use, codes up to 15 bits: subtables of both codes, and 15 + 13 bits for one distance. */
function longCodes(): DeflateCase[] {
  const random = new SeededRandom(4);
  const history = random.bytes(32768);
  const litlen = randomCode(
    random,
    Array.from({ length: 286 }, (_, i) => 285 - i),
    286,
  );
  // The usual symbols get the long codes here.
  const skewed = [...lengths(30, {}).map((_, i) => Math.min(i + 1, 15))];
  const distance = randomCode(
    random,
    Array.from({ length: 30 }, (_, i) => i),
    30,
  );
  const tokens: Token[] = [];
  for (let byte = 0; byte < 256; byte++) {
    tokens.push(
      byte,
      { length: 3 + byte, distance: 1 + byte * 128 },
      { length: 258, distance: 32768 - byte },
    );
  }
  const output: number[] = [...history];
  for (const token of tokens) {
    if (typeof token === 'number') output.push(token);
    else if (typeof token === 'object' && 'length' in token) {
      for (let i = 0; i < token.length; i++) output.push(output[output.length - token.distance] as number);
    }
  }
  return [
    {
      name: 'codes of 15 bits with all extra bits',
      input: build((b) =>
        b.stored(history, { isFinal: false }).dynamic({ litlen, distance, tokens: [...tokens, 'end'] }),
      ),
      expected: Uint8Array.from(output),
    },
    {
      name: 'an over-subscribed code of many lengths',
      input: build((b) => b.dynamic({ litlen, distance: [...skewed], tokens: ['end'] }).bits(0, 32)),
      expected: 'invalid',
    },
  ];
}

/** More output than a window holds, from matches alone, so that one of them ends behind the window. */
function manyWindows(): DeflateCase {
  const tokens: Token[] = [A, B];
  for (let i = 0; i < 6000; i++) tokens.push({ length: 258, distance: 2 });
  return {
    name: 'matches over several windows',
    input: build((b) => b.fixed([...tokens, 'end'])),
    expected: text('ab'.repeat(1 + 129 * 6000)),
  };
}

export function deflateCases(): DeflateCase[] {
  return [
    ...stored(),
    ...fixed(),
    overlapping(),
    ...farthest(),
    ...degenerate(),
    ...counts(),
    ...repeats(),
    ...precodes(),
    ...longCodes(),
    manyWindows(),
  ];
}

// Bunzip2Decoder: small vectors from Python's bz2, every split, damage; larger ones with Python where it is there.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { IntegrityError } from '../../../src/core/errors.js';
import { Bunzip2Decoder } from '../../../src/stream/bzip2/bunzip2.js';
import { mutate, randomData } from '../../helpers/deflate-samples.js';
import { pushInPieces } from '../../helpers/push-pieces.js';
import { compressWithPython, decompressWithPython, hasPythonBzip2 } from '../../helpers/python-bzip2.js';
import { SeededRandom } from '../../helpers/seeded-random.js';

const fromBase64 = (text: string): Uint8Array => Buffer.from(text, 'base64');

/** python3 -c "import bz2, base64; print(base64.b64encode(bz2.compress(b'hello')))"; the same with b''. */
const HELLO = fromBase64('QlpoOTFBWSZTWRkxZT0AAACBAAJEoAAhmmgzTQczi7kinChIDJiynoA=');
const EMPTY = fromBase64('QlpoORdyRThQkAAAAAA=');
/**
 * python3 -c "import bz2, base64; d = b''.join(bytes([i]) * (i % 7) for i in range(0, 256, 5)) + b'a' * 1000 + b'ab' * 300;
 *   print(base64.b64encode(bz2.compress(d, 1)))"
 */
const RUNS = fromBase64(
  'QlpoMTFBWSZTWR7OgloAAAz///IQhCEAQhCEIAhCELQBCEIQgCEIQhAEIQhCAIQhSEAYoACJGfqgGmgJmk2pvSGmoGEaZMR6lQ0f' +
    'qRtQBoANGmmEeo8pDLUWPvY86CX503QlTPWm0wYm0HBdgRK6hs1w6C+8GNhwFbsTlFA0CNKIk4IIIigCCJB1XcV3o6ldY5rKhWtK' +
    'S64ZvdorfCwe8ZvrxW/DyHGBLLGIr4W0fkXckU4UJAezoJaA',
);
const RUNS_TEXT = Buffer.concat([
  ...Array.from({ length: 52 }, (_, i) => Buffer.alloc((i * 5) % 7, i * 5)),
  Buffer.alloc(1000, 'a'),
  Buffer.alloc(600, 'ab'),
]);

function decode(input: Uint8Array, sizes: readonly number[]): { output: Buffer; ignored: number } {
  const parts: Uint8Array[] = [];
  const decoder = new Bunzip2Decoder({ onOutput: (bytes) => parts.push(bytes.slice()) });
  pushInPieces(decoder, input, sizes);
  decoder.finish();
  return { output: Buffer.concat(parts), ignored: decoder.ignoredBytes };
}

function assertDecodes(input: Uint8Array, expected: Uint8Array, ignored = 0): void {
  const check = (sizes: readonly number[]): void => {
    const result = decode(input, sizes);
    assert.ok(result.output.equals(expected), `pieces ${sizes}`);
    assert.equal(result.ignored, ignored, `pieces ${sizes}`);
  };
  for (const size of [1, 7, 511, 512, 513, input.length + 1]) check([size]);
  for (let at = 1; at < Math.min(input.length, 200); at++) check([at, input.length]);
}

const join = (...parts: readonly Uint8Array[]): Uint8Array => Buffer.concat(parts);

function patched(input: Uint8Array, offset: number, xor: number): Uint8Array {
  const result = Uint8Array.from(input);
  result[offset] = (result[offset] as number) ^ xor;
  return result;
}

describe('Bunzip2Decoder', () => {
  it('decodes a stream at every split', () => {
    assertDecodes(HELLO, Buffer.from('hello'));
    assertDecodes(EMPTY, Buffer.alloc(0));
    assertDecodes(RUNS, RUNS_TEXT);
  });

  it('decodes streams one after the other', () => {
    assertDecodes(
      join(HELLO, EMPTY, RUNS, HELLO),
      Buffer.concat([Buffer.from('hello'), RUNS_TEXT, Buffer.from('hello')]),
    );
  });

  it('ignores what follows the last stream and counts it', () => {
    assertDecodes(join(HELLO, Buffer.from('garbage')), Buffer.from('hello'), 7);
    assertDecodes(join(HELLO, Buffer.alloc(600)), Buffer.from('hello'), 600);
    assertDecodes(join(HELLO, Buffer.from('BZ')), Buffer.from('hello'), 2);
    assertDecodes(join(HELLO, Buffer.from('BZh0')), Buffer.from('hello'), 4);
  });

  it('refuses every shorter form of a stream', () => {
    for (let size = 0; size < HELLO.length; size++) {
      assert.throws(() => decode(HELLO.subarray(0, size), [1]), { code: 'bzip2-truncated' });
    }
    assert.throws(() => decode(join(HELLO, RUNS.subarray(0, 20)), [1]), { code: 'bzip2-truncated' });
  });

  it('gives no other bytes for any single changed bit', () => {
    let refused = 0;
    for (let bit = 0; bit < HELLO.length * 8; bit++) {
      try {
        // A bit of padding, of the level, or of a code that is not used changes nothing.
        assert.equal(decode(patched(HELLO, bit >> 3, 1 << (bit & 7)), [1 << 20]).output.toString(), 'hello');
      } catch (error) {
        if (!(error instanceof IntegrityError)) throw error;
        assert.ok(['bzip2-invalid', 'bzip2-truncated'].includes(error.code), `bit ${bit}: ${error.code}`);
        refused++;
      }
    }
    assert.ok(refused > HELLO.length * 6, `${refused} were refused`);
  });

  it('refuses wrong checksums of block and stream', () => {
    assert.throws(() => decode(patched(HELLO, 10, 1), [100]), /checksum of a block/);
    assert.throws(() => decode(patched(EMPTY, 10, 1), [100]), /checksum of a stream/);
  });

  it('refuses the randomised kind', () => {
    assert.throws(() => decode(patched(HELLO, 14, 0x80), [100]), /randomised/);
  });

  it('refuses again after it refused', () => {
    const decoder = new Bunzip2Decoder({ onOutput: () => {} });
    for (let i = 0; i < 2; i++)
      assert.throws(() => decoder.push(Buffer.from('nothing')), { code: 'bzip2-invalid' });
  });

  it('ignores everything after the current stream once it is stopped', () => {
    let output = '';
    const decoder: Bunzip2Decoder = new Bunzip2Decoder({
      onOutput: (bytes) => {
        output += Buffer.from(bytes).toString();
        decoder.stop();
      },
    });
    decoder.push(join(HELLO, HELLO));
    decoder.push(HELLO);
    decoder.finish();
    assert.equal(output, 'hello');
    assert.equal(decoder.ignoredBytes, 2 * HELLO.length);
  });

  const skip = hasPythonBzip2 ? false : 'no python3 with bz2 here';

  it('decodes what Python wrote at every level', { skip }, () => {
    const random = new SeededRandom(3);
    const inputs = Array.from({ length: 27 }, (_, i) => ({ data: randomData(random), level: 1 + (i % 9) }));
    // More than one block, and runs that make a block of 100,000 bytes into 4 MB.
    inputs.push({ data: Buffer.concat([random.bytes(250_000, 9), Buffer.alloc(3_000_000, 'x')]), level: 1 });
    compressWithPython(inputs).forEach((input, i) => {
      const expected = inputs[i]?.data as Uint8Array;
      for (const size of [7, 513, 1 << 20])
        assert.ok(decode(input, [size]).output.equals(expected), `input ${i}`);
    });
  });

  it('accepts and refuses damaged streams as Python does', { skip }, () => {
    const random = new SeededRandom(4);
    const sound = compressWithPython(
      Array.from({ length: 40 }, () => ({ data: randomData(random), level: 1 })),
    );
    const damaged = Array.from({ length: 400 }, () => mutate(random, random.pick(sound)));
    decompressWithPython(damaged).forEach((expected, i) => {
      const input = damaged[i] as Uint8Array;
      let actual: Buffer | undefined;
      try {
        actual = decode(input, [random.pick([1, 100, 1 << 20])]).output;
      } catch (error) {
        assert.ok(error instanceof IntegrityError, String(error));
      }
      if (input.length === 0)
        assert.equal(actual, undefined); // Python takes nothing at all for nothing compressed
      else assert.deepEqual(actual && [...actual], expected && [...expected], `input ${i}`);
    });
  });
});

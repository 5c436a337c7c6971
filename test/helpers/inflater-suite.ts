// The tests that every raw decoder passes: the same table, the same splits, the same comparison with zlib.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import { IntegrityError } from '../../src/core/errors.js';
import type { Inflater } from '../../src/stream/inflate/inflater.js';
import { DeflateBuilder } from './deflate-builder.js';
import { type DeflateCase, deflateCases } from './deflate-cases.js';
import { mutate, randomData, randomPieces, randomStream } from './deflate-samples.js';
import { assertLikeZlib, inflateInPieces } from './inflate-oracle.js';
import { SeededRandom } from './seeded-random.js';

const SPLITS = [1, 7, 511, 512, 513, 1 << 20];

function checkCase(inflater: Inflater, { input, expected }: DeflateCase, sizes: readonly number[]): void {
  const { status, output } = inflateInPieces(inflater, input, sizes);
  if (typeof expected === 'string') {
    assert.equal(status, expected);
  } else {
    assert.equal(status, 'ended');
    assert.ok(Buffer.compare(output, expected) === 0, 'the output is the expected one');
  }
}

/** Defines the tests of one decoder. */
export function describeInflater(name: string, makeInflater: () => Inflater, randomCount: number): void {
  describe(name, () => {
    const inflater = makeInflater();

    for (const sample of deflateCases()) {
      it(`decodes or refuses ${sample.name}`, () => {
        assertLikeZlib(inflater, sample.input, [sample.input.length]);
        for (const split of SPLITS) checkCase(inflater, sample, [split]);
        if (sample.input.length > 600) return;
        for (let at = 1; at < sample.input.length; at++)
          checkCase(inflater, sample, [at, sample.input.length]);
      });
    }

    it('decodes large data of every level at every split', () => {
      const random = new SeededRandom(11);
      const data = Buffer.concat(Array.from({ length: 400 }, () => randomData(random)));
      for (let level = 0; level <= 9; level++) {
        const input = deflateRawSync(data, { level });
        for (const split of [7, 513, 70_000, input.length]) {
          const { status, output } = inflateInPieces(inflater, input, [split]);
          assert.equal(status, 'ended');
          assert.ok(output.length > 600 * 1024 && data.equals(output), `level ${level}, split ${split}`);
        }
      }
    });

    it('agrees with zlib on random streams, sound and damaged', () => {
      let ended = 0;
      for (let seed = 0; seed < randomCount; seed++) {
        const random = new SeededRandom(seed);
        const input = mutate(random, randomStream(random));
        const sizes = randomPieces(random, input.length);
        try {
          if (assertLikeZlib(inflater, input, sizes).status === 'ended') ended++;
        } catch (error) {
          throw new Error(`seed ${seed}`, { cause: error });
        }
      }
      assert.ok(ended > randomCount / 10 && ended < randomCount, `${ended} were sound`);
    });

    it('says how many bytes follow the stream', () => {
      const stream = new DeflateBuilder().fixed([97, 'end']).build();
      for (let extra = 0; extra < 40; extra++) {
        inflater.reset();
        inflater.push(Buffer.concat([stream, new Uint8Array(extra).fill(0xff)]));
        assert.deepEqual([...inflater.pull()], [97]);
        assert.equal(inflater.ended, true);
        assert.equal(inflater.unusedInput, extra);
        assert.equal(inflater.pull().length, 0);
      }
    });

    it('refuses again after it refused, until it is reset', () => {
      inflater.reset();
      inflater.push(Uint8Array.of(0x07));
      const isRefusal = (error: unknown): boolean =>
        error instanceof IntegrityError && error.code === 'deflate-invalid';
      assert.throws(() => inflater.pull(), isRefusal);
      assert.throws(() => inflater.pull(), isRefusal);
      checkCase(inflater, { name: '', input: Uint8Array.of(0x03, 0x00), expected: new Uint8Array() }, [1]);
    });

    it('does not take input before the last was used', () => {
      inflater.reset();
      inflater.push(Uint8Array.of(0x03));
      assert.throws(() => inflater.push(Uint8Array.of(0x00)), TypeError);
    });

    it('forgets the history at a reset', () => {
      checkCase(
        inflater,
        { name: '', input: deflateRawSync('a'.repeat(50_000)), expected: Buffer.alloc(50_000, 97) },
        [1],
      );
      const reaching = new DeflateBuilder().fixed([98, { length: 3, distance: 2 }, 'end']).build();
      checkCase(inflater, { name: '', input: reaching, expected: 'invalid' }, [100]);
    });
  });
}

// The text rule in every engine: against what Spack's functions answered, and against the expression itself.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { BuildcacheError } from '../../src/core/errors.js';
import { decodeMapping, type EncodedMapping, fromBase64, loadVectors } from '../helpers/vectors.js';
import { ENGINES, inWasmMemory, latin1, mappingOf, naiveText, WASM } from './engines.js';

interface TextVector {
  readonly name: string;
  readonly mapping: EncodedMapping;
  readonly input: string;
  readonly output: string | null;
}

const VECTORS = loadVectors<TextVector>('text.json');

const piece = fc.oneof(
  fc.constantFrom(
    '/old',
    '/old/store',
    '/opt/x',
    '#!/b',
    'old',
    '/',
    '//',
    '-',
    '_',
    'a',
    ':',
    ' ',
    '\n',
    '\xe9',
  ),
  fc.string({ unit: fc.constantFrom('/', 'o', 'l', 'd', '-', '.'), maxLength: 8 }),
  fc.integer({ min: 1, max: 150 }).map((length) => 'w'.repeat(length)),
);
const text = fc.array(piece, { maxLength: 40 }).map((parts) => parts.join(''));
const from = fc.constantFrom('/old', '/old/store', '/old/', '/opt/x', '#!/b', 'old', '/o', '/', '/old:');
const mapping = fc.array(fc.tuple(from, fc.constantFrom('/n', '/old', '/new/longer', '')), {
  minLength: 1,
  maxLength: 5,
});

function uniqueKeys(pairs: readonly (readonly [string, string])[]): readonly (readonly [string, string])[] {
  return [...new Map(pairs)];
}

for (const engine of ENGINES) {
  describe(`text, ${engine.name}`, () => {
    it(`does what Spack does (${VECTORS.length} vectors)`, () => {
      for (const vector of VECTORS) {
        const replacer = engine.createTextReplacer(decodeMapping(vector.mapping));
        const result = replacer.replace(fromBase64(vector.input));
        const expected = vector.output === null ? undefined : fromBase64(vector.output);
        assert.deepEqual(result && Buffer.from(result), expected, vector.name);
      }
    });

    it('equals the expression on random texts', () => {
      const property = fc.property(mapping, text, (pairs, input) => {
        const map = mappingOf(uniqueKeys(pairs));
        const result = engine.createTextReplacer(map).replace(latin1(input));
        const expected = naiveText(latin1(input), map);
        assert.deepEqual(result && Buffer.from(result), expected && Buffer.from(expected));
      });
      fc.assert(property, { seed: 11, numRuns: 600 });
    });

    it('keeps its rule over long runs, tails and its own windows', () => {
      const map = mappingOf([['/old', '/new-root']]);
      const replacer = engine.createTextReplacer(map);
      for (const size of [262_100, 262_144, 262_150, 600_000]) {
        for (const [before, after] of [
          ['', ''],
          ['/', ''],
          ['', '/old'],
          [' /old', '/old /old'],
        ]) {
          const input = latin1(`${before}${'w'.repeat(size)}/old${'t/'.repeat(size / 2)}${after}`);
          const result = replacer.replace(input);
          assert.deepEqual(result && Buffer.from(result), naiveText(input, map));
        }
      }
    });

    it('replaces more matches than fit into one answer', () => {
      const input = latin1('/old '.repeat(100_000));
      const result = engine.createTextReplacer(mappingOf([['/old', '/n']])).replace(input);
      assert.deepEqual(result && Buffer.from(result), latin1('/n '.repeat(100_000)));
    });

    it('refuses a text that would grow beyond all bounds', () => {
      const replacer = engine.createTextReplacer(mappingOf([['/', `/${'x'.repeat(16_000)}`]]));
      const input = latin1('/ '.repeat(50_000));
      assert.throws(
        () => replacer.replace(input),
        (error) => error instanceof BuildcacheError && error.code === 'text-too-large',
      );
    });
  });
}

describe('text, wasm in place', () => {
  it('does the same with bytes that lie in its memory', () => {
    const replacer = WASM.createTextReplacer(mappingOf([['/old', '/n']]));
    const input = latin1('b/a/old -L/old x /old/old '.repeat(20_000));
    assert.deepEqual(replacer.replace(inWasmMemory(input)), replacer.replace(input));
  });
});

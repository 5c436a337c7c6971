// The C string rule in every engine: against what Spack's functions answered, the expression itself, and every split of its windows.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { RelocationError } from '../../src/core/errors.js';
import type { CStringReplacer, PrefixMapping } from '../../src/relocation/engine.js';
import { decodeMapping, type EncodedMapping, fromBase64, loadVectors } from '../helpers/vectors.js';
import { ENGINES, inWasmMemory, latin1, mappingOf, naiveCStrings, SPLITS } from './engines.js';

interface CStringVector {
  readonly name: string;
  readonly mapping: EncodedMapping;
  readonly input: string;
  readonly output: string | null;
  readonly error: string | null;
}

const VECTORS = loadVectors<CStringVector>('cstring.json');

/** The result, or the code of the error. */
function replaceWhole(replacer: CStringReplacer, input: Uint8Array): Uint8Array | string {
  const bytes = Buffer.from(input);
  return resultOf(() => {
    replacer.replace(bytes, { start: 0, isLast: true });
    return bytes;
  });
}

function resultOf(action: () => Uint8Array): Uint8Array | string {
  try {
    return Buffer.from(action());
  } catch (error) {
    assert.ok(error instanceof RelocationError);
    return error.code;
  }
}

/** Feeds the bytes in windows that grow by `step` bytes, as a caller does that streams a file. */
function replaceInWindows(
  replacer: CStringReplacer,
  input: Uint8Array,
  step: number,
  place: (bytes: Uint8Array) => Uint8Array = (bytes) => Buffer.from(bytes),
): Uint8Array | string {
  return resultOf(() => {
    const done: Uint8Array[] = [];
    let window: Uint8Array = new Uint8Array(0);
    let start = 0;
    for (let at = 0; at < input.length || at === 0; at += step) {
      window = place(Buffer.concat([window, input.subarray(at, at + step)]));
      const isLast = at + step >= input.length;
      const { next } = replacer.replace(window, { start, isLast });
      const keepFrom = isLast ? window.length : Math.max(0, window.length - replacer.seam);
      assert.ok(next >= keepFrom && next <= window.length, 'next is behind what was searched');
      done.push(Buffer.from(window.subarray(0, keepFrom)));
      start = next - keepFrom;
      window = Buffer.from(window.subarray(keepFrom));
    }
    return Buffer.concat(done);
  });
}

const MAPPING: PrefixMapping = mappingOf([
  ['/old/store/zlib', '/n/z'],
  ['/old/store', '/new/st'],
  ['/long/opt/old', '/l/opt/old'],
  ['/old', '/old'],
]);
const SAMPLE = latin1(
  'x/old/store/zlib\0/old/store/zlib/a\0/old/store/long/suffix\0/long/opt/old\0/long/opt/old/ab\0/old\0' +
    '/old/store/zlibabcdef\0/old/store/zlibabcdefg\0/old/store/zlib/old/store/zlib\0\0end /old/store/zlib',
);

const filler = fc.string({ unit: fc.constantFrom('\0', '/', 'o', 'l', 'd', 'x'), maxLength: 12 });
const prefix = fc.constantFrom('/old', '/old/store', '/old/store/zlib-1.3', '/opt/old', '/o', 'ld');
const replacement = fc.constantFrom('/n', '/o', '/new/store', '/', '', '/t/old', '/old', '/opt/old');
const pairs = fc.array(fc.tuple(prefix, replacement), { minLength: 1, maxLength: 5 });
const content = fc.array(fc.oneof(prefix, filler), { maxLength: 30 }).map((parts) => parts.join(''));

for (const engine of ENGINES) {
  describe(`C strings, ${engine.name}`, () => {
    it(`does what Spack does (${VECTORS.length} vectors)`, () => {
      for (const vector of VECTORS) {
        const replacer = engine.createCStringReplacer(decodeMapping(vector.mapping));
        const expected = vector.error ?? fromBase64(vector.output ?? '');
        assert.deepEqual(replaceWhole(replacer, fromBase64(vector.input)), expected, vector.name);
      }
    });

    it('equals the expression on random bytes', () => {
      const property = fc.property(pairs, content, (list, input) => {
        const map = mappingOf([...new Map(list)]);
        const bytes = latin1(input);
        const expected = naiveCStrings(bytes, map);
        assert.deepEqual(replaceWhole(engine.createCStringReplacer(map), bytes), expected);
      });
      fc.assert(property, { seed: 13, numRuns: 800 });
    });

    it('gives the same at every split', () => {
      const replacer = engine.createCStringReplacer(MAPPING);
      const expected = naiveCStrings(SAMPLE, MAPPING);
      assert.equal(typeof expected, 'object');
      for (let step = 1; step <= SAMPLE.length + 1; step++) {
        assert.deepEqual(replaceInWindows(replacer, SAMPLE, step), expected, `windows of ${step} bytes`);
      }
    });

    it('gives the same at every split of random bytes, errors included', () => {
      const property = fc.property(pairs, content, fc.constantFrom(...SPLITS), (list, input, step) => {
        const map = mappingOf([...new Map(list)]);
        const bytes = latin1(input);
        const expected = naiveCStrings(bytes, map);
        assert.deepEqual(replaceInWindows(engine.createCStringReplacer(map), bytes, step), expected);
      });
      fc.assert(property, { seed: 17, numRuns: 400 });
    });

    it('finds matches across the borders of its own windows', () => {
      const replacer = engine.createCStringReplacer(MAPPING);
      for (let before = 262_100; before < 262_160; before += 3) {
        const input = Buffer.concat([Buffer.alloc(before, '.'), SAMPLE, Buffer.alloc(300_000, '.'), SAMPLE]);
        assert.deepEqual(replaceWhole(replacer, input), naiveCStrings(input, MAPPING));
      }
    });

    it('names the place and the prefixes in its errors', () => {
      const replacer = engine.createCStringReplacer(
        mappingOf([
          ['/old', '/longer'],
          ['/opt/x', '/y'],
        ]),
      );
      assert.throws(
        () => replacer.replace(Buffer.from('0123/old/lib\0'), { start: 0, isLast: true }),
        (error) => {
          assert.ok(error instanceof RelocationError);
          assert.equal(error.code, 'cannot-grow-string');
          assert.equal(error.data.offset, 4);
          assert.equal(error.data.oldPrefix, '/old');
          assert.equal(error.data.newPrefix, '/longer');
          return true;
        },
      );
      assert.throws(
        () => replacer.replace(Buffer.from('01234/opt/x/ab\0'), { start: 2, isLast: true }),
        (error) => {
          assert.ok(error instanceof RelocationError);
          assert.equal(error.code, 'cannot-shrink-string');
          assert.equal(error.data.offset, 5);
          assert.equal(error.data.string, '/opt/x/ab');
          return true;
        },
      );
    });

    it('counts what it replaced, and does nothing for a mapping of identities', () => {
      const bytes = Buffer.from('/old/store/zlib/lib/x\0/long/opt/old/share\0');
      assert.deepEqual(engine.createCStringReplacer(MAPPING).replace(bytes, { start: 0, isLast: true }), {
        next: bytes.length,
        replaced: 2,
      });
      const nothing = engine.createCStringReplacer(mappingOf([['/old', '/old']]));
      assert.deepEqual(nothing.replace(Buffer.from('/old'), { start: 0, isLast: true }), {
        next: 4,
        replaced: 0,
      });
    });
  });
}

describe('C strings, wasm in place', () => {
  it('edits bytes in its own memory without a copy', () => {
    const engine = ENGINES.find(({ name }) => name === 'wasm');
    assert.ok(engine);
    const replacer = engine.createCStringReplacer(MAPPING);
    const expected = naiveCStrings(SAMPLE, MAPPING);
    const view = inWasmMemory(SAMPLE);
    replacer.replace(view, { start: 0, isLast: true });
    assert.deepEqual(Buffer.from(view), expected);
    for (const step of SPLITS) {
      assert.deepEqual(replaceInWindows(replacer, SAMPLE, step, inWasmMemory), expected);
    }
  });
});

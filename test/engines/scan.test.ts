// The scan of every engine, against a table of cases and the naive scan.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { sourceOfBytes } from '../../src/core/byte-source.js';
import { WasmEngine } from '../../src/relocation/engines/wasm/wasm.js';
import { ENGINES, inWasmMemory, latin1, mappingOf, naiveScan, WASM } from './engines.js';

const CASES: readonly {
  readonly name: string;
  readonly prefixes: readonly string[];
  readonly input: string;
  readonly hits: readonly number[];
}[] = [
  { name: 'no prefixes', prefixes: [], input: 'abc', hits: [] },
  { name: 'no bytes', prefixes: ['/a'], input: '', hits: [] },
  { name: 'shorter than the prefix', prefixes: ['/abc'], input: '/ab', hits: [] },
  { name: 'the whole input', prefixes: ['/abc'], input: '/abc', hits: [0, 0] },
  { name: 'the first listed prefix', prefixes: ['/a', '/ab'], input: 'x/ab', hits: [1, 0] },
  { name: 'a longer one listed first', prefixes: ['/ab', '/a'], input: '/ab/a/ab', hits: [0, 0, 3, 1, 5, 0] },
  { name: 'overlaps', prefixes: ['/a/a'], input: '/a/a/a/a', hits: [0, 0, 2, 0, 4, 0] },
  { name: 'a prefix that is cut off by the end', prefixes: ['/abcd', '/ab'], input: '/abc', hits: [0, 1] },
  {
    name: 'unrelated roots',
    prefixes: ['/old/x', '#!/bin/bash /s', '/tmp/y'],
    input: '#!/bin/bash /s /tmp/y /old/x',
    hits: [0, 1, 15, 2, 22, 0],
  },
  { name: 'one byte', prefixes: ['/'], input: '/a//', hits: [0, 0, 2, 0, 3, 0] },
  { name: 'listed twice', prefixes: ['/a', '/a'], input: '/a', hits: [0, 0] },
  { name: 'bytes beyond ASCII', prefixes: ['\xff\x00\xfe'], input: 'x\xff\x00\xfe\xff\x00', hits: [1, 0] },
];

const alphabet = fc.constantFrom('/', 'a', 'b', '-', '\0');
const prefix = fc.string({ unit: alphabet, minLength: 1, maxLength: 6 });
const roots = fc.constantFrom('', '/opt/store', '/opt/store/linux', '/tmp/x', '\xff\xfe');
const prefixes = fc.array(
  fc.tuple(roots, prefix).map(([root, tail]) => root + tail),
  { minLength: 1, maxLength: 12 },
);

/** Inputs made of the prefixes, their beginnings, and other bytes. */
function inputFor(list: readonly string[]): fc.Arbitrary<string> {
  const whole = fc.constantFrom(...list);
  const part = fc.tuple(whole, fc.nat(20)).map(([text, length]) => text.slice(0, length));
  const filler = fc.string({ unit: fc.oneof(alphabet, fc.constantFrom('x', ' ', '\xff')), maxLength: 90 });
  return fc.array(fc.oneof(whole, part, filler), { maxLength: 30 }).map((parts) => parts.join(''));
}

for (const engine of ENGINES) {
  describe(`scan, ${engine.name}`, () => {
    for (const { name, prefixes: list, input, hits } of CASES) {
      it(`finds ${name}`, () => {
        const scanner = engine.createScanner(list.map(latin1));
        assert.deepEqual([...scanner.scan(latin1(input))], hits);
      });
    }

    it('finds a prefix at every place of a step and of the end', () => {
      const scanner = engine.createScanner([latin1('/opt/store/zlib'), latin1('/opt/store')]);
      for (let before = 0; before < 200; before++) {
        const input = latin1(`${'.'.repeat(before)}/opt/store/zlib${'.'.repeat(before % 97)}`);
        assert.deepEqual([...scanner.scan(input)], [before, 0]);
      }
    });

    it('finds hits across the borders of its own windows, and more hits than fit into one answer', () => {
      const unit = '/opt/store/zlib.....';
      const scanner = engine.createScanner([latin1('/opt/store')]);
      const input = latin1(`.${unit.repeat(60_000)}`);
      const hits = scanner.scan(input);
      assert.equal(hits.length, 120_000);
      assert.ok(hits.every((value, i) => value === (i % 2 === 0 ? 1 + 10 * i : 0)));
    });

    it('equals the naive scan on random inputs', () => {
      const property = fc.property(
        prefixes.chain((list) => fc.tuple(fc.constant(list), inputFor(list))),
        ([list, text]) => {
          const bytes = list.map(latin1);
          const input = latin1(text);
          assert.deepEqual([...engine.createScanner(bytes).scan(input)], naiveScan(input, bytes));
        },
      );
      fc.assert(property, { seed: 7, numRuns: 400 });
    });

    it('refuses an empty prefix as wrong use', () => {
      assert.throws(() => engine.createScanner([new Uint8Array(0)]), TypeError);
    });
  });
}

describe('scan, wasm in place', () => {
  it('finds the same in bytes that lie in its memory, also after the memory has grown', () => {
    const prefixBytes = [latin1('/opt/store/a'), latin1('/opt/store')];
    const scanner = WASM.createScanner(prefixBytes);
    const input = latin1('x/opt/store/a /opt/store/b '.repeat(30_000));
    const view = inWasmMemory(input);
    const expected = [...scanner.scan(input)];
    assert.deepEqual([...scanner.scan(view)], expected);
    WASM.kernels.exports.allocate(4 * 1024 * 1024);
    assert.deepEqual([...scanner.scan(inWasmMemory(input))], expected);
  });

  it('never grows the memory in a call, which would end the views of its callers', () => {
    const engine = new WasmEngine();
    const mapping = mappingOf([
      ['/opt/store', '/n'],
      [`/old/${'x'.repeat(9000)}`, '/m'],
    ]);
    const scanner = engine.createScanner(mapping.map(([from]) => from));
    const text = engine.createTextReplacer(mapping);
    const strings = engine.createCStringReplacer(mapping);
    const elf = engine.createElfPatcher(mapping, { rewriteInterpreter: true });
    const input = latin1('/opt/store\n'.repeat(100_000));
    const { buffer } = engine.kernels.exports.memory;
    scanner.scan(input);
    text.replace(input);
    strings.replace(input.slice(), { start: 0, isLast: true });
    elf.patch(sourceOfBytes(input));
    assert.equal(engine.kernels.exports.memory.buffer, buffer);
  });

  it('does not look at bytes behind the view', () => {
    const view = inWasmMemory(latin1('..../opt/store'));
    const scanner = WASM.createScanner([latin1('/opt/store')]);
    for (let length = 0; length < view.length; length++) {
      assert.deepEqual([...scanner.scan(view.subarray(0, length))], []);
    }
    assert.deepEqual([...scanner.scan(view)], [4, 0]);
  });
});

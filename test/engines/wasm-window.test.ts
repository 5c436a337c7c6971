// Bytes outside of WASM memory under a long common root: what is skipped, and pieces that end in the middle of a prefix. The js engine says
// what is right; the same bytes inside of the memory must give it too.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { PrefixMapping, RelocationEngine } from '../../src/relocation/engine.js';
import { JsEngine } from '../../src/relocation/engines/js.js';
import { WasmEngine } from '../../src/relocation/engines/wasm/wasm.js';
import { firstPlace } from '../../src/relocation/engines/wasm/wasm-window.js';
import { latin1, mappingOf } from './engines.js';

const ROOT = `/opt/store/${'__placeholder__/'.repeat(3)}`;
const LONG = mappingOf([
  [`${ROOT}zlib-1.3-abcdefgh`, '/s/z'],
  [`${ROOT}zlib`, '/s/y'],
  [`${ROOT}gcc`, `/s/${'g'.repeat(ROOT.length)}`],
]);

/** What lies between two gaps. */
const MATCHES = [
  `${ROOT}zlib`,
  `${ROOT}zlib-1.3-abcdefgh`,
  `${ROOT}gcc-12.2.0`,
  ROOT,
  ROOT.slice(0, -4),
  `a-b${ROOT}zlib/x`,
];

/** Gaps as long as the pieces that are copied, and a little more or less. */
const gap = fc
  .tuple(fc.constantFrom(0, 1, 9, 200, 16_384, 32_768), fc.nat(140))
  .map(([a, b]) => Math.max(0, a - b));
const part = fc.tuple(
  gap,
  fc.constantFrom('.', 'x', '\n', '\0'),
  fc.constantFrom(...MATCHES),
  fc.constantFrom('', '\0', '\n'),
);
const input = fc
  .array(part, { maxLength: 6 })
  .map((parts) => parts.map(([size, filler, match, end]) => filler.repeat(size) + match + end).join(''));
/** Where in a word the bytes begin. */
const shift = fc.nat(8);

function shifted(text: string, by: number): Uint8Array {
  const bytes = new Uint8Array(text.length + by).subarray(by);
  bytes.set(latin1(text));
  return bytes;
}

function inside(wasm: WasmEngine, at: number, text: string): Uint8Array {
  const view = wasm.kernels.bytes.subarray(at, at + text.length);
  view.set(latin1(text));
  return view;
}

/** Everything that the kernels say of some bytes, which are changed. */
function resultsOf(engine: RelocationEngine, bytes: Uint8Array, mapping: PrefixMapping): unknown {
  const hits = [...engine.createScanner(mapping.map(([from]) => from)).scan(bytes)];
  const text = engine.createTextReplacer(mapping).replace(bytes);
  const strings = engine.createCStringReplacer(mapping);
  const counts = [false, true].map((isLast) => strings.replace(bytes, { start: 0, isLast }));
  return {
    hits,
    text: text && Buffer.from(text).toString('latin1'),
    counts,
    bytes: Buffer.from(bytes).toString('latin1'),
  };
}

describe('bytes outside of WASM memory', () => {
  const js = new JsEngine();
  const wasm = new WasmEngine();
  const at = wasm.kernels.exports.allocate(1 << 20);

  it('give what the js engine gives, and what they give inside', () => {
    const property = fc.property(input, shift, (text, by) => {
      const expected = resultsOf(js, shifted(text, by), LONG);
      assert.deepEqual(resultsOf(wasm, shifted(text, by), LONG), expected);
      assert.deepEqual(resultsOf(wasm, inside(wasm, at + by, text), LONG), expected);
    });
    fc.assert(property, { seed: 31, numRuns: 400 });
  });

  it('fail at the same place', () => {
    const text = `${'x'.repeat(40_001)}${ROOT}zlib\0`;
    const growing = mappingOf([[`${ROOT}zlib`, `/much/longer/${ROOT}zlib`]]);
    const [first, second] = [js, wasm].map((engine) => {
      try {
        return engine.createCStringReplacer(growing).replace(shifted(text, 3), { start: 0, isLast: true });
      } catch (error) {
        return (error as { data: unknown }).data;
      }
    });
    assert.deepEqual(second, first);
    assert.equal((first as { offset: number }).offset, 40_001);
  });
});

describe('firstPlace', () => {
  it('is the place of the root, or where it was told to begin', () => {
    const bytes = latin1('xx/root/yy/root/').subarray(1);
    assert.equal(firstPlace(bytes, 0, latin1('/root/')), 1);
    assert.equal(firstPlace(bytes, 2, latin1('/root/')), 9);
    assert.equal(firstPlace(bytes, 10, latin1('/root/')), -1);
    assert.equal(firstPlace(bytes, 10, undefined), 10);
  });
});

// The oracle is the replacement itself: a text holds a prefix if the rule would replace one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { encodeUtf8, fromLatin1 } from '../../../src/core/bytes.js';
import type { RelocationEngine } from '../../../src/relocation/engine.js';
import { JsEngine } from '../../../src/relocation/engines/js.js';
import { WasmEngine } from '../../../src/relocation/engines/wasm/wasm.js';
import { TextProbe } from '../../../src/relocation/text/text-probe.js';

const ENGINES: readonly RelocationEngine[] = [new JsEngine(), new WasmEngine()];

function probe(
  engine: RelocationEngine,
  prefixes: readonly string[],
  pieces: readonly Uint8Array[],
): boolean {
  const encoded = prefixes.map(encodeUtf8);
  const scanner = engine.createScanner(encoded);
  const textProbe = new TextProbe({ scanner, longest: Math.max(...encoded.map((each) => each.length)) });
  for (const piece of pieces) {
    const copy = new Uint8Array(piece);
    textProbe.push(copy);
    copy.fill(0x2f); // the memory is used again
  }
  return textProbe.found;
}

function cut(text: Uint8Array, size: number): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < text.length; at += size) pieces.push(text.subarray(at, at + size));
  return pieces;
}

const TABLE: readonly (readonly [string, boolean])[] = [
  ['', false],
  ['/opt/store', true],
  ['see /opt/store/lib', true],
  ['-L/opt/store', true],
  ['x=/opt/store', true],
  ['a/opt/store', true],
  ['b/a/opt/store', false],
  ['//opt/store', false],
  ['x/-_A9/opt/store', false],
  ['x/y z/opt/store', true],
  ['/other/opt/store then /opt/store', true],
  ['/opt/stor', false],
  ['/opt/storeX', true],
  ['/usr/short', true],
  ['/b/usr/short', false],
  [`${'w'.repeat(300)}/opt/store`, true],
  [`/${'w'.repeat(300)}/opt/store`, false],
];

test('TextProbe finds what the text rule finds, at every split', () => {
  for (const engine of ENGINES) {
    for (const [text, expected] of TABLE) {
      const bytes = encodeUtf8(text);
      for (const size of [1, 2, 7, 9, 10, 11, 299, 511, bytes.length || 1])
        assert.equal(
          probe(engine, ['/opt/store', '/usr/short'], cut(bytes, size)),
          expected,
          `${text} by ${size}`,
        );
    }
  }
});

test('TextProbe agrees with the replacement of every engine', () => {
  const words = fc.constantFrom('/a', '/a/b', 'a', '-', '_', '/', ' ', '\n', '.', '\xff', '/a/b/c', 'b');
  const texts = fc.array(words, { maxLength: 14 }).map((parts) => fromLatin1(parts.join('')));
  const prefixLists = fc.constantFrom(['/a/b'], ['/a/b/c', '/b/a'], ['/a', '/a/b'], ['/a./a', '/a b/a']);
  fc.assert(
    fc.property(texts, prefixLists, fc.integer({ min: 1, max: 6 }), (text, prefixes, size) => {
      for (const engine of ENGINES) {
        const mapping = prefixes.map((prefix) => [encodeUtf8(prefix), encodeUtf8('/new')] as const);
        const expected = engine.createTextReplacer(mapping).replace(text) !== undefined;
        assert.equal(probe(engine, prefixes, cut(text, size)), expected);
      }
    }),
    { seed: 7, numRuns: 1500 },
  );
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RelocationError } from '../../../src/core/errors.js';
import { replaceTextChunks } from '../../../src/relocation/text/text-chunks.js';
import { ENGINES, latin1, mappingOf } from '../../engines/engines.js';

const MAPPING = mappingOf([['/old/store', '/n']]);
const TEXT = latin1('a /old/store/x\n\nb/c/old/store\r\n-L/old/store:/old/store\nplain\nlast /old/store');

/** Cuts into one buffer that is used again for every chunk, as a reader of files does. */
function* chunksOf(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  const buffer = Buffer.alloc(size);
  for (let at = 0; at < bytes.length; at += size) {
    const part = bytes.subarray(at, at + size);
    buffer.fill(0xee);
    buffer.set(part);
    yield buffer.subarray(0, part.length);
  }
}

for (const engine of ENGINES) {
  describe(`replaceTextChunks, ${engine.name}`, () => {
    const replacer = engine.createTextReplacer(MAPPING);

    it('gives the same at every split', () => {
      const expected = Buffer.from(replacer.replace(TEXT) ?? []);
      for (let size = 1; size <= TEXT.length + 1; size++) {
        const pieces: Buffer[] = [];
        for (const { bytes } of replaceTextChunks(replacer, chunksOf(TEXT, size)))
          pieces.push(Buffer.from(bytes));
        assert.deepEqual(Buffer.concat(pieces), expected, `chunks of ${size} bytes`);
      }
    });

    it('tells which pieces it changed', () => {
      const chunks = ['/old/store\n', 'plain\nrest', ' of it'].map(latin1);
      const pieces = [...replaceTextChunks(replacer, chunks)].map(({ bytes, replaced }) => [
        Buffer.from(bytes).toString(),
        replaced,
      ]);
      assert.deepEqual(pieces, [
        ['/n\n', true],
        ['plain\n', false],
        ['rest of it', false],
      ]);
    });

    it('refuses too long a line', () => {
      const chunks = ['short\n', 'x'.repeat(60), 'x'.repeat(60)].map(latin1);
      assert.throws(
        () => [...replaceTextChunks(replacer, chunks, 100)],
        (error) => error instanceof RelocationError && error.code === 'text-too-large',
      );
    });
  });
}

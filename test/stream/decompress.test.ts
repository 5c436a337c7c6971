// Decompressor and detectCompression: compression is found by looking.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { detectCompression } from '../../src/stream/codec.js';
import { Decompressor } from '../../src/stream/decompress.js';
import { JsInflater } from '../../src/stream/inflate/js-inflater.js';
import { pushInPieces } from '../helpers/push-pieces.js';

const inflater = new JsInflater();
/** python3 -c "import bz2, base64; print(base64.b64encode(bz2.compress(b'hello')))" */
const HELLO_BZIP2 = Buffer.from('QlpoOTFBWSZTWRkxZT0AAACBAAJEoAAhmmgzTQczi7kinChIDJiynoA=', 'base64');

function decode(input: Uint8Array, size: number): { text: string; found: string | undefined } {
  const parts: Uint8Array[] = [];
  const decoder = new Decompressor({ inflater, onOutput: (bytes) => parts.push(Uint8Array.from(bytes)) });
  pushInPieces(decoder, input, [size]);
  decoder.finish();
  return { text: Buffer.concat(parts).toString('latin1'), found: decoder.compression };
}

describe('detectCompression', () => {
  it('knows the formats by their first bytes', () => {
    const of = (text: string): string => detectCompression(Buffer.from(text, 'latin1'));
    assert.equal(of('\x1f\x8b\x08'), 'gzip');
    assert.equal(of('\x1f\x8b'), 'gzip');
    assert.equal(of('\x1f'), 'none');
    assert.equal(of(''), 'none');
    assert.equal(of('BZh91AY&SY'), 'bzip2');
    assert.equal(of('BZh1\x17\x72\x45\x38\x50\x90'), 'bzip2');
    assert.equal(of('BZh9'), 'bzip2');
    assert.equal(of('BZh01AY&SY'), 'none');
    assert.equal(of('BZh9/bin/a'), 'none');
    assert.equal(of('./prefix\0\0'), 'none');
  });
});

describe('Decompressor', () => {
  const cases = [
    { found: 'gzip', input: gzipSync('hello') },
    { found: 'bzip2', input: HELLO_BZIP2 },
    { found: 'none', input: Buffer.from('hello') },
  ];
  for (const { found, input } of cases) {
    it(`decodes ${found} at every split`, () => {
      for (let size = 1; size <= input.length; size++)
        assert.deepEqual(decode(input, size), { text: 'hello', found });
    });
  }

  it('passes plain data on at every split', () => {
    const input = Buffer.from('plain data that is longer than what is looked at');
    for (let size = 1; size <= input.length; size++) assert.equal(decode(input, size).text, input.toString());
  });

  it('takes nothing at all for an empty file', () => {
    assert.deepEqual(decode(Buffer.alloc(0), 1), { text: '', found: 'none' });
  });

  it('passes plain data on without a copy', () => {
    const chunk = Buffer.alloc(100, 'x');
    const seen: Uint8Array[] = [];
    const decoder = new Decompressor({ inflater, onOutput: (bytes) => seen.push(bytes) });
    decoder.push(chunk);
    decoder.finish();
    assert.equal(seen.length, 1);
    assert.equal(seen[0], chunk);
  });

  it('ignores what comes after stop()', () => {
    const text = 'hello world, hello';
    for (const input of [gzipSync(text), HELLO_BZIP2, Buffer.from(text)]) {
      let output = '';
      const decoder: Decompressor = new Decompressor({
        inflater,
        onOutput: (bytes) => {
          output += Buffer.from(bytes).toString();
          decoder.stop();
        },
      });
      for (let i = 0; i < 2; i++) decoder.push(input);
      decoder.push(Buffer.from('garbage'));
      decoder.finish();
      assert.equal(output, input === HELLO_BZIP2 ? 'hello' : text);
      assert.ok(decoder.ignoredBytes >= input.length + 7);
    }
  });

  it('says that data is cut off', () => {
    assert.throws(() => decode(gzipSync('hello').subarray(0, 12), 100), { code: 'gzip-truncated' });
    assert.throws(() => decode(HELLO_BZIP2.subarray(0, 20), 100), { code: 'bzip2-truncated' });
  });
});

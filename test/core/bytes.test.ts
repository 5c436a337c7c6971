import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  concatBytes,
  copyBytes,
  decodeUtf8,
  encodeUtf8,
  equalBytes,
  fromLatin1,
  startsWithBytes,
  toLatin1,
} from '../../src/core/bytes.js';

const BYTES = fc.uint8Array({ maxLength: 40 });

describe('toLatin1 and fromLatin1', () => {
  it('are exact inverses for any bytes, also of a view', () => {
    fc.assert(
      fc.property(BYTES, fc.nat(5), (bytes, skip) => {
        const view = bytes.subarray(skip);
        assert.deepEqual(new Uint8Array(fromLatin1(toLatin1(view))), new Uint8Array(view));
        assert.equal(toLatin1(view).length, view.length);
      }),
      { seed: 1 },
    );
  });
});

describe('concatBytes, equalBytes, startsWithBytes', () => {
  it('agree with each other', () => {
    fc.assert(
      fc.property(BYTES, BYTES, (a, b) => {
        const both = concatBytes([a, new Uint8Array(0), b]);
        assert.equal(both.length, a.length + b.length);
        assert.ok(startsWithBytes(both, a) && startsWithBytes(both, b, a.length));
        assert.ok(equalBytes(both.subarray(0, a.length), a));
        assert.ok(!equalBytes(both, concatBytes([both, Uint8Array.of(0)])));
      }),
      { seed: 2 },
    );
  });

  it('look at every byte, and not behind the end', () => {
    assert.ok(!equalBytes(Uint8Array.of(1, 2, 3), Uint8Array.of(1, 2, 4)));
    assert.ok(!startsWithBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2, 3)));
    assert.ok(!startsWithBytes(Uint8Array.of(1, 2, 3), Uint8Array.of(2, 9), 1));
    assert.ok(!startsWithBytes(Uint8Array.of(1, 2, 3), Uint8Array.of(3, 0), 2));
  });
});

describe('copyBytes', () => {
  it('shares no memory, not even with a Buffer', () => {
    const source = Buffer.from('abc');
    const copy = copyBytes(source);
    source.fill(0);
    assert.equal(decodeUtf8(copy), 'abc');
  });
});

describe('encodeUtf8 and decodeUtf8', () => {
  it('go there and back, and mark what is not UTF-8', () => {
    assert.equal(decodeUtf8(encodeUtf8('naïve – 日本 🙂')), 'naïve – 日本 🙂');
    assert.equal(decodeUtf8(Uint8Array.of(0x61, 0xff, 0x62)), 'a\ufffdb');
  });
});

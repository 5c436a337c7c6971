import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { applyEdits, sourceOfBytes } from '../../src/core/byte-source.js';

describe('sourceOfBytes', () => {
  it('reads what is there, and less at the end', () => {
    const source = sourceOfBytes(Buffer.from('abcdef'));
    assert.equal(source.size, 6);
    assert.equal(Buffer.from(source.read(1, 3)).toString(), 'bcd');
    assert.equal(Buffer.from(source.read(4, 100)).toString(), 'ef');
    assert.equal(source.read(6, 1).length, 0);
    assert.equal(source.read(100, 1).length, 0);
  });
});

describe('applyEdits', () => {
  it('writes in place, in order', () => {
    const bytes = Buffer.from('abcdef');
    applyEdits(bytes, [
      { offset: 1, bytes: Buffer.from('XY') },
      { offset: 2, bytes: Buffer.from('Z') },
      { offset: 6, bytes: new Uint8Array(0) },
    ]);
    assert.equal(bytes.toString(), 'aXZdef');
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MemoryFile } from '../../src/core/memory-file.js';

describe('MemoryFile', () => {
  it('reads what is there, and less at the end', () => {
    const file = new MemoryFile(Buffer.from('0123456789'));
    assert.equal(Buffer.from(file.read(2, 3)).toString(), '234');
    assert.equal(Buffer.from(file.read(8, 5)).toString(), '89');
    assert.equal(file.read(12, 1).length, 0);
    const target = Buffer.from('....');
    assert.equal(file.readInto(target, 7), 3);
    assert.equal(target.toString(), '789.');
  });

  it('writes in place', () => {
    const bytes = Buffer.from('0123456789');
    const file = new MemoryFile(bytes);
    file.write(3, Buffer.from('xy'));
    assert.equal(bytes.toString(), '012xy56789');
    assert.equal(file.bytes, bytes);
  });

  it('grows behind its end, and keeps the size that it had', () => {
    const bytes = Buffer.from('0123');
    const file = new MemoryFile(bytes);
    file.write(6, Buffer.from('x'));
    assert.equal(Buffer.from(file.bytes).toString('latin1'), '0123\0\0x');
    assert.deepEqual([file.size, file.read(2, 10).length, bytes.length], [4, 2, 4]);
  });
});

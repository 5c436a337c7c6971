import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MemoryFile } from '../../../src/core/memory-file.js';
import { EditedFile, unwritten } from '../../../src/relocation/files/edited-file.js';

describe('EditedFile', () => {
  it('shows what was written over the file, the last where several are, and leaves the file as it is', () => {
    const bytes = Buffer.from('0123456789');
    const view = new EditedFile(new MemoryFile(bytes));
    const edit = Buffer.from('abc');
    view.write(2, edit);
    edit.fill('!');
    view.write(4, Buffer.from('X'));
    view.write(8, Buffer.from('yyyy'));
    assert.equal(Buffer.from(view.read(0, 99)).toString(), '01abX567yy');
    assert.equal(Buffer.from(view.read(3, 2)).toString(), 'bX');
    const target = Buffer.from('....');
    assert.equal(view.readInto(target, 7), 3);
    assert.equal(target.toString(), '7yy.');
    assert.deepEqual([view.size, bytes.toString()], [10, '0123456789']);
  });
});

describe('unwritten', () => {
  it('takes no edits', () => {
    const file = unwritten(new MemoryFile(Buffer.from('0123')));
    file.write(0, Buffer.from('x'));
    assert.equal(Buffer.from(file.read(0, 2)).toString(), '01');
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readElfContents } from '../../../src/binfmt/elf/elf-contents.js';
import { sourceOfBytes } from '../../../src/core/byte-source.js';
import { buildElf } from '../../helpers/elf-builder.js';

describe('readElfContents', () => {
  for (const type of [32, 64] as const) {
    for (const byteOrder of ['little', 'big'] as const) {
      it(`shows the tables of a ${type} bit ${byteOrder}-endian file`, () => {
        const { bytes, interpreterOffset } = buildElf({
          class: type,
          byteOrder,
          rpath: '/old/lib',
          interpreter: '/ld.so',
          soname: 'x',
        });
        const contents = readElfContents(sourceOfBytes(bytes));
        assert.deepEqual(contents?.programHeaders.map(({ type: name }) => name).sort(), [
          'PT_DYNAMIC',
          'PT_INTERP',
          'PT_LOAD',
        ]);
        const interpreter = contents?.programHeaders.find(({ type: name }) => name === 'PT_INTERP');
        assert.deepEqual([interpreter?.offset, interpreter?.fileSize], [BigInt(interpreterOffset), 7n]);
        assert.deepEqual(
          contents?.sections.map(({ type: name }) => name),
          ['SHT_NULL', 'SHT_STRTAB', 'SHT_DYNAMIC'],
        );
        assert.deepEqual(
          contents?.dynamicSection.flatMap(({ tag, text }) => (text === undefined ? [] : [[tag, text]])),
          [
            ['DT_NEEDED', 'libc.so.6'],
            ['DT_SONAME', 'x'],
            ['DT_RUNPATH', '/old/lib'],
          ],
        );
        assert.deepEqual(contents?.incomplete, []);
      });
    }
  }

  it('takes what begins like an ELF file, however it goes on', () => {
    const { bytes } = buildElf({ rpath: '/old/lib', interpreter: '/ld.so', soname: 'x' });
    for (let size = 0; size < bytes.length; size++) {
      const contents = readElfContents(sourceOfBytes(bytes.subarray(0, size)));
      assert.equal(contents === undefined, size < 64);
    }
    for (let at = 16; at < bytes.length; at++) {
      for (const value of [0, 1, 127, 255]) {
        const changed = Buffer.from(bytes);
        changed[at] = value;
        assert.ok(readElfContents(sourceOfBytes(changed)));
      }
    }
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readElf } from '../../../src/binfmt/elf/elf.js';
import { sourceOfBytes } from '../../../src/core/byte-source.js';
import { toLatin1 } from '../../../src/core/bytes.js';
import { buildElf, type ElfOptions } from '../../helpers/elf-builder.js';

function read(options: ElfOptions) {
  const built = buildElf(options);
  const elf = readElf(sourceOfBytes(built.bytes));
  assert.ok(elf);
  return { ...built, elf };
}

const FULL: ElfOptions = {
  needed: ['libz.so.1', 'libc.so.6'],
  soname: 'libme.so.1',
  rpath: '/a/lib:$ORIGIN',
  interpreter: '/lib64/ld.so',
  interpreterPadding: 4,
};

describe('readElf', () => {
  for (const elfClass of [64, 32] as const) {
    for (const byteOrder of ['little', 'big'] as const) {
      it(`reads the facts of a ${elfClass} bit ${byteOrder} endian file`, () => {
        const { elf, rpathOffset, interpreterOffset } = read({ ...FULL, class: elfClass, byteOrder });
        assert.equal(elf.class, elfClass);
        assert.equal(elf.byteOrder, byteOrder);
        assert.equal(elf.type, 3);
        assert.equal(elf.machine, 62);
        assert.deepEqual(elf.needed.map(toLatin1), ['libz.so.1', 'libc.so.6']);
        assert.equal(elf.soname && toLatin1(elf.soname), 'libme.so.1');
        assert.equal(elf.rpath?.kind, 'runpath');
        assert.equal(elf.rpath?.offset, rpathOffset);
        assert.equal(elf.rpath?.length, 14);
        assert.equal(elf.rpath && toLatin1(elf.rpath.value), '/a/lib:$ORIGIN');
        assert.equal(elf.interpreter?.offset, interpreterOffset);
        assert.equal(elf.interpreter && toLatin1(elf.interpreter.value), '/lib64/ld.so');
        assert.equal(elf.dynamicProblem, undefined);
        assert.equal(elf.interpreterProblem, undefined);
      });
    }
  }

  it('tells DT_RPATH from DT_RUNPATH', () => {
    assert.equal(read({ rpath: '/x', rpathTag: 'DT_RPATH' }).elf.rpath?.kind, 'rpath');
  });

  it('says why a dynamic section cannot be used', () => {
    const problems: readonly [ElfOptions, RegExp][] = [
      [{ rpath: '/x', withSections: false }, /no section header/],
      [{ rpath: '/x', extraDynamic: [[15, 1]] }, /more than one rpath/],
      [{ rpath: '/x', extraDynamic: [[5, 1]] }, /exactly one string table/],
      [{ rpath: '/x', extraDynamic: [[1, 9999]] }, /not terminated/],
      [{ rpath: '/x', type: 1 }, /neither an executable/],
    ];
    for (const [options, expected] of problems) {
      const { elf } = read(options);
      assert.match(elf.dynamicProblem ?? '', expected);
      assert.equal(elf.rpath, undefined);
    }
  });

  it('keeps the interpreter of a file whose dynamic section cannot be used', () => {
    const { elf } = read({ ...FULL, withSections: false });
    assert.ok(elf.interpreter);
    assert.ok(elf.dynamicProblem);
  });

  it('reads a file without names: an interpreter and nothing else', () => {
    const { elf } = read({ needed: [], interpreter: '/ld' });
    assert.deepEqual(
      [elf.needed, elf.soname, elf.rpath, elf.dynamicProblem],
      [[], undefined, undefined, undefined],
    );
  });

  it('bounds what it lists of a hostile file', () => {
    const { elf } = read({
      needed: ['n'.repeat(10_000)],
      extraDynamic: Array.from({ length: 5000 }, () => [1, 1] as const),
    });
    assert.equal(elf.needed.length, 4096);
    assert.ok(elf.needed.every((name) => name.length <= 4096));
  });

  it('refuses strings longer than any loader takes', () => {
    const { elf } = read({ rpath: 'r'.repeat(1024 * 1024 + 1), interpreter: 'i'.repeat(1024 * 1024 + 1) });
    assert.match(elf.dynamicProblem ?? '', /too long/);
    assert.ok(elf.interpreterProblem);
    const just = read({ rpath: 'r'.repeat(1024 * 1024), interpreter: 'i'.repeat(1024 * 1024) }).elf;
    assert.equal(just.rpath?.length, 1024 * 1024);
    assert.equal(just.interpreter?.length, 1024 * 1024);
  });

  it('gives undefined for what does not begin with a header', () => {
    const { bytes } = buildElf(FULL);
    assert.equal(readElf(sourceOfBytes(bytes.subarray(0, 63))), undefined);
    for (const [at, value] of [
      [0, 0],
      [4, 0],
      [4, 3],
      [5, 0],
      [5, 3],
    ] as const) {
      const changed = Buffer.from(bytes);
      changed[at] = value;
      assert.equal(readElf(sourceOfBytes(changed)), undefined);
    }
  });
});

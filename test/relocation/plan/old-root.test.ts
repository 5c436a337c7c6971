import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { guessOldRoot } from '../../../src/relocation/plan/old-root.js';

const hash = 'p44kte6c76fsdhtkrps6qwouhqwa22eb';
const prefix = `store/opt/linux-debian12-x86_64/gcc-12.2.0/toolgamma-2.1-${hash}`;

describe('guessOldRoot', () => {
  it('finds the root above the prefix, wherever the base ends', () => {
    for (const base of [prefix, `${prefix}/.spack`, `${prefix}/include/part0`]) {
      assert.equal(guessOldRoot({ base, hash, depth: 3 }), '/store/opt');
    }
  });

  it('does not go by a shorter projection of the new store', () => {
    assert.equal(guessOldRoot({ base: prefix, hash, depth: 2 }), '/store/opt');
  });

  it('takes less where no name has the hash', () => {
    assert.equal(guessOldRoot({ base: 'a/store/opt/x86/gcc/tool/.spack/x', hash, depth: 3 }), '/a/store/opt');
  });

  it('gives up where nothing is left', () => {
    assert.equal(guessOldRoot({ base: `toolgamma-2.1-${hash}`, hash, depth: 3 }), undefined);
    assert.equal(guessOldRoot({ base: '', hash, depth: 3 }), undefined);
  });
});

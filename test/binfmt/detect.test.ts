import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { detectFileKind } from '../../src/binfmt/detect.js';

function kindOf(hex: string): string {
  return detectFileKind(Buffer.from(hex, 'hex'));
}

describe('detectFileKind', () => {
  it('knows the magic numbers', () => {
    assert.equal(kindOf('7f454c46'), 'elf');
    for (const magic of ['feedface', 'feedfacf', 'cefaedfe', 'cffaedfe'])
      assert.equal(kindOf(magic), 'macho');
    assert.equal(kindOf('2321'), 'shebang');
    assert.equal(kindOf('23212f62696e'), 'shebang');
  });

  it('tells a fat file from a Java class by its count of slices', () => {
    assert.equal(kindOf('cafebabe00000002'), 'macho');
    assert.equal(kindOf('cafebabf00000009'), 'macho');
    assert.equal(kindOf('cafebabe0000000a'), 'other');
    assert.equal(kindOf('cafebabe00000034'), 'other');
    assert.equal(kindOf('cafebabe000000'), 'other');
  });

  it('takes any few bytes', () => {
    for (const hex of ['', '7f', '7f454c', '23', '2120', 'fe', '00000000'])
      assert.equal(kindOf(hex), 'other');
  });
});

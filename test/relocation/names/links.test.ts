import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { toLatin1 } from '../../../src/core/bytes.js';
import { relocateLinkTarget } from '../../../src/relocation/names/links.js';
import { joinPath, normalizePath, relativePath } from '../../../src/relocation/names/normalize-path.js';
import { encodeMapping } from '../../../src/relocation/prefixes/prefix-map.js';
import { decodeMapping, type EncodedMapping, fromBase64, loadVectors } from '../../helpers/vectors.js';

interface LinkVector {
  readonly mapping: EncodedMapping;
  readonly target: string;
  readonly output: string;
}

const VECTORS = loadVectors<LinkVector>('links.json');

describe('relocateLinkTarget', () => {
  it(`does what Spack does (${VECTORS.length} vectors)`, () => {
    for (const vector of VECTORS) {
      const { target } = relocateLinkTarget(fromBase64(vector.target), {
        mapping: decodeMapping(vector.mapping),
      });
      assert.equal(toLatin1(target), toLatin1(fromBase64(vector.output)));
    }
  });

  it('leaves a replaced target as it is where it is told', () => {
    const mapping = encodeMapping([['/old', '/new']]);
    const replaced = (normalize: boolean) =>
      toLatin1(relocateLinkTarget(Buffer.from('/old//x/../y/'), { mapping, normalize }).target);
    assert.deepEqual([true, false].map(replaced), ['/new/y', '/new//x/../y/']);
  });

  it('tells what matched, and which absolute targets nothing covers', () => {
    const mapping = encodeMapping([
      ['/keep', '/keep'],
      ['/old', '/new'],
    ]);
    const facts = (target: string) => {
      const { matched, leadsOutside } = relocateLinkTarget(Buffer.from(target), { mapping });
      return [matched, leadsOutside];
    };
    assert.deepEqual(facts('/old/x'), [true, false]);
    assert.deepEqual(facts('/keep/x'), [true, false]);
    assert.deepEqual(facts('/other'), [false, true]);
    assert.deepEqual(facts('other/old'), [false, false]);
  });
});

describe('paths as in Python', () => {
  it('normalizes', () => {
    const cases: Readonly<Record<string, string>> = {
      '': '.',
      '.': '.',
      '/': '/',
      '//': '//',
      '///': '/',
      '//a/../..': '//',
      '/..': '/',
      '../a/./b//..': '../a',
      'a/..': '.',
      '../../a': '../../a',
      '/a/b/': '/a/b',
    };
    for (const [path, expected] of Object.entries(cases)) assert.equal(normalizePath(path), expected, path);
  });

  it('joins and makes relative', () => {
    assert.equal(joinPath('/a', 'b'), '/a/b');
    assert.equal(joinPath('/a/', 'b'), '/a/b');
    assert.equal(joinPath('/a', '/b'), '/b');
    assert.equal(relativePath('/a/b/c', '/a/x'), '../b/c');
    assert.equal(relativePath('/a', '/a/'), '.');
  });
});

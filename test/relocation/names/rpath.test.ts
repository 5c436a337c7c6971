import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { toLatin1 } from '../../../src/core/bytes.js';
import { joinRpath, mapRpath, splitRpath } from '../../../src/relocation/names/rpath.js';
import { encodeMapping } from '../../../src/relocation/prefixes/prefix-map.js';

const MAPPING = encodeMapping([
  ['/old/z', '/new/z'],
  ['/keep', '/keep'],
  ['/old', '/n'],
]);

function map(rpath: string): string | undefined {
  const mapped = mapRpath(Buffer.from(rpath), MAPPING);
  return mapped && toLatin1(mapped);
}

describe('splitRpath', () => {
  it('keeps empty entries, as joinRpath does', () => {
    for (const rpath of ['', ':', 'a', ':a::b:']) {
      const entries = splitRpath(Buffer.from(rpath));
      assert.deepEqual(entries.map(toLatin1), rpath.split(':'));
      assert.equal(toLatin1(joinRpath(entries)), rpath);
    }
  });
});

describe('mapRpath', () => {
  it('replaces at the start of an entry, by the first mapping, without a boundary', () => {
    assert.equal(map('/old/zlib:/older:x/old'), '/new/zlib:/ner:x/old');
  });

  it('drops empty entries, but only where something matched', () => {
    assert.equal(map('::/old::'), '/n');
    assert.equal(map('::/usr::'), undefined);
    assert.equal(map(':::'), undefined);
  });

  it('counts an identity as a match', () => {
    assert.equal(map('/keep/lib::/usr'), '/keep/lib:/usr');
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isBelow, withAliases } from '../../../src/relocation/plan/root-alias.js';

describe('withAliases', () => {
  const alias = { root: '/a/very/long/new/root', alias: '/s' };

  it('puts the alias only where the new prefix is longer than the old one', () => {
    const mapping = [
      ['/old/zlib', '/a/very/long/new/root/zlib'],
      ['/old/a-long-projection/with/many/parts', '/a/very/long/new/root/short'],
      ['/old', '/a/very/long/new/root'],
    ] as const;
    assert.deepEqual(withAliases(mapping, [alias]), [
      ['/old/zlib', '/s/zlib'],
      ['/old/a-long-projection/with/many/parts', '/a/very/long/new/root/short'],
      ['/old', '/s'],
    ]);
    assert.deepEqual(withAliases(mapping, []), mapping);
  });

  it('leaves what lies in other roots', () => {
    const mapping = [
      ['/old/up', '/upstream/of/a/long/name/up'],
      ['/old/next', '/a/very/long/new/roots/next'],
    ] as const;
    assert.deepEqual(withAliases(mapping, [alias]), mapping);
  });
});

describe('isBelow', () => {
  it('goes by whole components', () => {
    assert.ok(isBelow('/a/b', '/a'));
    assert.ok(isBelow('/a', '/a'));
    assert.ok(!isBelow('/ab', '/a'));
  });
});

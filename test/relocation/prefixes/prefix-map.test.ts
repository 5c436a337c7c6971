import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { toLatin1 } from '../../../src/core/bytes.js';
import {
  checkPrefixes,
  encodeMapping,
  LONGEST_PREFIX,
  matchAtStart,
  PrefixMapBuilder,
  withoutIdentities,
} from '../../../src/relocation/prefixes/prefix-map.js';

describe('PrefixMapBuilder', () => {
  it('keeps the place of a key that is set again, with its new value', () => {
    const mapping = new PrefixMapBuilder().set('/a', '1').set('/b', '2').set('/a', '3').build();
    assert.deepEqual(mapping, [
      ['/a', '3'],
      ['/b', '2'],
    ]);
  });
});

describe('encodeMapping', () => {
  it('writes one byte per character', () => {
    const [entry] = encodeMapping([['/\xff', '/\xe9']]);
    assert.deepEqual(
      entry?.map((bytes) => [...bytes]),
      [
        [0x2f, 0xff],
        [0x2f, 0xe9],
      ],
    );
  });
});

describe('withoutIdentities', () => {
  it('drops what maps to itself, so that a later mapping applies', () => {
    const mapping = withoutIdentities(
      encodeMapping([
        ['/a/b', '/a/b'],
        ['/a', '/x'],
      ]),
    );
    assert.deepEqual(
      mapping.map(([from]) => toLatin1(from)),
      ['/a'],
    );
  });
});

describe('matchAtStart', () => {
  it('takes the first mapping, identities included, without a boundary', () => {
    const mapping = encodeMapping([
      ['/a/b', '/a/b'],
      ['/a', '/x'],
    ]);
    assert.equal(matchAtStart(Buffer.from('/a/bc'), mapping), mapping[0]);
    assert.equal(matchAtStart(Buffer.from('/ab'), mapping), mapping[1]);
    assert.equal(matchAtStart(Buffer.from('x/a'), mapping), undefined);
  });
});

describe('checkPrefixes', () => {
  it('refuses empty and endless prefixes as wrong use', () => {
    assert.throws(() => checkPrefixes([new Uint8Array(0)]), TypeError);
    assert.throws(() => checkPrefixes([new Uint8Array(LONGEST_PREFIX + 1)]), TypeError);
    assert.doesNotThrow(() => checkPrefixes([new Uint8Array(LONGEST_PREFIX)]));
  });
});

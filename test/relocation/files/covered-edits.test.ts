import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { coverEdits } from '../../../src/relocation/files/covered-edits.js';
import { encodeMapping } from '../../../src/relocation/prefixes/prefix-map.js';

const EDITS = [
  { offset: 3, bytes: Buffer.from('/opt/spack-new/lib') },
  { offset: 90, bytes: Buffer.from('x') },
];

describe('coverEdits', () => {
  it('covers edits with zeros where a longer new prefix holds the old one', () => {
    const covered = coverEdits(EDITS, encodeMapping([['/opt/spack', '/opt/spack-new']]));
    assert.deepEqual(
      covered.map(({ offset, bytes }) => [offset, [...new Set(bytes)], bytes.length]),
      [
        [3, [0], 18],
        [90, [0], 1],
      ],
    );
  });

  it('leaves them where no new prefix is longer, as the reference replaces what it wrote once more', () => {
    for (const pair of [
      ['/opt/spack', '/opt/spa'],
      ['/opt/spack', '/elsewhere/and/longer'],
    ] as const)
      assert.equal(coverEdits(EDITS, encodeMapping([pair, ['/b', '/b']])), EDITS);
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { encodeMapping } from '../../../src/relocation/prefixes/prefix-map.js';
import { decideCString } from '../../../src/relocation/strings/binary-rules.js';
import { longestRootFor, StringRoom } from '../../../src/relocation/strings/string-room.js';

describe('longestRootFor', () => {
  it('is the length up to which every root fits', () => {
    const property = fc.property(
      fc.stringMatching(/^\/old[ab/]{0,30}$/),
      fc.stringMatching(/^(\/[ab]{1,12})?$/),
      fc.option(fc.nat(9), { nil: undefined }),
      (old, rest, suffix) => {
        const suffixLength = suffix !== undefined && suffix > 7 ? undefined : suffix;
        const longest = longestRootFor({ old: Buffer.from(old), rest: Buffer.from(rest), suffixLength });
        // No letter of the old prefix is in this root.
        const fits = (length: number) =>
          !decideCString(
            Buffer.from(old),
            Buffer.from(`${'%'.repeat(length)}${rest}`),
            suffixLength,
          ).startsWith('cannot');
        if (longest > 0) assert.ok(fits(longest));
        if (longest >= 0) assert.ok(!fits(longest + 1));
      },
    );
    fc.assert(property, { seed: 7, numRuns: 2000 });
  });
});

describe('StringRoom', () => {
  const NEW = '/a/longer/root';
  const mapping = encodeMapping([
    ['/old/pkg-1', `${NEW}/pkg-1`],
    ['/old', NEW],
    ['/up', '/upstream'],
  ]);
  const roomFor = (bytes: string, pieces = false) => {
    const room = new StringRoom(mapping, (to) =>
      Buffer.from(to).indexOf(NEW) === 0 ? NEW.length : undefined,
    );
    const all = Buffer.from(bytes);
    if (!pieces) room.replace(all, { start: 0, isLast: true });
    for (let at = 0; pieces; ) {
      const window = all.subarray(at, at + 4 * room.seam);
      const isLast = at + window.length >= all.length;
      at += room.replace(window, { start: 0, isLast }).next;
      if (isLast) break;
    }
    return room.longestRoot;
  };

  it('is that of the string with the least room', () => {
    assert.equal(roomFor('nothing\0'), undefined);
    assert.equal(roomFor('/old/pkg-1/share/x\0'), 4);
    assert.equal(roomFor('/old/share/xxxx\0'), 4);
    // Its end may be that of another string: only much shorter ones can take its place.
    assert.equal(roomFor('/old/pkg-1/share/x\0/old\0'), -4);
    assert.equal(roomFor('/up/x\0'), undefined, 'the root does not help');
  });

  it('is the same in windows', () => {
    const text = `${'x'.repeat(200)}/old/pkg-1/share\0${'y'.repeat(300)}/old/share/data\0${'z'.repeat(150)}`;
    assert.equal(roomFor(text, true), roomFor(text));
  });
});

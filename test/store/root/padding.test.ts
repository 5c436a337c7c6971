import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LONGEST_PADDED_LENGTH } from '../../../src/config/install-tree.js';
import { UsageError } from '../../../src/core/errors.js';
import { addPadding, hidePadding, padRoot, unpaddedRoot } from '../../../src/store/root/padding.js';
import { readVectors } from '../vectors.js';

const PAD = '__spack_path_placeholder__';
const vectors = readVectors<{
  readonly add_padding: readonly { root: string; length: number; padded: string }[];
  readonly padding_filter: readonly { text: string; filtered: string }[];
  readonly longest: number;
}>('padding.json');

test('addPadding agrees with Spack', () => {
  for (const { root, length, padded } of vectors.add_padding)
    assert.equal(addPadding(root, length), padded, `${root} ${length}`);
});

test('LONGEST_PADDED_LENGTH is what Spack makes of `true` on Linux', {
  skip: process.platform !== 'linux',
}, () => {
  assert.equal(LONGEST_PADDED_LENGTH, vectors.longest);
});

test('hidePadding agrees with Spack wherever the padding is followed by a slash', () => {
  for (const { text, filtered } of vectors.padding_filter) {
    if (text.endsWith(`/${PAD}`)) continue;
    assert.equal(hidePadding(text), filtered, text);
  }
});

test('hidePadding also hides padding at the end of a path', () => {
  assert.equal(hidePadding(`/a/${PAD}`), '/[padded-to-29-chars]'.replace('/[', '/a/['));
  assert.equal(
    hidePadding(`Cannot use "/a/${PAD}/${PAD.slice(0, 4)}": gone`),
    'Cannot use "/a/[padded-to-34-chars]": gone',
  );
});

test('padRoot makes exactly the length, and unpaddedRoot takes it away again', () => {
  const root = fc.stringMatching(/^\/[a-z]{1,20}(\/[a-z]{1,8}){0,3}$/);
  fc.assert(
    fc.property(root, fc.integer({ min: 0, max: 700 }), (path, more) => {
      const length = path.length + more;
      if (more === 1) {
        assert.throws(() => padRoot(path, length), isPaddingError);
        return;
      }
      const padded = padRoot(path, length);
      assert.equal(padded.length, length);
      // Less than one whole placeholder cannot be told from a name.
      if (more > PAD.length) assert.equal(unpaddedRoot(padded), path);
      if (more > PAD.length)
        assert.equal(
          hidePadding(`${padded}/x`.replace('//', '/')),
          `${path}/[padded-to-${padded.replace(/\/$/, '').length}-chars]/x`,
        );
    }),
    { seed: 7, numRuns: 300 },
  );
});

test('padRoot refuses what cannot be reached', () => {
  for (const length of [0, -1, 1.5, Number.NaN, 3, 5, LONGEST_PADDED_LENGTH + 1])
    assert.throws(() => padRoot('/opt', length), isPaddingError, String(length));
  assert.equal(padRoot('/opt', 4), '/opt');
});

test('unpaddedRoot leaves names alone that only look alike', () => {
  for (const root of ['/opt', `/opt/${PAD}x`, `/${PAD}/opt`, '/opt/__spack', `/opt/x${PAD}`])
    assert.equal(unpaddedRoot(root), root);
  assert.equal(unpaddedRoot(`/opt/${PAD}`), '/opt');
  assert.equal(unpaddedRoot(`/opt/${PAD}/${PAD}/`), '/opt');
});

test('hidePadding stays fast on long texts without a match', () => {
  const text = `${`/${PAD}`.repeat(2_000)}x `.repeat(5);
  const start = performance.now();
  hidePadding(text);
  assert.ok(performance.now() - start < 2_000);
});

function isPaddingError(error: unknown): boolean {
  return error instanceof UsageError && error.code === 'padding';
}

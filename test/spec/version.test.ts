import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  compareVersions,
  isVersionIn,
  parseVersion,
  parseVersionRange,
  type VersionRange,
} from '../../src/spec/version.js';
import { vectors } from './spec-vectors.js';

function rangesOf(text: string): VersionRange[] {
  return text.split(',').map((item) => {
    const range = parseVersionRange(item);
    assert.ok(range, `"${item}"`);
    return range;
  });
}

test('compareVersions orders as the reference does', () => {
  const versions = vectors.order.versions.map(parseVersion);
  versions.forEach((a, i) => {
    versions.forEach((b, j) => {
      assert.equal(Math.sign(compareVersions(a, b)), vectors.order.signs[i]?.[j], `${a.text} and ${b.text}`);
    });
  });
});

test('isVersionIn decides as the reference does, for plain and for git versions', () => {
  let count = 0;
  for (const { versions, ranges, satisfied } of [vectors.ranges, vectors.gitRanges]) {
    versions.forEach((version, i) => {
      ranges.forEach((range, j) => {
        count++;
        assert.equal(
          isVersionIn(parseVersion(version), rangesOf(range)),
          satisfied[i]?.[j],
          `${version} in ${range}`,
        );
      });
    });
  }
  assert.ok(count > 3000, `${count} pairs`);
});

test('a git version sorts behind the version that it stands for, and one without a version fits only itself', () => {
  assert.ok(compareVersions(parseVersion('git.main=1.2'), parseVersion('1.2')) > 0);
  assert.ok(compareVersions(parseVersion('git.main=1.2'), parseVersion('1.2.0')) < 0);
  const unknown = parseVersion('git.main');
  assert.equal(isVersionIn(unknown, rangesOf('git.main')), true);
  assert.equal(isVersionIn(unknown, rangesOf(':')), true);
  assert.equal(isVersionIn(unknown, rangesOf('1:')), false);
  assert.equal(isVersionIn(parseVersion('git.main=1.2'), rangesOf('git.main')), true);
});

test('parseVersionRange refuses what is no range, and ranges in which nothing lies', () => {
  for (const text of ['', '1:2:3', '1 2', '1/2', '2.1:2.0', '3:1', '=', '=1:2', '@1', 'ü']) {
    assert.equal(parseVersionRange(text), undefined, text);
  }
});

test('compareVersions is a total order on any texts', () => {
  const version = fc
    .string({ unit: fc.constantFrom(...'0129.-_azAZ', 'main', 'develop', 'rc'), maxLength: 8 })
    .map(parseVersion);
  fc.assert(
    fc.property(version, version, version, (a, b, c) => {
      assert.equal(compareVersions(a, a), 0);
      assert.equal(Math.sign(compareVersions(a, b)) + Math.sign(compareVersions(b, a)), 0);
      if (compareVersions(a, b) <= 0 && compareVersions(b, c) <= 0) assert.ok(compareVersions(a, c) <= 0);
    }),
    { seed: 7, numRuns: 1000 },
  );
});

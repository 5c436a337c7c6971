import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hashOfTag, packageTag, requireImageTag } from '../../../src/buildcache/image/tags.js';
import { UsageError } from '../../../src/core/errors.js';
import type { DagHash } from '../../../src/spec/spec.js';

const HASH = '3bmgbi5wpqvh6p3zlyxvcwzxsa4xdpoh' as DagHash;

test('packageTag makes of any package what a registry takes, and its hash is found again', () => {
  for (const [name, version, tag] of [
    ['libalpha', '1.2.3', `libalpha-1.2.3-${HASH}.spack`],
    ['x', 'git.main=1.0+b', `x-git.main_1.0_b-${HASH}.spack`],
    // The first 64 characters and the last 64, 38 of which are the hash and the ending.
    ['n'.repeat(100), '1.0', `${'n'.repeat(64)}${'n'.repeat(21)}-1.0-${HASH}.spack`],
  ] as const) {
    const actual = packageTag({ name, version, hash: HASH });
    assert.equal(actual, tag);
    assert.ok(actual.length <= 128);
    assert.equal(hashOfTag(actual), HASH);
  }
});

test('hashOfTag finds none in other tags', () => {
  for (const tag of ['index.spack', 'tools', 'x.spack', `x-${HASH}`, `${HASH}.spack`, `x-${HASH}.spack.old`])
    assert.equal(hashOfTag(tag), undefined, tag);
});

test('requireImageTag takes what is no name of the build cache itself', () => {
  requireImageTag('tools');
  requireImageTag('_1.0-x');
  for (const tag of ['', '.x', '-x', 'a b', 'a/b', 'x'.repeat(129), 'x.spack', 'index.spack', 'regraft-keys'])
    assert.throws(
      () => requireImageTag(tag),
      (error: unknown) => error instanceof UsageError,
      tag,
    );
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type ArchiveMember, BUILDINFO_PATH, findPackageRoot } from '../../src/buildcache/package-root.js';
import { BuildcacheError } from '../../src/core/errors.js';
import type { SafePath } from '../../src/tar/safe-path.js';

/** `d`: a directory; `i`: one that no member names; `f`: a file; `l`: a symlink. */
function membersOf(text: string): ReadonlyMap<SafePath, ArchiveMember> {
  const kinds = { d: 'directory', i: 'directory', f: 'file', l: 'symlink' } as const;
  return new Map(
    text
      .trim()
      .split(/\s+/)
      .map((each): [SafePath, ArchiveMember] => {
        const [kind = 'f', path] = each.split(':') as [keyof typeof kinds, SafePath];
        return [path, { kind: kinds[kind], isListed: kind !== 'i' }];
      }),
  );
}

describe('findPackageRoot', () => {
  const found: Readonly<Record<string, readonly [string, string]>> = {
    'layout 1': [`d:opt/p d:opt/p/.spack f:opt/p/${BUILDINFO_PATH}`, 'opt/p'],
    'layout 2': [`d:opt d:opt/x d:opt/x/p f:opt/x/p/bin f:opt/x/p/${BUILDINFO_PATH}`, 'opt/x/p'],
    'before Spack 0.21': [`d:p-1.0 f:p-1.0/${BUILDINFO_PATH} l:p-1.0/lib`, 'p-1.0'],
    'directories above it that no member names': [`i:a i:a/b d:a/b/p f:a/b/p/${BUILDINFO_PATH}`, 'a/b/p'],
    'another buildinfo further down': [
      `d:p f:p/share/x/${BUILDINFO_PATH} d:p/share/x f:p/${BUILDINFO_PATH}`,
      'p',
    ],
    'the same name twice in the path': [`d:p d:p/p f:p/p/f f:p/${BUILDINFO_PATH}`, 'p'],
  };
  for (const [name, [members, root]] of Object.entries(found))
    it(`is "${root}": ${name}`, () => assert.equal(findPackageRoot(membersOf(members)), root));

  const refused: Readonly<Record<string, readonly [string, string]>> = {
    'no buildinfo': ['d:p f:p/f', 'buildinfo-missing'],
    'a buildinfo that is a directory': [`d:p d:p/${BUILDINFO_PATH}`, 'buildinfo-missing'],
    'a buildinfo that is a symlink': [`d:p l:p/${BUILDINFO_PATH}`, 'buildinfo-missing'],
    'a buildinfo at the top, without a prefix': [`d:.spack f:${BUILDINFO_PATH}`, 'buildinfo-missing'],
    'no directory at all': ['f:p', 'tar-no-prefix'],
    'a prefix that no member names': [`i:p i:p/.spack f:p/${BUILDINFO_PATH}`, 'tar-no-prefix'],
    'only other directories are named': [`d:q i:p f:p/${BUILDINFO_PATH}`, 'tar-no-prefix'],
    'a file beside it': [`d:p f:p/${BUILDINFO_PATH} f:q`, 'tar-outside-prefix'],
    'a file above it': [`d:o d:o/p f:o/f f:o/p/${BUILDINFO_PATH}`, 'tar-outside-prefix'],
    'a symlink above it': [`d:o d:o/p l:o/l f:o/p/${BUILDINFO_PATH}`, 'tar-outside-prefix'],
    'a directory beside it': [`d:o d:o/p d:o/q f:o/p/${BUILDINFO_PATH}`, 'tar-outside-prefix'],
    'a directory whose name begins like it': [
      `d:p d:p-1 f:p/${BUILDINFO_PATH} f:p-1/f`,
      'tar-outside-prefix',
    ],
    'two packages': [`d:a d:b f:a/${BUILDINFO_PATH} f:b/${BUILDINFO_PATH}`, 'tar-outside-prefix'],
  };
  for (const [name, [members, code]] of Object.entries(refused)) {
    it(`refuses ${name}: ${code}`, () => {
      assert.throws(
        () => findPackageRoot(membersOf(members)),
        (error: unknown) => error instanceof BuildcacheError && error.code === code,
      );
    });
  }

  it('refuses an archive of nothing', () => {
    assert.throws(() => findPackageRoot(new Map()), { code: 'tar-no-prefix' });
  });
});

// Archives of layout 2 for readers of layout 1: the prefix is the first member, everything in it stays as it is.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { BuildcacheError } from '../../../../src/core/errors.js';
import { PackageRootSearch, WithoutParents } from '../../../../src/operations/mirror/anew/without-parents.js';
import { selectEngine } from '../../../../src/relocation/engines/select.js';
import { packHeader } from '../../../../src/tar/pack.js';
import { parseSafePath } from '../../../../src/tar/safe-path.js';
import { padded, tarArchive } from '../../../helpers/tar-builder.js';
import { readMembers } from '../../../helpers/unpack-tar.js';

const PREFIX = `opt/${'deep/'.repeat(30)}pkg-1.0-abc`;
const parents = PREFIX.split('/').map((_, i, all) => all.slice(0, i + 1).join('/'));
const BUILDINFO = `${PREFIX}/.spack/binary_distribution`;
const mode = 0o755;
const directory = (path: string) => packHeader({ type: 'directory', path, mode });
const file = (path: string, body: string) =>
  Buffer.concat([
    packHeader({ type: 'file', path, mode: 0o644, size: body.length }),
    padded(Buffer.from(body)),
  ]);
const archive = tarArchive(
  ...parents.map(directory),
  directory(`${PREFIX}/bin`),
  file(`${PREFIX}/bin/run`, 'x'.repeat(700)),
  packHeader({ type: 'hardlink', path: `${PREFIX}/bin/again`, linkPath: `${PREFIX}/bin/run`, mode }),
  packHeader({ type: 'symlink', path: `${PREFIX}/bin/link`, linkPath: 'run', mode }),
  directory(`${PREFIX}/opt`),
  file(BUILDINFO, 'buildpath: /x'),
);

describe('WithoutParents', () => {
  for (const size of [1, 7, 511, 512, 513, archive.length])
    test(`drops the directories above the root and nothing else, in pieces of ${size}`, () => {
      const writer = new WithoutParents(parseSafePath(PREFIX));
      const chunks: Uint8Array[] = [];
      for (let at = 0; at < archive.length; at += size)
        chunks.push(...writer.push(archive.subarray(at, at + size)));
      chunks.push(...writer.finish());
      const written = Buffer.concat(chunks);
      assert.equal(written.length % 10240, 0);
      const kept = readMembers(archive).slice(parents.length - 1);
      const found = readMembers(written);
      const facts = ({ entry: { mtime: _, ...entry }, body }: (typeof found)[number]) => ({ entry, body });
      assert.deepEqual(found.map(facts), kept.map(facts));
      assert.equal(found[0]?.entry.path, PREFIX);
    });

  test('refuses members that no package has', () => {
    const device = tarArchive({ name: 'null', type: '3' });
    assert.throws(
      () => new WithoutParents(parseSafePath(PREFIX)).push(device),
      (error: unknown) => error instanceof BuildcacheError && error.code === 'tar-unsupported-type',
    );
  });
});

test('PackageRootSearch finds the root in a compressed archive', () => {
  const search = new PackageRootSearch(selectEngine('js', {}).engine.createInflater());
  const bytes = gzipSync(archive);
  for (let at = 0; at < bytes.length; at += 100) search.push(bytes.subarray(at, at + 100));
  assert.equal(search.finish(), PREFIX);
});

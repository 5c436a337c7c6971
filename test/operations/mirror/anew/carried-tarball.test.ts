// Tarballs on their way to layout 3: gzip stays byte for byte, even where it lay in another archive; anything else becomes gzip.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { CarriedTarball } from '../../../../src/operations/mirror/anew/carried-tarball.js';
import { selectEngine } from '../../../../src/relocation/engines/select.js';
import { sha256 } from '../../../helpers/packed-package.js';
import { decompressWithPython, hasPythonBzip2 } from '../../../helpers/python-bzip2.js';
import { readMembers } from '../../../helpers/unpack-tar.js';
import { temporaryFolder } from '../../../store/temporary-folder.js';
import { FIXTURES, migrateUnsigned } from '../migrate-run.js';

const CONTENT = Buffer.from('some content '.repeat(5000));

async function carry(bytes: Uint8Array, pieces: number) {
  const written: Buffer[] = [];
  const inflater = selectEngine('js', {}).engine.createInflater();
  const write = async (chunk: Uint8Array) => void written.push(Buffer.from(chunk));
  const carried = new CarriedTarball({ inflater, write });
  for (let at = 0; at < bytes.length; at += pieces) await carried.push(bytes.subarray(at, at + pieces));
  return { ...(await carried.finish()), written: Buffer.concat(written) };
}

describe('CarriedTarball', () => {
  const gzip = gzipSync(CONTENT);
  const others = { 'a plain archive': CONTENT, 'nothing at all': Buffer.alloc(0) };
  for (const pieces of [1, 1000]) {
    test(`leaves gzip as it is, in pieces of ${pieces}`, async () => {
      const bytes = Buffer.concat([gzip, gzipSync('a second member'), Buffer.alloc(100)]);
      const { written, sha256: digest, size, recompressed } = await carry(bytes, pieces);
      assert.ok(written.equals(bytes));
      assert.deepEqual([digest, size, recompressed], [sha256(bytes), bytes.length, false]);
    });
    for (const [what, bytes] of Object.entries(others))
      test(`makes gzip of ${what}, in pieces of ${pieces}`, async () => {
        const { written, sha256: digest, size, recompressed } = await carry(bytes, pieces);
        assert.ok(gunzipSync(written).equals(bytes));
        assert.deepEqual([digest, size, recompressed], [sha256(written), written.length, true]);
      });
  }
});

const cache = join(FIXTURES, 'caches', 'layout0-unsigned');

describe('migration of layout 0', { skip: !existsSync(cache) && 'there are no fixtures' }, () => {
  const filesIn = (folder: string) =>
    (readdirSync(folder, { recursive: true }) as string[])
      .map((path) => join(folder, path))
      .filter((path) => statSync(path).isFile());
  /** The tarballs inside of the archives, by their endings. */
  const innerOf = (ending: string) =>
    filesIn(cache)
      .filter((path) => path.endsWith('.spack'))
      .map((path) => ({
        path,
        member: readMembers(readFileSync(path)).find(({ entry }) => entry.path.endsWith(ending)),
      }))
      .flatMap(({ path, member }) => (member === undefined ? [] : [{ path, body: member.body }]));
  const isOf = (hash: string) => (inner: { readonly path: string }) => inner.path.includes(hash);

  async function migrated(t: TestContext) {
    const destination = temporaryFolder(t);
    const run = { source: cache, destination, temporaryFolder: temporaryFolder(t) };
    const { packages } = await migrateUnsigned(run);
    assert.ok(packages.every(({ outcome }) => outcome === 'migrated'));
    return { packages, blobs: filesIn(join(destination, 'blobs')).map((path) => readFileSync(path)) };
  }

  test('takes gzip out of the archives, byte for byte', async (t) => {
    const { packages, blobs } = await migrated(t);
    const inner = innerOf('.tar.gz');
    assert.ok(inner.length > 0);
    for (const { path, body } of inner)
      assert.ok(
        blobs.some((blob) => blob.equals(body)),
        path,
      );
    for (const { hash, recompressed } of packages) assert.equal(recompressed, !inner.some(isOf(hash)), hash);
  });

  test('makes gzip of bzip2, and reports it', {
    skip: !hasPythonBzip2 && 'there is no Python with bz2',
  }, async (t) => {
    const { packages, blobs } = await migrated(t);
    const inner = innerOf('.tar.bz2');
    assert.ok(inner.length > 0);
    for (const { hash, recompressed } of packages) assert.equal(recompressed, inner.some(isOf(hash)), hash);
    const stored = blobs.filter((blob) => blob[0] === 0x1f).map((blob) => gunzipSync(blob));
    for (const content of decompressWithPython(inner.map(({ body }) => body)))
      assert.ok(stored.some((each) => content !== undefined && each.equals(content)));
  });
});

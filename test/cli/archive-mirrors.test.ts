// A tar archive of a mirror serves every command that reads a mirror.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import { buildCache, type CacheOptions } from '../helpers/cache-builder.js';
import { checkCode, publishPlace } from '../helpers/publish-place.js';
import { archiveTree } from '../helpers/tree-archive.js';

const SKETCHES = [{ name: 'base' }, { name: 'top', dependencies: ['base'] }] as const;
const LAYOUTS: Readonly<Record<string, CacheOptions>> = {
  'layout 1': { kind: 'classic', layoutVersion: 1 },
  'layout 2': { kind: 'classic', layoutVersion: 2 },
  'layout 3': { kind: 'manifest' },
};

async function place(t: TestContext, options: CacheOptions) {
  const { folder, run, key, fingerprint } = await publishPlace(t);
  const keyFile = join(folder, 'public.asc');
  writeFileSync(keyFile, key.toPublic().armor());
  const mirror = await buildCache(join(folder, 'signed'), SKETCHES, { ...options, key });
  const pushed = await run('keys', 'push', keyFile, '-m', mirror.folder);
  assert.equal(pushed.exitCode, 0, pushed.err);
  const archive = join(folder, 'cache.tar');
  archiveTree(mirror.folder, archive);
  const succeed = async (...args: readonly string[]) => {
    const { exitCode, err, out } = await run(...args);
    assert.equal(exitCode, 0, `${args.join(' ')}: ${err}`);
    return out;
  };
  return { folder, run, succeed, mirror, archive, fingerprint };
}

for (const [layout, options] of Object.entries(LAYOUTS))
  describe(`an archive of a mirror of ${layout}`, () => {
    it('is read by keys fetch, list, check, install, download and mirror check', async (t) => {
      const { folder, succeed, mirror, archive, fingerprint } = await place(t, options);
      const before = readFileSync(archive);
      assert.match(
        await succeed('keys', 'fetch', '-m', archive, '--trust', fingerprint),
        new RegExp(fingerprint),
      );
      const listed = await succeed('list', '-l', '-m', archive);
      assert.equal(listed, await succeed('list', '-l', '-m', mirror.folder));
      assert.match(listed, /top@/);
      const root = ['--root', join(folder, 'store')];
      assert.match(await succeed('install', 'top', '-m', archive, ...root), /signature verified/);
      await succeed('check', 'top', '-m', archive, ...root);
      await succeed('mirror', 'check', archive, '--deep');
      const copy = join(folder, 'copy');
      await succeed('download', 'top', '-m', archive, '-p', copy);
      assert.ok(readdirSync(copy, { recursive: true }).length > 0);
      assert.ok(readFileSync(archive).equals(before));
      assert.deepEqual(
        readdirSync(folder).filter((name) => name.includes('tmp')),
        [],
      );
    });

    it('is listed as it is now, not as it was cached', async (t) => {
      const { folder, succeed, archive } = await place(t, options);
      assert.doesNotMatch(await succeed('list', '-m', archive), /newer/);
      const newer = await buildCache(join(folder, 'newer'), [...SKETCHES, { name: 'newer' }], options);
      archiveTree(newer.folder, archive);
      assert.match(await succeed('list', '-m', archive), /newer/);
    });
  });

describe('an archive as a mirror', () => {
  it('is found by its name in mirrors.yaml, and by a file: URL', async (t) => {
    const { folder, run } = await publishPlace(t);
    const { folder: mirror } = await buildCache(join(folder, 'm'), SKETCHES, {});
    archiveTree(mirror, join(folder, 'cache.tar'));
    const root = join(folder, 'config', 'regraft');
    mkdirSync(root, { recursive: true });
    writeFileSync(join(root, 'mirrors.yaml'), 'mirrors:\n  air: ../../cache.tar\n');
    for (const reference of ['air', `file://${folder}/cache.tar`]) {
      const { out, err, exitCode } = await run('list', '-m', reference);
      assert.equal(exitCode, 0, err);
      assert.match(out, /top@/);
    }
  });

  it('is not written to, nor made a folder', async (t) => {
    const { folder, cache, run } = await publishPlace(t);
    const archive = join(folder, 'cache.tar');
    archiveTree(cache.folder, archive);
    const before = readFileSync(archive);
    const store = ['--root', join(folder, 'store')];
    await run('install', 'top', '--no-check-signature', '-m', archive, ...store);
    for (const file of [archive, join(folder, 'missing.tar')]) {
      for (const args of [
        ['push', 'top', '-m', file, '--unsigned', ...store],
        ['index', file],
        ['mirror', 'prune', file],
      ]) {
        const result = await run(...args);
        checkCode(result, 1, 'mirror-read-only');
        assert.match(result.err, /hint: Push to a folder, then make the archive of it anew/);
      }
    }
    assert.ok(readFileSync(archive).equals(before));
    assert.equal(existsSync(join(folder, 'missing.tar')), false);
  });

  it('must be uncompressed, complete, and the content of the mirror', async (t) => {
    const { folder, cache, run } = await publishPlace(t);
    const archive = join(folder, 'cache.tar');
    archiveTree(cache.folder, archive);
    const bytes = readFileSync(archive);
    const write = (name: string, content: Uint8Array) => {
      writeFileSync(join(folder, name), content);
      return join(folder, name);
    };
    const deep = join(folder, 'deep.tar');
    archiveTree(cache.folder, deep, 'mirror/');
    for (const [file, message] of [
      [write('cache.tar.gz', gzipSync(bytes)), /compressed with gzip[\s\S]*hint: Decompress it first/],
      [
        write('cut.tar', bytes.subarray(0, (bytes.length >> 1) + 9)),
        /it ends at[\s\S]*hint: The archive is incomplete/,
      ],
      [deep, /"build_cache" is in the folder "mirror"[\s\S]*-C mirror/],
      [join(folder, 'missing.tar'), /no such file/],
    ] as const)
      for (const command of [['list'], ['install', 'top', '--root', join(folder, 'store')]]) {
        const { err, exitCode } = await run(...command, '-m', file);
        assert.match(err, message);
        assert.notEqual(exitCode, 0);
      }
  });
});

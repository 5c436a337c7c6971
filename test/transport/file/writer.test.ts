import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { encodeUtf8 } from '../../../src/core/bytes.js';
import { MirrorError } from '../../../src/core/errors.js';
import { readAll } from '../../../src/mirror/mirror.js';
import { openMirror } from '../../../src/mirror/open-mirror.js';
import { requireWritable, type WritableMirror, writeObject } from '../../../src/mirror/writable-mirror.js';
import { withoutRights } from '../../helpers/without-rights.js';
import { deadPid } from '../../store/child.js';
import { temporaryFolder } from '../../mirror/temporary-folder.js';

const coded = (code: string) => (error: unknown) => error instanceof MirrorError && error.code === code;

function makeMirror(context: TestContext): { folder: string; mirror: WritableMirror } {
  const folder = join(temporaryFolder(context), 'mirror');
  return { folder, mirror: requireWritable(openMirror(folder)) };
}

const everything = (folder: string) =>
  existsSync(folder) ? (readdirSync(folder, { recursive: true }) as string[]).sort() : [];

test('FileMirror makes an object visible with the commit, whole, and its root when it is not there', async (context) => {
  const { folder, mirror } = makeMirror(context);
  const writer = await mirror.create('build_cache/a/b.spack');
  const chunk = encodeUtf8('one ');
  await writer.write(chunk);
  chunk.fill(0);
  await writer.write(encodeUtf8('two'));
  assert.equal(await mirror.has('build_cache/a/b.spack'), false);
  await writer.prepare();
  assert.equal(await mirror.has('build_cache/a/b.spack'), false);
  await writer.commit();
  await writer.discard();
  assert.equal(readFileSync(join(folder, 'build_cache/a/b.spack'), 'utf8'), 'one two');
  assert.deepEqual(everything(folder), ['build_cache', 'build_cache/a', 'build_cache/a/b.spack']);
  await assert.rejects(writer.write(chunk), TypeError);
});

test('FileMirror replaces an object in one step', async (context) => {
  const { folder, mirror } = makeMirror(context);
  await writeObject(mirror, 'x', encodeUtf8('old'));
  const before = statSync(join(folder, 'x')).ino;
  const writer = await mirror.create('x');
  await writer.write(encodeUtf8('new'));
  assert.equal(readFileSync(join(folder, 'x'), 'utf8'), 'old');
  await writer.commit();
  assert.equal(readFileSync(join(folder, 'x'), 'utf8'), 'new');
  assert.notEqual(statSync(join(folder, 'x')).ino, before);
});

test('FileMirror leaves nothing of an object that was discarded', async (context) => {
  const { folder, mirror } = makeMirror(context);
  const [first, second] = [await mirror.create('a/b'), await mirror.create('a/c')];
  await first.write(encodeUtf8('x'));
  await first.discard();
  await first.discard();
  await second.prepare();
  await second.discard();
  assert.deepEqual(everything(folder), ['a']);
});

test('FileMirror writes many objects at a time, from several mirrors of one folder', async (context) => {
  const { folder, mirror } = makeMirror(context);
  const other = requireWritable(openMirror(folder));
  const names = Array.from({ length: 60 }, (_, index) => `f/${index}`);
  await Promise.all(
    names.map((name, index) => writeObject(index % 2 ? mirror : other, name, encodeUtf8(name))),
  );
  assert.deepEqual(everything(folder), ['f', ...names].sort());
});

test('FileMirror removes objects', async (context) => {
  const { folder, mirror } = makeMirror(context);
  await writeObject(mirror, 'x', encodeUtf8('x'));
  await mirror.remove('x');
  await mirror.remove('x');
  assert.deepEqual(everything(folder), []);
  await assert.rejects(mirror.create('../x'), coded('mirror-not-found'));
});

test('FileMirror clears away what processes that died left behind, and nothing else', async (context) => {
  const { folder, mirror } = makeMirror(context);
  const writer = await mirror.create('x');
  const [own = ''] = readdirSync(join(folder, '.regraft-tmp'));
  const dead = own.replace(/^\d+/, String(deadPid()));
  const elsewhere = own.replace(/^\d+-\w{8}/, `${deadPid()}-00000000`);
  for (const name of [dead, elsewhere, 'unknown']) writeFileSync(join(folder, '.regraft-tmp', name), '');
  await writeObject(requireWritable(openMirror(folder)), 'y', encodeUtf8('y'));
  assert.deepEqual(readdirSync(join(folder, '.regraft-tmp')).sort(), [elsewhere, own, 'unknown'].sort());
  await writer.commit();
});

test('FileMirror names a folder that may not be written', async (context) => {
  const { folder, mirror } = makeMirror(context);
  mkdirSync(join(folder, 'build_cache'), { recursive: true });
  writeFileSync(join(folder, 'build_cache', 'x'), 'x');
  for (const path of [join(folder, '..'), folder, join(folder, 'build_cache')]) chmodSync(path, 0o555);
  await withoutRights(async () => {
    await assert.rejects(mirror.create('build_cache/y'), coded('mirror-read-only'));
    await assert.rejects(mirror.remove('build_cache/x'), coded('mirror-read-only'));
  });
  chmodSync(folder, 0o777);
  await withoutRights(async () => {
    await assert.rejects(writeObject(mirror, 'build_cache/y', encodeUtf8('y')), coded('mirror-read-only'));
    await assert.rejects(
      writeObject(mirror, 'build_cache/sub/y', encodeUtf8('y')),
      coded('mirror-read-only'),
    );
  });
  for (const path of [join(folder, '..'), join(folder, 'build_cache')]) chmodSync(path, 0o755);
  assert.deepEqual(everything(folder), ['build_cache', 'build_cache/x']);
});

test('FileMirror names a place that cannot be written', async (context) => {
  const { folder, mirror } = makeMirror(context);
  await writeObject(mirror, 'file', encodeUtf8('x'));
  await assert.rejects(writeObject(mirror, 'file/below', encodeUtf8('y')), coded('mirror-write-failed'));
  await writeObject(mirror, 'folder/file', encodeUtf8('x'));
  await assert.rejects(writeObject(mirror, 'folder', encodeUtf8('y')), coded('mirror-write-failed'));
  assert.deepEqual(everything(folder), ['file', 'folder', 'folder/file']);
});

test('FileMirror names a full disk, and leaves nothing behind', async (context) => {
  const { folder, mirror } = makeMirror(context);
  await writeObject(mirror, 'old', encodeUtf8('old'));
  const handle = await open(join(folder, 'old'));
  const prototype = Object.getPrototypeOf(handle) as FileHandle;
  await handle.close();
  for (const [method, errno, code] of [
    ['write', 'ENOSPC', 'mirror-full'],
    ['sync', 'EDQUOT', 'mirror-full'],
    ['sync', 'EIO', 'mirror-write-failed'],
  ] as const) {
    const failing = context.mock.method(prototype, method, () =>
      Promise.reject(Object.assign(new Error('no'), { code: errno })),
    );
    await assert.rejects(writeObject(mirror, 'old', encodeUtf8('new')), coded(code));
    failing.mock.restore();
    assert.deepEqual(everything(folder), ['old']);
    assert.equal(readFileSync(join(folder, 'old'), 'utf8'), 'old');
  }
});

test('requireWritable refuses mirrors that are only read', async () => {
  for (const url of ['http://localhost/cache', 'https://localhost/cache']) {
    const mirror = openMirror(url);
    assert.throws(() => requireWritable(mirror), coded('mirror-read-only'));
    await mirror.close?.();
  }
});

test('writeObject writes what readAll reads', async (context) => {
  const { mirror } = makeMirror(context);
  const bytes = new Uint8Array(3_000_000).map((_, index) => index * 7);
  await writeObject(mirror, 'big', bytes);
  assert.deepEqual(await readAll(mirror, 'big', { limit: bytes.length }), bytes);
  const controller = new AbortController();
  controller.abort();
  await assert.rejects(mirror.create('x', { signal: controller.signal }), { name: 'AbortError' });
});

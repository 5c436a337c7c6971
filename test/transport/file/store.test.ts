import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { MirrorError } from '../../../src/core/errors.js';
import { FileMirror } from '../../../src/transport/file/store.js';
import { collect } from '../http/recording-retry.js';
import { temporaryFolder } from '../../mirror/temporary-folder.js';

const code = (wanted: string) => (error: unknown) => error instanceof MirrorError && error.code === wanted;

test('FileMirror.get streams a file in chunks of 256 KiB', async (t) => {
  const root = temporaryFolder(t);
  const content = Buffer.alloc(2_500_000, 'abc');
  mkdirSync(join(root, 'a b+%'));
  writeFileSync(join(root, 'a b+%', 'f#?'), content);
  const object = await new FileMirror({ root }).get('a b+%/f#?');
  assert.equal(object.size, content.length);
  assert.equal(object.etag, undefined);
  const { bytes, sizes } = await collect(object.body);
  assert.ok(bytes.equals(content));
  assert.deepEqual(sizes, [...Array.from({ length: 9 }, () => 262_144), 140_704]);
});

test('FileMirror.get reads an empty file', async (t) => {
  const root = temporaryFolder(t);
  writeFileSync(join(root, 'empty'), '');
  assert.deepEqual((await collect((await new FileMirror({ root }).get('empty')).body)).sizes, []);
});

test('FileMirror.sizeOf knows sizes, and throws for no path', (t) => {
  const root = temporaryFolder(t);
  writeFileSync(join(root, 'file'), 'four');
  const mirror = new FileMirror({ root });
  assert.equal(mirror.sizeOf('file'), 4);
  for (const path of ['missing', 'file/below', 'x'.repeat(300), '../x', '/etc/passwd'])
    assert.equal(mirror.sizeOf(path), undefined, path);
});

test('FileMirror says what is not there', async (t) => {
  const root = temporaryFolder(t);
  mkdirSync(join(root, 'folder'));
  writeFileSync(join(root, 'file'), 'x');
  const mirror = new FileMirror({ root });
  for (const path of [
    'missing',
    'folder',
    'file/below',
    'x'.repeat(300),
    '../x',
    'folder/../file',
    '/etc/passwd',
    '',
  ]) {
    await assert.rejects(mirror.get(path), code('mirror-not-found'), path);
  }
  assert.equal(await mirror.has('missing'), false);
  assert.equal(await mirror.has('folder'), false);
  assert.equal(await mirror.has('file'), true);
});

test('FileMirror with a root that is not there is unreachable', async (t) => {
  const mirror = new FileMirror({ root: join(temporaryFolder(t), 'typo') });
  await assert.rejects(mirror.get('x'), code('mirror-unreachable'));
  await assert.rejects(collectNames(mirror), code('mirror-unreachable'));
});

test('FileMirror does not wait for a FIFO', async (t) => {
  const root = temporaryFolder(t);
  execFileSync('mkfifo', [join(root, 'fifo')]);
  await assert.rejects(new FileMirror({ root }).get('fifo'), code('mirror-not-found'));
});

test('FileMirror follows symbolic links, and names a loop', async (t) => {
  const root = temporaryFolder(t);
  writeFileSync(join(root, 'file'), 'x');
  symlinkSync('file', join(root, 'link'));
  symlinkSync('loop', join(root, 'loop'));
  const mirror = new FileMirror({ root });
  assert.equal((await collect((await mirror.get('link')).body)).bytes.toString(), 'x');
  await assert.rejects(mirror.get('loop'), code('mirror-unreachable'));
});

test('FileMirror names a file that may not be read', {
  skip: process.getuid?.() === 0 && 'root reads everything',
}, async (t) => {
  const root = temporaryFolder(t);
  writeFileSync(join(root, 'secret'), 'x');
  chmodSync(join(root, 'secret'), 0);
  await assert.rejects(new FileMirror({ root }).get('secret'), (error: MirrorError) => {
    return code('mirror-unreachable')(error) && error.data.reason === 'EACCES';
  });
});

test('FileMirror notices a file that shrinks while it is read', async (t) => {
  const root = temporaryFolder(t);
  const file = join(root, 'file');
  writeFileSync(file, Buffer.alloc(3 << 20));
  const { body } = await new FileMirror({ root }).get('file');
  const reader = body.getReader();
  await reader.read();
  truncateSync(file, 256 << 10);
  // The next chunk may have been read ahead.
  await reader.read().catch(() => {});
  await assert.rejects(
    reader.read(),
    (error: MirrorError) => code('mirror-truncated')(error) && error.retryable,
  );
});

test('FileMirror passes the reason of an aborted signal on', async (t) => {
  const root = temporaryFolder(t);
  writeFileSync(join(root, 'file'), Buffer.alloc(3 << 20));
  const mirror = new FileMirror({ root });
  const reason = new Error('enough');
  const controller = new AbortController();
  const { body } = await mirror.get('file', { signal: controller.signal });
  const reader = body.getReader();
  await reader.read();
  controller.abort(reason);
  await assert.rejects(reader.read(), reason);
  await assert.rejects(mirror.get('file', { signal: controller.signal }), reason);
});

test('FileMirror.list yields sorted names, none for an absent folder', async (t) => {
  const root = temporaryFolder(t);
  mkdirSync(join(root, 'd'));
  for (const name of ['b', 'a', 'ü', 'C']) writeFileSync(join(root, 'd', name), '');
  const mirror = new FileMirror({ root });
  assert.deepEqual(await collectNames(mirror, 'd'), ['C', 'a', 'b', 'ü']);
  assert.deepEqual(await collectNames(mirror, 'missing'), []);
  assert.deepEqual(await collectNames(mirror, ''), ['d']);
});

test('FileMirror has one URL for one folder', (t) => {
  const root = temporaryFolder(t);
  const mirror = new FileMirror({ root: `${root}/` });
  assert.equal(mirror.url, pathToFileURL(root).href);
  assert.equal(mirror.name, root);
  assert.equal(mirror.signed, true);
  assert.equal(mirror.location('a/b'), join(root, 'a/b'));
  assert.equal(new FileMirror({ root, name: 'mine', signed: false }).name, 'mine');
});

async function collectNames(mirror: FileMirror, path = 'x'): Promise<string[]> {
  const names: string[] = [];
  for await (const name of mirror.list(path)) names.push(name);
  return names;
}

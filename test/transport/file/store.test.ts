import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { MirrorError } from '../../../src/core/errors.js';
import { FileStore } from '../../../src/transport/file/store.js';
import { temporaryFolder } from '../../mirror/temporary-folder.js';
import { collect } from '../http/recording-retry.js';

const code = (wanted: string) => (error: unknown) => error instanceof MirrorError && error.code === wanted;

test('FileStore.open streams a file in chunks of 256 KiB', async (t) => {
  const root = temporaryFolder(t);
  const content = Buffer.alloc(2_500_000, 'abc');
  mkdirSync(join(root, 'a b+%'));
  writeFileSync(join(root, 'a b+%', 'f#?'), content);
  const object = await new FileStore({ root }).open('a b+%/f#?');
  assert.equal(object.size, content.length);
  assert.match(object.tag ?? '', /^"[0-9a-f-]+"$/);
  const { bytes, sizes } = await collect(object.body);
  assert.ok(bytes.equals(content));
  assert.deepEqual(sizes, [...Array.from({ length: 9 }, () => 262_144), 140_704]);
});

test('FileStore.open reads an empty file', async (t) => {
  const root = temporaryFolder(t);
  writeFileSync(join(root, 'empty'), '');
  assert.deepEqual((await collect((await new FileStore({ root }).open('empty')).body)).sizes, []);
});

test('FileStore.sizeHint knows sizes, and throws for no path', (t) => {
  const root = temporaryFolder(t);
  writeFileSync(join(root, 'file'), 'four');
  const store = new FileStore({ root });
  assert.equal(store.sizeHint('file'), 4);
  for (const path of ['missing', 'file/below', 'x'.repeat(300), '../x', '/etc/passwd'])
    assert.equal(store.sizeHint(path), undefined, path);
});

test('FileStore says what is not there', async (t) => {
  const root = temporaryFolder(t);
  mkdirSync(join(root, 'folder'));
  writeFileSync(join(root, 'file'), 'x');
  const store = new FileStore({ root });
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
    await assert.rejects(store.open(path), code('mirror-not-found'), path);
  }
  assert.equal(await store.stat('missing'), undefined);
  assert.equal(await store.stat('folder'), undefined);
  assert.equal((await store.stat('file'))?.size, 1);
});

test('FileStore with a root that is not there is unreachable', async (t) => {
  const store = new FileStore({ root: join(temporaryFolder(t), 'typo') });
  await assert.rejects(store.open('x'), code('mirror-unreachable'));
});

test('FileStore does not wait for a FIFO', async (t) => {
  const root = temporaryFolder(t);
  execFileSync('mkfifo', [join(root, 'fifo')]);
  await assert.rejects(new FileStore({ root }).open('fifo'), code('mirror-not-found'));
});

test('FileStore follows symbolic links, and names a loop', async (t) => {
  const root = temporaryFolder(t);
  writeFileSync(join(root, 'file'), 'x');
  symlinkSync('file', join(root, 'link'));
  symlinkSync('loop', join(root, 'loop'));
  const store = new FileStore({ root });
  assert.equal((await collect((await store.open('link')).body)).bytes.toString(), 'x');
  await assert.rejects(store.open('loop'), code('mirror-unreachable'));
});

test('FileStore names a file that may not be read', {
  skip: process.getuid?.() === 0 && 'root reads everything',
}, async (t) => {
  const root = temporaryFolder(t);
  writeFileSync(join(root, 'secret'), 'x');
  chmodSync(join(root, 'secret'), 0);
  await assert.rejects(new FileStore({ root }).open('secret'), (error: MirrorError) => {
    return code('mirror-unreachable')(error) && error.data.reason === 'EACCES';
  });
});

test('FileStore notices a file that shrinks while it is read', async (t) => {
  const root = temporaryFolder(t);
  const file = join(root, 'file');
  writeFileSync(file, Buffer.alloc(3 << 20));
  const { body } = await new FileStore({ root }).open('file');
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

test('FileStore passes the reason of an aborted signal on', async (t) => {
  const root = temporaryFolder(t);
  writeFileSync(join(root, 'file'), Buffer.alloc(3 << 20));
  const store = new FileStore({ root });
  const reason = new Error('enough');
  const controller = new AbortController();
  const { body } = await store.open('file', { signal: controller.signal });
  const reader = body.getReader();
  await reader.read();
  controller.abort(reason);
  await assert.rejects(reader.read(), reason);
  await assert.rejects(store.open('file', { signal: controller.signal }), reason);
});

test('FileStore has one URL for one folder', (t) => {
  const root = temporaryFolder(t);
  const store = new FileStore({ root: `${root}/` });
  assert.equal(store.url, pathToFileURL(root).href);
  assert.equal(store.location(''), root);
  assert.equal(store.location('a/b'), join(root, 'a/b'));
});

test('FileStore.open reads ranges at every boundary', async (t) => {
  const root = temporaryFolder(t);
  const content = Buffer.from('0123456789');
  writeFileSync(join(root, 'x'), content);
  writeFileSync(join(root, 'empty'), '');
  const store = new FileStore({ root });
  for (let start = 0; start <= 10; start++) {
    for (const end of [undefined, ...Array.from({ length: 12 - start }, (_, index) => start + 1 + index)]) {
      const object = await store.open('x', { range: { start, end } });
      const expected = content.subarray(start, end);
      assert.equal(object.size, expected.length);
      assert.ok((await collect(object.body)).bytes.equals(expected), `${start} to ${end}`);
    }
  }
  for (const range of [{ start: 11 }, { start: 11, end: 12 }])
    await assert.rejects(store.open('x', { range }), code('mirror-range'));
  assert.equal((await store.open('empty', { range: { start: 0, end: 1 } })).size, 0);
  await assert.rejects(store.open('x', { range: { start: 3, end: 3 } }), TypeError);
});

test('FileStore.open reads a range of a large file in chunks', async (t) => {
  const root = temporaryFolder(t);
  const content = Buffer.alloc(1_000_000, 'abcdefg');
  writeFileSync(join(root, 'x'), content);
  const { body } = await new FileStore({ root }).open('x', { range: { start: 1, end: 600_001 } });
  const { bytes, sizes } = await collect(body);
  assert.ok(bytes.equals(content.subarray(1, 600_001)));
  assert.deepEqual(sizes, [262_144, 262_144, 75_712]);
});

test('FileStore: open, stat and commit tell one tag, which changes with the file', async (t) => {
  const root = temporaryFolder(t);
  const store = new FileStore({ root });
  const write = async (text: string) => {
    const pending = await store.writer.begin();
    await pending.write(Buffer.from(text));
    return pending.commit('x');
  };
  const committed = await write('one');
  const { tag, body } = await store.open('x');
  await body.cancel();
  assert.match(tag ?? '', /^"[0-9a-f]+-3-[0-9a-f]+"$/);
  assert.deepEqual(committed, { size: 3, tag });
  assert.deepEqual(await store.stat('x'), committed);
  utimesSync(join(root, 'x'), 1, 1);
  assert.notEqual((await store.stat('x'))?.tag, tag);
  const touched = await store.stat('x');
  assert.notEqual((await write('two')).tag, touched?.tag);
});

test('FileStore.open heeds conditions on the tag', async (t) => {
  const root = temporaryFolder(t);
  writeFileSync(join(root, 'x'), 'one');
  const store = new FileStore({ root });
  const tag = (await store.stat('x'))?.tag ?? '';
  assert.equal(await store.open('x', { unlessTag: tag }), 'not-modified');
  const rest = await store.open('x', { ifTag: tag, range: { start: 1 } });
  assert.equal((await collect(rest.body)).bytes.toString(), 'ne');
  writeFileSync(join(root, 'x'), 'other');
  await assert.rejects(store.open('x', { ifTag: tag }), code('mirror-changed'));
  const changed = await store.open('x', { unlessTag: tag });
  assert.ok(changed !== 'not-modified');
  assert.equal((await collect(changed.body)).bytes.toString(), 'other');
});

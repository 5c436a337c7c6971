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
import { FileStore } from '../../../src/transport/file/store.js';
import type { ObjectWriter } from '../../../src/transport/object-store.js';
import { readAll } from '../../../src/transport/read-object.js';
import { writeObject } from '../../../src/transport/write-object.js';
import { withoutRights } from '../../helpers/without-rights.js';
import { temporaryFolder } from '../../mirror/temporary-folder.js';
import { deadPid } from '../../store/child.js';

const coded = (code: string) => (error: unknown) => error instanceof MirrorError && error.code === code;

function makeStore(context: TestContext) {
  const folder = join(temporaryFolder(context), 'store');
  const store = new FileStore({ root: folder });
  return { folder, store, writer: store.writer };
}

const write = (writer: ObjectWriter, path: string, bytes: Uint8Array) => writeObject(writer, { path, bytes });

const everything = (folder: string) =>
  existsSync(folder) ? (readdirSync(folder, { recursive: true }) as string[]).sort() : [];

test('FileWriter makes an object visible with the commit, whole, and its root when it is not there', async (context) => {
  const { folder, store, writer } = makeStore(context);
  const pending = await writer.begin({ path: 'build_cache/a/b.spack' });
  const chunk = encodeUtf8('one ');
  await pending.write(chunk);
  chunk.fill(0);
  await pending.write(encodeUtf8('two'));
  assert.equal(await store.stat('build_cache/a/b.spack'), undefined);
  await pending.prepare();
  assert.equal(await store.stat('build_cache/a/b.spack'), undefined);
  await pending.commit('build_cache/a/b.spack');
  await pending.discard();
  assert.equal(readFileSync(join(folder, 'build_cache/a/b.spack'), 'utf8'), 'one two');
  assert.deepEqual(everything(folder), ['build_cache', 'build_cache/a', 'build_cache/a/b.spack']);
  await assert.rejects(pending.write(chunk), TypeError);
});

test('FileWriter replaces an object in one step', async (context) => {
  const { folder, writer } = makeStore(context);
  await write(writer, 'x', encodeUtf8('old'));
  const before = statSync(join(folder, 'x')).ino;
  const pending = await writer.begin({ path: 'x' });
  await pending.write(encodeUtf8('new'));
  assert.equal(readFileSync(join(folder, 'x'), 'utf8'), 'old');
  await pending.commit('x');
  assert.equal(readFileSync(join(folder, 'x'), 'utf8'), 'new');
  assert.notEqual(statSync(join(folder, 'x')).ino, before);
});

test('FileWriter puts an object in place again, where that was asked for', async (context) => {
  const { folder, writer } = makeStore(context);
  const pending = await writer.begin({ isRepeatable: true });
  const bytes = new Uint8Array(3_000_000).fill(7);
  await pending.write(bytes);
  for (let time = 0; time < 3; time++) {
    await pending.commit('x/y', 'absent');
    assert.deepEqual(everything(folder), ['x', 'x/y']);
    assert.ok(readFileSync(join(folder, 'x/y')).equals(bytes));
    await writer.remove('x/y');
  }
  await pending.discard();
  assert.deepEqual(everything(folder), ['x']);
});

test('FileWriter leaves an object that was committed when it is dropped, and nothing of one that was not', async (context) => {
  const { folder, writer } = makeStore(context);
  const [kept, dropped] = [
    await writer.begin({ isRepeatable: true }),
    await writer.begin({ isRepeatable: true }),
  ];
  await kept.commit('x');
  await kept.discard();
  await dropped.discard();
  assert.deepEqual(everything(folder), ['x']);
});

test('FileWriter leaves nothing of an object that was discarded', async (context) => {
  const { folder, writer } = makeStore(context);
  const [first, second] = [await writer.begin({ path: 'a/b' }), await writer.begin({ path: 'a/c' })];
  await first.write(encodeUtf8('x'));
  await first.discard();
  await first.discard();
  await second.prepare();
  await second.discard();
  assert.deepEqual(everything(folder), ['a']);
});

test('FileWriter writes many objects at a time, from several mirrors of one folder', async (context) => {
  const { folder, writer } = makeStore(context);
  const other = new FileStore({ root: folder }).writer;
  const names = Array.from({ length: 60 }, (_, index) => `f/${index}`);
  await Promise.all(names.map((name, index) => write(index % 2 ? writer : other, name, encodeUtf8(name))));
  assert.deepEqual(everything(folder), ['f', ...names].sort());
});

test('FileWriter removes objects', async (context) => {
  const { folder, writer } = makeStore(context);
  await write(writer, 'x', encodeUtf8('x'));
  await writer.remove('x');
  await writer.remove('x');
  assert.deepEqual(everything(folder), []);
  await assert.rejects(writer.begin({ path: '../x' }), coded('mirror-not-found'));
});

test('FileWriter removes only the object that it is told to', async (context) => {
  const { folder, store, writer } = makeStore(context);
  await write(writer, 'x', encodeUtf8('x'));
  const tag = (await store.stat('x'))?.tag ?? '';
  await write(writer, 'x', encodeUtf8('x'));
  await assert.rejects(writer.remove('x', { ifTag: tag }), coded('mirror-changed'));
  assert.deepEqual(everything(folder), ['x']);
  const now = (await store.stat('x'))?.tag ?? '';
  await writer.remove('x', { ifTag: now });
  await writer.remove('x', { ifTag: now });
  assert.deepEqual(everything(folder), []);
});

test('FileWriter clears away what processes that died left behind, and nothing else', async (context) => {
  const { folder, writer } = makeStore(context);
  const pending = await writer.begin({ path: 'x' });
  const [own = ''] = readdirSync(join(folder, '.regraft-tmp'));
  const dead = own.replace(/^\d+/, String(deadPid()));
  const elsewhere = own.replace(/^\d+-\w{8}/, `${deadPid()}-00000000`);
  for (const name of [dead, elsewhere, 'unknown']) writeFileSync(join(folder, '.regraft-tmp', name), '');
  await write(new FileStore({ root: folder }).writer, 'y', encodeUtf8('y'));
  assert.deepEqual(readdirSync(join(folder, '.regraft-tmp')).sort(), [elsewhere, own, 'unknown'].sort());
  await pending.commit('x');
});

test('FileWriter names a folder that may not be written', async (context) => {
  const { folder, writer } = makeStore(context);
  mkdirSync(join(folder, 'build_cache'), { recursive: true });
  writeFileSync(join(folder, 'build_cache', 'x'), 'x');
  for (const path of [join(folder, '..'), folder, join(folder, 'build_cache')]) chmodSync(path, 0o555);
  await withoutRights(async () => {
    await assert.rejects(writer.begin({ path: 'build_cache/y' }), coded('mirror-read-only'));
    await assert.rejects(writer.remove('build_cache/x'), coded('mirror-read-only'));
  });
  chmodSync(folder, 0o777);
  await withoutRights(async () => {
    await assert.rejects(write(writer, 'build_cache/y', encodeUtf8('y')), coded('mirror-read-only'));
    await assert.rejects(write(writer, 'build_cache/sub/y', encodeUtf8('y')), coded('mirror-read-only'));
  });
  for (const path of [join(folder, '..'), join(folder, 'build_cache')]) chmodSync(path, 0o755);
  assert.deepEqual(everything(folder), ['build_cache', 'build_cache/x']);
});

test('FileWriter names a place that cannot be written', async (context) => {
  const { folder, writer } = makeStore(context);
  await write(writer, 'file', encodeUtf8('x'));
  await assert.rejects(write(writer, 'file/below', encodeUtf8('y')), coded('mirror-write-failed'));
  await write(writer, 'folder/file', encodeUtf8('x'));
  await assert.rejects(write(writer, 'folder', encodeUtf8('y')), coded('mirror-write-failed'));
  assert.deepEqual(everything(folder), ['file', 'folder', 'folder/file']);
});

test('FileWriter names a full disk, and leaves nothing behind', async (context) => {
  const { folder, writer } = makeStore(context);
  await write(writer, 'old', encodeUtf8('old'));
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
    await assert.rejects(write(writer, 'old', encodeUtf8('new')), coded(code));
    failing.mock.restore();
    assert.deepEqual(everything(folder), ['old']);
    assert.equal(readFileSync(join(folder, 'old'), 'utf8'), 'old');
  }
});

test('writeObject writes what readAll reads', async (context) => {
  const { store, writer } = makeStore(context);
  const bytes = new Uint8Array(3_000_000).map((_, index) => index * 7);
  await write(writer, 'big', bytes);
  assert.deepEqual(await readAll(store, 'big', { limit: bytes.length }), bytes);
  const controller = new AbortController();
  controller.abort();
  await assert.rejects(writer.begin({ signal: controller.signal }), { name: 'AbortError' });
});

test('FileWriter names an object at its end', async (context) => {
  const { folder, writer } = makeStore(context);
  const pending = await writer.begin();
  await pending.write(encodeUtf8('content'));
  await pending.prepare();
  assert.deepEqual(everything(folder).length, 2);
  assert.equal((await pending.commit('blobs/a/b')).size, 7);
  const renamed = await writer.begin({ path: 'expected/x' });
  await renamed.commit('given/x');
  assert.equal(readFileSync(join(folder, 'blobs/a/b'), 'utf8'), 'content');
  assert.ok(existsSync(join(folder, 'given/x')));
  const escaping = await writer.begin();
  await assert.rejects(escaping.commit('../x'), coded('mirror-not-found'));
  await assert.rejects(escaping.commit('x'), TypeError);
  assert.ok(!existsSync(join(folder, '.regraft-tmp')));
});

test('FileWriter gives a name that nobody has, once', async (context) => {
  const { folder, writer } = makeStore(context);
  const outcomes = await Promise.allSettled(
    Array.from({ length: 8 }, (_, index) =>
      writeObject(writer, { path: 'a/x', bytes: encodeUtf8(`${index}`) }, { condition: 'absent' }),
    ),
  );
  const failures = outcomes.filter((outcome) => outcome.status === 'rejected');
  assert.equal(failures.length, 7);
  for (const { reason } of failures) assert.ok(coded('mirror-changed')(reason), String(reason));
  const winner = outcomes.findIndex(({ status }) => status === 'fulfilled');
  assert.equal(readFileSync(join(folder, 'a/x'), 'utf8'), String(winner));
  assert.equal(statSync(join(folder, 'a/x')).nlink, 1);
  assert.deepEqual(everything(folder), ['a', 'a/x']);
});

test('FileWriter replaces only the object that it is told to', async (context) => {
  const { folder, store, writer } = makeStore(context);
  const object = (text: string) => ({ path: 'x', bytes: encodeUtf8(text) });
  const first = await writeObject(writer, object('one'));
  const second = await writeObject(writer, object('two'), { condition: { ifTag: first.tag ?? '' } });
  assert.deepEqual(await store.stat('x'), second);
  const stale = { condition: { ifTag: first.tag ?? '' } };
  await assert.rejects(writeObject(writer, object('three'), stale), coded('mirror-changed'));
  assert.equal(readFileSync(join(folder, 'x'), 'utf8'), 'two');
  await writer.remove('x');
  await assert.rejects(
    writeObject(writer, object('three'), { condition: { ifTag: second.tag ?? '' } }),
    coded('mirror-changed'),
  );
  assert.deepEqual(everything(folder), []);
});

test('FileWriter lets many writers replace one object, and none of them undoes another', async (context) => {
  const { folder, store, writer } = makeStore(context);
  await writeObject(writer, { path: 'x', bytes: encodeUtf8('') });
  const add = async (name: string): Promise<void> => {
    const { body, tag = '' } = await store.open('x');
    const text = await new Response(body).text();
    const own = new FileStore({ root: folder }).writer;
    const bytes = encodeUtf8(`${text}${name} `);
    try {
      await writeObject(own, { path: 'x', bytes }, { condition: { ifTag: tag } });
    } catch (error) {
      if (!coded('mirror-changed')(error)) throw error;
      await add(name);
    }
  };
  const names = Array.from({ length: 60 }, (_, index) => `n${index}`);
  await Promise.all(names.map(add));
  const kept = readFileSync(join(folder, 'x'), 'utf8').trim().split(' ');
  assert.deepEqual(kept.sort(), names.sort());
  assert.deepEqual(everything(folder), ['x']);
});

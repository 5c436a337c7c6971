import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { type ErrorCode, MirrorError } from '../../../src/core/errors.js';
import { temporaryName } from '../../../src/host/temporary-name.js';
import { ArchiveDraft } from '../../../src/transport/archive/draft.js';
import { ArchiveStore } from '../../../src/transport/archive/store.js';
import {
  openArchiveForWriting,
  type WritableArchive,
} from '../../../src/transport/archive/writable-archive.js';
import { writeObject } from '../../../src/transport/write-object.js';
import { END, type MemberSketch, paxMember, tarArchive } from '../../helpers/tar-builder.js';
import { listMembers } from '../../helpers/tar-listing.js';
import { temporaryFolder } from '../../mirror/temporary-folder.js';
import { collect } from '../http/recording-retry.js';

const LONG = `${'directory-with-a-name/'.repeat(12)}ü`;
const BIG = Buffer.alloc(3_000_000, 'many bytes, ');

const refused = (code: ErrorCode) => (error: unknown) => error instanceof MirrorError && error.code === code;

async function place(t: TestContext, ...members: readonly (Uint8Array | MemberSketch)[]) {
  const folder = temporaryFolder(t);
  const file = join(folder, 'cache.tar');
  if (members.length > 0) writeFileSync(file, tarArchive(...members));
  const archive = await openArchiveForWriting(file);
  t.after(() => archive.close());
  return { folder, file, archive };
}

const put = (archive: WritableArchive, path: string, text: string | Uint8Array) =>
  writeObject(archive.writer, { path, bytes: Buffer.from(text) });

async function read(store: ArchiveStore, path: string): Promise<Buffer> {
  return (await collect((await store.open(path)).body)).bytes;
}

async function contents(store: ArchiveStore): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const { path } of store.lister.list('', { isRecursive: true }))
    found[path] = (await read(store, path)).toString('latin1');
  return found;
}

test('WritableArchive appears under its name when it is finished, and can be read before', async (t) => {
  const { folder, file, archive } = await place(t);
  assert.deepEqual(await contents(archive), {});
  const facts = await put(archive, 'a/b', 'one');
  assert.equal(facts.size, 3);
  assert.deepEqual(await archive.stat('a/b'), facts);
  assert.equal(await archive.open('a/b', { unlessTag: facts.tag ?? '' }), 'not-modified');
  await put(archive, LONG, BIG);
  await put(archive, 'empty', '');
  assert.ok((await read(archive, LONG)).equals(BIG));
  assert.equal(existsSync(file), false);
  await archive.finish();
  assert.deepEqual(readdirSync(folder), ['cache.tar']);
  for (const store of [archive, ArchiveStore.at(file)])
    assert.deepEqual(await contents(store), { 'a/b': 'one', empty: '', [LONG]: BIG.toString() });
  await assert.rejects(put(archive, 'late', ''), TypeError);
  await assert.rejects(archive.finish(), TypeError);
});

test('WritableArchive writes what tar reads, and always the same bytes', async (t) => {
  const files: string[] = [];
  for (let run = 0; run < 2; run++) {
    const { file, archive } = await place(t);
    await put(archive, 'a/b', 'one');
    await put(archive, LONG, BIG);
    await archive.finish();
    files.push(file);
  }
  const [first = '', second = ''] = files;
  const bytes = readFileSync(first);
  assert.ok(bytes.equals(readFileSync(second)));
  assert.equal(bytes.length % 10_240, 0);
  for (const { mode, mtime, type } of listMembers(bytes))
    assert.deepEqual({ mode, mtime, type }, { mode: 0o644, mtime: 0, type: 'file' });
  const out = temporaryFolder(t);
  const { status, error, stderr } = spawnSync('tar', ['xf', first, '-C', out]);
  if (error !== undefined) return t.skip('there is no tar');
  assert.equal(status, 0, String(stderr));
  assert.ok(readFileSync(join(out, LONG)).equals(BIG));
  assert.equal(readFileSync(join(out, 'a/b'), 'utf8'), 'one');
});

test('WritableArchive adds to an archive that is there, which stays what it was until the end', async (t) => {
  const members = [
    paxMember({ path: LONG.replace('ü', 'u') }),
    { name: 'x', body: 'old' },
    { name: './b', body: 'x' },
  ];
  const { folder, file, archive } = await place(t, ...members);
  const before = readFileSync(file);
  const old = LONG.replace('ü', 'u');
  assert.deepEqual(await contents(archive), { [old]: 'old', b: 'x' });
  const tag = (await archive.stat('b'))?.tag;
  await put(archive, 'c', 'new');
  assert.equal((await archive.stat('b'))?.tag, tag, 'a copy of the file has the same members');
  assert.ok(readFileSync(file).equals(before));
  assert.deepEqual(await contents(ArchiveStore.at(file)), { [old]: 'old', b: 'x' });
  await archive.finish();
  assert.deepEqual(await contents(ArchiveStore.at(file)), { [old]: 'old', b: 'x', c: 'new' });
  assert.ok(readFileSync(file).subarray(0, 3072).equals(before.subarray(0, 3072)), 'nothing is moved');
  assert.deepEqual(readdirSync(folder), ['cache.tar']);
});

test('WritableArchive leaves an archive alone to which nothing was done', async (t) => {
  const { folder, file, archive } = await place(t, { name: 'a', body: 'x' });
  await archive.writer.remove('missing');
  const { ino, mtimeNs } = statSync(file, { bigint: true });
  await archive.finish();
  assert.equal(statSync(file, { bigint: true }).ino, ino);
  assert.equal(statSync(file, { bigint: true }).mtimeNs, mtimeNs);
  assert.deepEqual(readdirSync(folder), ['cache.tar']);
  const empty = await place(t);
  await empty.archive.finish();
  assert.deepEqual(await contents(ArchiveStore.at(empty.file)), {});
});

test('WritableArchive replaces members; the old bytes go when there are too many of them', async (t) => {
  const { file, archive } = await place(t, { name: 'large', body: BIG }, { name: 'index', body: 'v0' });
  for (let i = 1; i <= 3; i++) await put(archive, 'index', `v${i}`);
  assert.equal((await read(archive, 'index')).toString(), 'v3');
  await archive.finish();
  assert.deepEqual(await contents(ArchiveStore.at(file)), { large: BIG.toString(), index: 'v3' });
  assert.equal(listMembers(readFileSync(file)).length, 5);
  const again = await openArchiveForWriting(file);
  await put(again, 'large', 'small');
  await again.finish();
  assert.deepEqual(await contents(again), { large: 'small', index: 'v3' });
  await again.close();
  assert.deepEqual(
    listMembers(readFileSync(file)).map(({ path }) => path),
    ['index', 'large'],
  );
});

test('WritableArchive removes members, from what readers of the archive see as well', async (t) => {
  const { folder, file, archive } = await place(
    t,
    { name: 'a', body: BIG },
    { name: 'b', body: 'b' },
    { name: 'c', body: '' },
  );
  await archive.writer.remove('b');
  await archive.writer.remove('c');
  assert.equal(await archive.stat('b'), undefined);
  assert.deepEqual(Object.keys(await contents(archive)), ['a']);
  await put(archive, 'c', 'back');
  await archive.finish();
  assert.deepEqual(
    listMembers(readFileSync(file)).map(({ path }) => path),
    ['a', 'c'],
  );
  assert.deepEqual(await contents(ArchiveStore.at(file)), { a: BIG.toString(), c: 'back' });
  assert.deepEqual(readdirSync(folder), ['cache.tar']);
});

test('WritableArchive obeys conditions', async (t) => {
  const { archive } = await place(t, { name: 'a', body: 'x' });
  const write = (path: string, condition: 'absent' | { ifTag: string }) =>
    writeObject(archive.writer, { path, bytes: Buffer.from('new') }, { condition });
  await assert.rejects(write('a', 'absent'), refused('mirror-changed'));
  await assert.rejects(write('b', { ifTag: '"x"' }), refused('mirror-changed'));
  const ifTag = (await archive.stat('a'))?.tag ?? '';
  const { tag } = await write('a', { ifTag });
  assert.ok(tag !== undefined && tag !== ifTag);
  await assert.rejects(write('a', { ifTag }), refused('mirror-changed'));
  await write('a', { ifTag: tag });
  await write('b', 'absent');
  await archive.writer.remove('b');
  await write('b', 'absent');
  const racing = await Promise.allSettled(Array.from({ length: 20 }, () => write('c', 'absent')));
  assert.equal(racing.filter(({ status }) => status === 'fulfilled').length, 1);
});

test('WritableArchive takes many objects at once', async (t) => {
  const { folder, file, archive } = await place(t);
  const expected: Record<string, string> = {};
  await Promise.all(
    Array.from({ length: 60 }, async (_, i) => {
      const text = `${i},`.repeat(i * 3000);
      expected[`d/${i}`] = text;
      const pending = await archive.writer.begin();
      for (let at = 0; at < text.length; at += 50_000)
        await pending.write(Buffer.from(text.slice(at, at + 50_000)));
      await pending.prepare();
      await pending.commit(`d/${i}`);
      assert.equal((await read(archive, `d/${i}`)).toString(), text);
    }),
  );
  assert.equal(readdirSync(folder).length, 1, 'what is pending has no name');
  await archive.finish();
  assert.deepEqual(await contents(ArchiveStore.at(file)), expected);
});

test('WritableArchive keeps a repeatable object until it is discarded', async (t) => {
  const { archive } = await place(t);
  const pending = await archive.writer.begin({ path: 'a', isRepeatable: true });
  await pending.write(BIG);
  const reused = Buffer.from('tail');
  await pending.write(reused);
  reused.fill(0);
  await pending.commit('a');
  await archive.writer.remove('a');
  await pending.commit('a', 'absent');
  assert.ok((await read(archive, 'a')).equals(Buffer.concat([BIG, Buffer.from('tail')])));
  await pending.discard();
  await assert.rejects(pending.commit('a'), TypeError);
  const single = await archive.writer.begin();
  await single.commit('b');
  await assert.rejects(single.commit('b'), TypeError);
  await assert.rejects(single.write(BIG), TypeError);
  await single.discard();
  await assert.rejects((await archive.writer.begin()).commit('../x'), refused('mirror-not-found'));
  await assert.rejects(archive.writer.begin({ path: '/x' }), refused('mirror-not-found'));
  await assert.rejects(archive.writer.begin({ signal: AbortSignal.abort(new Error('enough')) }), /enough/);
});

test('WritableArchive that is closed without being finished leaves nothing', async (t) => {
  const { folder, file, archive } = await place(t, { name: 'a', body: 'x' });
  const before = readFileSync(file);
  await put(archive, 'b', BIG);
  const pending = await archive.writer.begin();
  await pending.write(BIG);
  await archive.close();
  assert.deepEqual(readdirSync(folder), ['cache.tar']);
  assert.ok(readFileSync(file).equals(before));
  await assert.rejects(archive.open('a'), TypeError);
  await assert.rejects(pending.commit('c'), TypeError);
});

test('openArchiveForWriting removes what a killed run left', async (t) => {
  const folder = temporaryFolder(t);
  const { pid } = spawnSync(process.execPath, ['-e', '']);
  const mine = temporaryName('.regraft-archive');
  const dead = mine.replace(`-${process.pid}-`, `-${pid}-`);
  for (const name of [mine, dead]) writeFileSync(join(folder, name), 'x');
  await (await openArchiveForWriting(join(folder, 'a.tar'))).close();
  assert.deepEqual(readdirSync(folder), [mine]);
});

test('WritableArchive.finish does not replace what somebody else made meanwhile', async (t) => {
  for (const members of [[], [{ name: 'a', body: 'x' }]]) {
    const { folder, file, archive } = await place(t, ...members);
    await put(archive, 'b', 'mine');
    writeFileSync(`${file}.other`, END);
    renameSync(`${file}.other`, file);
    await assert.rejects(archive.finish(), refused('mirror-changed'));
    await archive.close();
    assert.deepEqual(readdirSync(folder), ['cache.tar']);
    assert.ok(readFileSync(file).equals(END));
  }
});

test('WritableArchive leaves a symbolic link to the archive as it is', async (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'real'));
  writeFileSync(join(folder, 'real', 'x.tar'), tarArchive({ name: 'a', body: 'x' }));
  symlinkSync('real/x.tar', join(folder, 'link.tar'));
  const archive = await openArchiveForWriting(join(folder, 'link.tar'));
  await put(archive, 'b', 'y');
  await archive.finish();
  await archive.close();
  assert.ok(lstatSync(join(folder, 'link.tar')).isSymbolicLink());
  assert.deepEqual(await contents(ArchiveStore.at(join(folder, 'link.tar'))), { a: 'x', b: 'y' });
});

test('openArchiveForWriting refuses what cannot become an archive', async (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'folder.tar'));
  writeFileSync(join(folder, 'x.tar.gz'), gzipSync(END));
  writeFileSync(join(folder, 'cut.tar'), tarArchive({ name: 'a', body: 'x' }).subarray(0, 600));
  for (const [name, code] of [
    ['folder.tar', 'mirror-write-failed'],
    ['missing/x.tar', 'mirror-write-failed'],
    ['x.tar.gz', 'mirror-not-a-buildcache'],
    ['cut.tar', 'mirror-truncated'],
  ] as const)
    await assert.rejects(openArchiveForWriting(join(folder, name)), refused(code), name);
});

test('ArchiveDraft.append that fails leaves no trace of the member', async (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, 'x.tar');
  writeFileSync(file, tarArchive({ name: 'a', body: 'old' }));
  const draft = await ArchiveDraft.begin(file);
  const bytesOf = (text: string, failure?: Error) => ({
    size: text.length,
    async *pieces() {
      yield Buffer.from(text.slice(0, text.length >> 1));
      if (failure !== undefined) throw failure;
      yield Buffer.from(text.slice(text.length >> 1));
    },
  });
  const failing = bytesOf('x'.repeat(5000), new Error('broken'));
  for (const path of ['a', 'b'])
    await assert.rejects(draft.append({ path, bytes: failing }), refused('mirror-write-failed'));
  await draft.append({ path: 'c', bytes: bytesOf('new') });
  await assert.rejects(draft.append({ path: 'd', bytes: failing }), refused('mirror-write-failed'));
  await draft.finish();
  await draft.drop();
  assert.deepEqual(await contents(ArchiveStore.at(file)), { a: 'old', c: 'new' });
});

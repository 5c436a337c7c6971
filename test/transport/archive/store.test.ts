import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  closeSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { type ErrorCode, MirrorError } from '../../../src/core/errors.js';
import { ArchiveStore } from '../../../src/transport/archive/store.js';
import type { ListOptions } from '../../../src/transport/object-store.js';
import {
  base256,
  GNU,
  gnuLong,
  type MemberSketch,
  paxMember,
  tarArchive,
  tarHeader,
  V7,
} from '../../helpers/tar-builder.js';
import { temporaryFolder } from '../../mirror/temporary-folder.js';
import { collect } from '../http/recording-retry.js';

const refused =
  (code: ErrorCode, message = /./) =>
  (error: unknown) => {
    assert.ok(error instanceof MirrorError, String(error));
    assert.equal(error.code, code);
    assert.match(`${error.message}; ${error.hint}`, message);
    return true;
  };

function archiveOf(t: TestContext, bytes: Uint8Array, name = 'cache.tar') {
  const file = join(temporaryFolder(t), name);
  writeFileSync(file, bytes);
  return { file, store: ArchiveStore.at(file) };
}

const storeOf = (t: TestContext, ...parts: readonly (Uint8Array | MemberSketch)[]) =>
  archiveOf(t, tarArchive(...parts)).store;

async function read(store: ArchiveStore, path: string): Promise<string> {
  const { body, size } = await store.open(path);
  const { bytes } = await collect(body);
  assert.equal(bytes.length, size);
  return bytes.toString('latin1');
}

async function list(store: ArchiveStore, folder = '', options: ListOptions = { isRecursive: true }) {
  const paths: string[] = [];
  for await (const { path } of store.lister.list(folder, options)) paths.push(path);
  return paths;
}

const LONG = `${'directory-with-a-name/'.repeat(12)}file`;

const FORMS: Readonly<Record<string, Uint8Array>> = {
  ustar: tarArchive({ name: 'a/b', body: 'one' }, { name: 'c', prefix: 'a', body: 'two' }),
  'old v7': tarArchive(
    { name: 'a/b', body: 'one', magic: V7, type: '\0' },
    { name: 'a/c', body: 'two', magic: V7 },
  ),
  'GNU, with "./"': tarArchive(
    { name: './', type: '5', magic: GNU },
    { name: './a/', type: '5', magic: GNU },
    { name: './a/b', body: 'one', magic: GNU },
    { name: './a/c', body: 'two', size: base256(3), magic: GNU },
  ),
  'pax records': tarArchive(
    paxMember({ comment: 'x' }, { global: true }),
    paxMember({ path: './a/b', mtime: '1.5' }),
    { name: 'PaxHeader/b', body: 'one' },
    paxMember({ path: 'a//c', size: '3' }),
    { name: 'short', body: 'two', size: 0 },
  ),
};

for (const [form, bytes] of Object.entries(FORMS))
  test(`ArchiveStore finds the members of an archive: ${form}`, async (t) => {
    const { store } = archiveOf(t, bytes);
    assert.deepEqual(await list(store), ['a/b', 'a/c']);
    assert.equal(await read(store, 'a/b'), 'one');
    assert.equal(await read(store, 'a/c'), 'two');
    assert.equal(store.sizeHint('a/c'), 3);
    assert.equal(store.sizeHint('a'), undefined);
  });

test('ArchiveStore finds members by long names', async (t) => {
  const store = storeOf(
    t,
    gnuLong('L', `./${LONG}`),
    { name: LONG.slice(0, 100), body: 'gnu' },
    paxMember({ path: `${LONG}2` }),
    {
      name: 'x',
      body: 'pax',
    },
  );
  assert.equal(await read(store, LONG), 'gnu');
  assert.equal(await read(store, `${LONG}2`), 'pax');
});

test('ArchiveStore takes the last of several members with a name, and hard links for what they link to', async (t) => {
  const store = storeOf(
    t,
    { name: 'twice', body: 'old' },
    { name: 'link', type: '1', linkname: 'twice' },
    { name: './twice', body: 'newer' },
    { name: 'gone', body: 'x' },
    { name: 'gone', type: '2', linkname: 'twice' },
    { name: 'dangling', type: '1', linkname: 'missing' },
    { name: 'fifo', type: '6' },
    { name: 'n\xff', body: 'not UTF-8' },
    { name: '\xc3\xbc', body: 'UTF-8' },
  );
  assert.deepEqual(await list(store), ['link', 'twice', 'ü']);
  assert.equal(await read(store, 'twice'), 'newer');
  assert.equal(await read(store, 'link'), 'old');
});

test('ArchiveStore.open streams ranges of members, of empty ones too, around blocks and windows', async (t) => {
  const sizes = [0, 1, 511, 512, 513, 3584, 4096, 300_000];
  const bodies = sizes.map((size) => Buffer.alloc(size, `body of ${size},`));
  const store = storeOf(t, ...sizes.map((size, i) => ({ name: `f${size}`, body: bodies[i] ?? '' })));
  for (const [i, size] of sizes.entries()) {
    const body = bodies[i] ?? Buffer.alloc(0);
    assert.ok((await collect((await store.open(`f${size}`)).body)).bytes.equals(body));
    for (const range of [
      { start: 0, end: 1 },
      { start: 1 },
      { start: size },
      { start: size >> 1, end: size + 9 },
    ]) {
      if (range.start > size) continue;
      const part = await store.open(`f${size}`, { range });
      const expected = body.subarray(range.start, range.end);
      assert.equal(part.size, expected.length);
      assert.ok((await collect(part.body)).bytes.equals(expected), `${size} ${JSON.stringify(range)}`);
    }
    await assert.rejects(store.open(`f${size}`, { range: { start: size + 1 } }), refused('mirror-range'));
  }
  await assert.rejects(store.open('f1', { range: { start: 1, end: 1 } }), TypeError);
});

test('ArchiveStore says what is not there', async (t) => {
  const store = storeOf(t, { name: 'a/b', body: 'x' });
  for (const path of ['missing', 'a', 'a/b/c', '../a/b', './a/b', '/a/b', '', 'a//b'])
    await assert.rejects(store.open(path), refused('mirror-not-found'), path);
  for (const path of ['missing', 'a', 'a/b/c']) assert.equal(await store.stat(path), undefined, path);
  assert.equal(store.writer, undefined);
  assert.equal(store.location('a/b'), `${store.location('')}/a/b`);
});

test('ArchiveStore has strong tags: of the file, its time and the member', async (t) => {
  const { file, store } = archiveOf(t, tarArchive({ name: 'a', body: 'x' }, { name: 'b', body: 'x' }));
  const tagOf = async (path: string) => (await store.stat(path))?.tag;
  const [a, b] = [await tagOf('a'), await tagOf('b')];
  assert.ok(a !== undefined && b !== undefined && a !== b);
  assert.match(a, /^"[0-9a-f-]+"$/);
  assert.equal(
    await ArchiveStore.at(file)
      .stat('a')
      .then((facts) => facts?.tag),
    a,
  );
  assert.equal(await store.open('a', { unlessTag: a }), 'not-modified');
  const opened = await store.open('a', { ifTag: a, unlessTag: b });
  assert.ok(opened !== 'not-modified' && opened.tag === a);
  await opened.body.cancel();
  await assert.rejects(store.open('a', { ifTag: b }), refused('mirror-changed'));
  utimesSync(file, 1, 1);
  assert.notEqual(await tagOf('a'), a);
});

test('ArchiveStore notices that the archive was replaced or appended to', async (t) => {
  const { file, store } = archiveOf(t, tarArchive({ name: 'a', body: 'old' }));
  const { tag: ifTag, body } = await store.open('a');
  writeFileSync(`${file}.new`, tarArchive({ name: 'first', body: '' }, { name: 'a', body: 'new' }));
  renameSync(`${file}.new`, file);
  assert.equal((await collect(body)).bytes.toString(), 'old', 'what is open stays what it was');
  await assert.rejects(store.open('a', { ifTag }), refused('mirror-changed'));
  assert.equal(await read(store, 'a'), 'new');
  truncateSync(file, readFileSync(file).length - 1024);
  appendFileSync(file, tarArchive({ name: 'b', body: 'more' }));
  assert.deepEqual(await list(store), ['a', 'b', 'first']);
});

test('ArchiveStore lists folders as a bucket does, with sizes and times', async (t) => {
  const names = ['a', 'a-b', 'b/c/d', 'b/c-', 'b/c.x', 'b-/x', 'b0', 'b/c/e/f'];
  const store = storeOf(t, ...names.map((name) => ({ name, body: name, mtime: 1_700_000_000 })));
  assert.deepEqual(await list(store), [...names].sort());
  assert.deepEqual(await list(store, 'b'), ['b/c-', 'b/c.x', 'b/c/d', 'b/c/e/f']);
  assert.deepEqual(await list(store, '', {}), ['a', 'a-b', 'b0']);
  assert.deepEqual(await list(store, '', { withFolders: true }), ['a', 'a-b', 'b-/', 'b/', 'b0']);
  assert.deepEqual(await list(store, 'b', { withFolders: true }), ['b/c-', 'b/c.x', 'b/c/']);
  for (const folder of ['missing', 'a', 'b/c-']) assert.deepEqual(await list(store, folder), []);
  for await (const listed of store.lister.list('b'))
    assert.deepEqual([listed.size, listed.modified], [listed.path.length, 1_700_000_000_000]);
});

const body = tarArchive({ name: 'v3/a', body: 'x'.repeat(2000) });
const HOSTILE: Readonly<Record<string, readonly [Uint8Array, ErrorCode, RegExp]>> = {
  'ends in a body': [
    body.subarray(0, 1000),
    'mirror-truncated',
    /ends at 1000 bytes, .* 2560; .*copy it again/,
  ],
  'ends in the padding': [body.subarray(0, 2540), 'mirror-truncated', /2540/],
  'ends between members': [body.subarray(0, 2560), 'mirror-truncated', /2560 bytes, without the end/],
  'ends in a header': [body.subarray(0, 500), 'mirror-truncated', /without the end/],
  'ends after a long name': [gnuLong('L', 'x'), 'mirror-truncated', /without the end/],
  empty: [new Uint8Array(0), 'mirror-truncated', /without the end/],
  'absolute names': [
    tarArchive({ name: '/v3/a', body: 'x' }),
    'mirror-not-a-buildcache',
    /"\/v3\/a": it is absolute/,
  ],
  'names with ".."': [
    tarArchive({ name: 'v3/../../a', body: 'x' }),
    'mirror-not-a-buildcache',
    /contains "\.\."/,
  ],
  'a link to ".."': [
    tarArchive({ name: 'a', type: '1', linkname: '../b' }),
    'mirror-not-a-buildcache',
    /"\.\."/,
  ],
  'a wrong checksum': [tarHeader({ checksum: { text: '000000\0 ' } }), 'mirror-not-a-buildcache', /checksum/],
  text: [Buffer.from('hello\n'.repeat(200)), 'mirror-not-a-buildcache', /tar cf/],
  'a size beyond all files': [tarHeader({ size: base256(2 ** 52) }), 'mirror-truncated', /within a member/],
  'a huge long name': [
    tarHeader({ type: 'L', size: 2 ** 30 }),
    'mirror-not-a-buildcache',
    /1073741824 bytes/,
  ],
  gzip: [gzipSync(body), 'mirror-not-a-buildcache', /compressed with gzip.*Decompress it first/],
  bzip2: [Buffer.from('BZh91AY&SY'), 'mirror-not-a-buildcache', /bzip2/],
  xz: [Buffer.from('fd377a585a000004', 'hex'), 'mirror-not-a-buildcache', /xz/],
  zstd: [Buffer.from('28b52ffd0458', 'hex'), 'mirror-not-a-buildcache', /zstd/],
};

for (const [what, [bytes, code, message]] of Object.entries(HOSTILE))
  test(`ArchiveStore refuses an archive: ${what}`, async (t) => {
    const { store } = archiveOf(t, bytes);
    for (const attempt of [() => store.open('v3/a'), () => store.stat('v3/a'), () => list(store)])
      await assert.rejects(attempt, refused(code, message));
    assert.equal(store.sizeHint('v3/a'), undefined);
  });

test('an archive that is not there, or that is a folder, is refused with its name', async (t) => {
  const folder = temporaryFolder(t);
  await assert.rejects(
    ArchiveStore.at(join(folder, 'x.tar')).open('a'),
    refused('mirror-unreachable', /no such file/),
  );
  await assert.rejects(ArchiveStore.at(folder).open('a'), refused('mirror-unreachable', /EISDIR/));
});

test('ArchiveStore tells whoever packed the folder of the mirror in place of its content', async (t) => {
  const store = storeOf(
    t,
    { name: 'other', body: '' },
    { name: 'm/build_cache/index.json', body: '{}' },
    { name: 'n/x', body: '' },
  );
  const message = /"build_cache" is in the folder "m", not at the top; .*-C m \."/;
  await assert.rejects(store.stat('build_cache/index.json'), refused('mirror-not-a-buildcache', message));
  await assert.rejects(store.open('build_cache/x'), refused('mirror-not-a-buildcache', message));
  assert.equal(await store.stat('v3/x'), undefined);
  const escaping = storeOf(t, { name: '\x1b[2J\xc3\xbc/v3/a', body: '' });
  await assert.rejects(
    escaping.stat('v3/a'),
    refused('mirror-not-a-buildcache', /in the folder "\\x1b\[2Jü"/),
  );
  const right = storeOf(t, { name: 'a/b', body: '' }, { name: 'b/a/c', body: '' });
  assert.equal(await right.stat('a/c'), undefined, 'it is at the top as well');
});

test('ArchiveStore obeys a signal', async (t) => {
  const store = storeOf(t, { name: 'a', body: 'x' });
  const signal = AbortSignal.abort(new Error('enough'));
  await assert.rejects(store.open('a', { signal }), /enough/);
  await assert.rejects(store.stat('a', { signal }), /enough/);
  await assert.rejects(list(store, '', { signal }), /enough/);
});

/** A tree with names of all lengths, a hard link and a symbolic one. */
function tree(t: TestContext): { readonly folder: string; readonly digests: Map<string, string> } {
  const folder = temporaryFolder(t);
  const digests = new Map<string, string>();
  for (const [i, name] of [
    'a',
    'd/b',
    LONG,
    'd/ü',
    'd/big',
    `${'y'.repeat(99)}`,
    `${'z'.repeat(100)}`,
  ].entries()) {
    const bytes = Buffer.alloc(name === 'd/big' ? 3_000_000 : i * 700, name);
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), bytes);
    digests.set(name, createHash('sha256').update(bytes).digest('hex'));
  }
  linkSync(join(folder, 'd/b'), join(folder, 'd/linked'));
  digests.set('d/linked', digests.get('d/b') ?? '');
  symlinkSync('b', join(folder, 'd/symbolic'));
  return { folder, digests };
}

const PYTHON = (format: string) =>
  `import sys,tarfile\nwith tarfile.open(sys.argv[1],"w",format=tarfile.${format}_FORMAT) as t: t.add(sys.argv[2],".")`;
const WRITERS: Readonly<Record<string, (file: string, folder: string) => readonly [string, ...string[]]>> = {
  'tar (GNU)': (file, folder) => ['tar', 'cf', file, '-C', folder, '.'],
  'tar (GNU, --format=pax)': (file, folder) => ['tar', '--format=pax', '-cf', file, '-C', folder, '.'],
  bsdtar: (file, folder) => ['bsdtar', '-cf', file, '-C', folder, '.'],
  'Python (GNU)': (file, folder) => ['python3', '-c', PYTHON('GNU'), file, folder],
  'Python (pax)': (file, folder) => ['python3', '-c', PYTHON('PAX'), file, folder],
};

for (const [writer, command] of Object.entries(WRITERS))
  test(`ArchiveStore reads what ${writer} writes`, async (t) => {
    const { folder, digests } = tree(t);
    const file = join(temporaryFolder(t), 'x.tar');
    const [program, ...args] = command(file, folder);
    const { status, error } = spawnSync(program, args);
    if (error !== undefined) return t.skip(`there is no ${program}`);
    assert.equal(status, 0);
    const store = ArchiveStore.at(file);
    assert.deepEqual(await list(store), [...digests.keys()].sort());
    for (const [path, digest] of digests) {
      const { bytes } = await collect((await store.open(path)).body);
      assert.equal(createHash('sha256').update(bytes).digest('hex'), digest, path);
    }
  });

test('ArchiveStore reads no bodies to find members: two terabytes of zeros are passed over', async (t) => {
  const file = join(temporaryFolder(t), 'sparse.tar');
  const descriptor = openSync(file, 'wx');
  const count = 2000;
  const size = 1 << 30;
  for (let i = 0; i < count; i++)
    writeSync(descriptor, tarHeader({ name: `f${i}`, size }), 0, 512, i * (size + 512));
  ftruncateSync(descriptor, count * (size + 512) + 1024);
  closeSync(descriptor);
  assert.equal((await list(ArchiveStore.at(file))).length, count);
});

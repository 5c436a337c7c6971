import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, linkSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fromLatin1 } from '../../../src/core/bytes.js';
import { StoreError } from '../../../src/core/errors.js';
import { PrefixFileReader } from '../../../src/store/prefix/prefix-file-reader.js';
import { listedOrder, tarOrder } from '../../../src/store/prefix/prefix-orders.js';
import { readPrefixTree } from '../../../src/store/prefix/prefix-tree.js';
import { withoutRights } from '../../helpers/without-rights.js';
import { temporaryFolder } from '../temporary-folder.js';

const coded = (code: string) => (error: unknown) => error instanceof StoreError && error.code === code;

function write(folder: string, path: string, content = path): void {
  const parts = path.split('/');
  mkdirSync(Buffer.from(fromLatin1([folder, ...parts.slice(0, -1)].join('/'))), { recursive: true });
  writeFileSync(Buffer.from(fromLatin1(`${folder}/${path}`)), content);
}

test('tarOrder gives files before folders, by code point; listedOrder interleaves them and skips', (context) => {
  const folder = temporaryFolder(context);
  const files = [
    'b',
    'a/z',
    'a/b/c',
    'a-x',
    '\xff',
    '\xf0\x9f\x98\x80',
    '\xee\x80\x80',
    '.spack/spec.json',
    'share/man/page',
    'man/x',
    'a/.spack/y',
    'Z',
  ];
  for (const path of files) write(folder, path);
  symlinkSync('a', join(folder, 'link'));
  const tree = readPrefixTree(folder);
  assert.deepEqual(
    tarOrder(tree).map(({ path }) => path),
    [
      '',
      'Z',
      'a-x',
      'b',
      'link',
      '\xff',
      '\xee\x80\x80',
      '\xf0\x9f\x98\x80',
      '.spack',
      '.spack/spec.json',
      'a',
      'a/z',
      'a/.spack',
      'a/.spack/y',
      'a/b',
      'a/b/c',
      'man',
      'man/x',
      'share',
      'share/man',
      'share/man/page',
    ],
  );
  assert.deepEqual(
    listedOrder(tree).map(({ path }) => path),
    ['Z', 'a/b/c', 'a/z', 'a-x', 'b', 'link', '\xff', '\xee\x80\x80', '\xf0\x9f\x98\x80'],
  );
});

test('readPrefixTree knows names of one file, modes and targets', (context) => {
  const folder = temporaryFolder(context);
  write(folder, 'one');
  write(folder, 'other');
  linkSync(join(folder, 'one'), join(folder, 'zwei'));
  chmodSync(join(folder, 'one'), 0o611);
  chmodSync(join(folder, 'other'), 0o700);
  symlinkSync(Buffer.from([0xfe, 0x2f]), join(folder, 'link'));
  const [link, one, other, zwei] = readPrefixTree(folder).children;
  assert.ok(link?.type === 'symlink' && link.target === '\xfe/');
  assert.ok(one?.type === 'file' && zwei?.type === 'file' && other?.type === 'file');
  assert.ok(one.inode !== undefined && one.inode === zwei.inode);
  assert.deepEqual([one.isExecutable, other.isExecutable, other.inode], [false, true, undefined]);
  assert.deepEqual(
    listedOrder(readPrefixTree(folder)).map(({ path }) => path),
    ['link', 'one', 'other'],
  );
});

const mkfifo = (path: string) => spawnSync('mkfifo', [path]).status === 0;

test('readPrefixTree leaves pipes out', (context) => {
  const folder = temporaryFolder(context);
  if (!mkfifo(join(folder, 'pipe'))) return context.skip('there is no mkfifo');
  write(folder, 'file');
  assert.deepEqual(
    readPrefixTree(folder).children.map(({ path }) => path),
    ['file'],
  );
});

test('readPrefixTree names what is not there or cannot be read', async (context) => {
  const folder = temporaryFolder(context);
  assert.throws(() => readPrefixTree(join(folder, 'none')), coded('prefix-changed'));
  write(folder, 'file');
  assert.throws(() => readPrefixTree(join(folder, 'file')), coded('store-io'));
  mkdirSync(join(folder, 'closed'), { mode: 0 });
  chmodSync(folder, 0o755);
  await withoutRights(async () => {
    assert.throws(
      () => readPrefixTree(folder),
      (error) => coded('store-io')(error) && (error as Error).message.includes('closed'),
    );
  });
});

test('PrefixFileReader gives as much as the file had', (context) => {
  const path = join(temporaryFolder(context), 'file');
  writeFileSync(path, '0123456789');
  const reader = new PrefixFileReader(path);
  context.after(() => reader.close());
  const memory = new Uint8Array(7);
  assert.equal(reader.read(memory), 7);
  assert.equal(Buffer.from(memory).toString(), '0123456');
  assert.equal(reader.remaining, 3);
  assert.equal(reader.read(memory), 3);
  assert.equal(reader.read(memory), 0);
  reader.requireUnchanged();
});

test('PrefixFileReader notices a file that shrinks, grows or is rewritten', (context) => {
  const folder = temporaryFolder(context);
  const changes: readonly (readonly [string, (path: string) => void])[] = [
    ['shrinks', (path) => writeFileSync(path, '012')],
    ['grows', (path) => writeFileSync(path, '0123456789abc')],
    ['is rewritten', (path) => writeFileSync(path, 'abcdefghij')],
  ];
  for (const [name, change] of changes) {
    const path = join(folder, name);
    writeFileSync(path, '0123456789');
    // The clock of some file systems is coarse: the first writing was long ago.
    spawnSync('touch', ['-d', '2001-01-01', path]);
    const reader = new PrefixFileReader(path);
    reader.read(new Uint8Array(2));
    change(path);
    assert.throws(() => {
      const memory = new Uint8Array(100);
      while (reader.remaining > 0) reader.read(memory);
      reader.requireUnchanged();
    }, coded('prefix-changed'));
    reader.close();
  }
});

test('PrefixFileReader refuses what is gone, no file, or not to be read', async (context) => {
  const folder = temporaryFolder(context);
  chmodSync(folder, 0o755);
  assert.throws(() => new PrefixFileReader(join(folder, 'none')), coded('prefix-changed'));
  assert.throws(() => new PrefixFileReader(folder), coded('prefix-changed'));
  writeFileSync(join(folder, 'secret'), 'x', { mode: 0 });
  await withoutRights(async () => {
    assert.throws(() => new PrefixFileReader(join(folder, 'secret')), coded('store-io'));
  });
  symlinkSync('secret', join(folder, 'link'));
  assert.throws(() => new PrefixFileReader(join(folder, 'link')), StoreError);
  const pipe = join(folder, 'pipe');
  if (mkfifo(pipe)) assert.throws(() => new PrefixFileReader(pipe), coded('prefix-changed'));
  rmSync(join(folder, 'secret'));
});

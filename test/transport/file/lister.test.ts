import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { encodeUtf8 } from '../../../src/core/bytes.js';
import { MirrorError } from '../../../src/core/errors.js';
import { FileStore } from '../../../src/transport/file/store.js';
import type { ListedObject, ListOptions } from '../../../src/transport/object-store.js';
import { temporaryFolder } from '../../mirror/temporary-folder.js';

async function list(root: string, folder: string, options?: ListOptions): Promise<ListedObject[]> {
  const found: ListedObject[] = [];
  for await (const object of new FileStore({ root }).lister.list(folder, options)) found.push(object);
  return found;
}

async function paths(root: string, folder: string, options?: ListOptions): Promise<string[]> {
  return (await list(root, folder, options)).map(({ path }) => path);
}

function fill(root: string, names: readonly string[]): void {
  for (const name of names) {
    mkdirSync(join(root, name, '..'), { recursive: true });
    writeFileSync(join(root, name), name);
  }
}

test('FileLister lists the files of a folder, sorted; none of one that is absent', async (t) => {
  const root = temporaryFolder(t);
  fill(root, ['d/b', 'd/a', 'd/ü', 'd/C', 'd/below/x']);
  assert.deepEqual(await paths(root, 'd'), ['d/C', 'd/a', 'd/b', 'd/ü']);
  assert.deepEqual(await paths(root, 'missing'), []);
  assert.deepEqual(await paths(root, 'd/a'), []);
  assert.deepEqual(await paths(root, ''), []);
  await assert.rejects(
    paths(join(root, 'typo'), 'd'),
    (error: unknown) => error instanceof MirrorError && error.code === 'mirror-unreachable',
  );
});

test('FileLister names folders on request, empty ones too', async (t) => {
  const root = temporaryFolder(t);
  fill(root, ['b/x', 'c', 'a']);
  mkdirSync(join(root, 'empty'));
  symlinkSync('b', join(root, 'link'));
  assert.deepEqual(await paths(root, '', { withFolders: true }), ['a', 'b/', 'c', 'empty/', 'link/']);
  assert.deepEqual(await paths(root, ''), ['a', 'c']);
});

test('FileLister lists recursively in the order of the whole paths', async (t) => {
  const root = temporaryFolder(t);
  const names = ['a', 'a-b', 'b/c/d', 'b/c-', 'b/c.x', 'b-/x', 'b0'];
  fill(root, names);
  mkdirSync(join(root, 'empty'));
  assert.deepEqual(await paths(root, '', { isRecursive: true }), [...names].sort());
  assert.deepEqual(await paths(root, 'b', { isRecursive: true }), ['b/c-', 'b/c.x', 'b/c/d']);
});

test('FileLister tells sizes and times where they are asked for', async (t) => {
  const root = temporaryFolder(t);
  fill(root, ['d/four', 'd/e/x']);
  utimesSync(join(root, 'd/four'), 1, 2);
  symlinkSync('four', join(root, 'd/link'));
  const unknown = { size: undefined, modified: undefined };
  assert.deepEqual(await list(root, 'd'), [
    { path: 'd/four', ...unknown },
    { path: 'd/link', ...unknown },
  ]);
  const found = await list(root, 'd', { isRecursive: true, withSizes: true });
  assert.deepEqual(
    found.map(({ path, size }) => [path, size]),
    [
      ['d/e/x', 5],
      ['d/four', 6],
      ['d/link', 6],
    ],
  );
  assert.equal(found[1]?.modified, 2000);
});

test('FileLister follows links to folders, but not in circles, and lists those to nowhere', async (t) => {
  const root = temporaryFolder(t);
  fill(root, ['a/b/x']);
  symlinkSync('../..', join(root, 'a/b/up'));
  symlinkSync('.', join(root, 'a/self'));
  symlinkSync('a/b', join(root, 'link'));
  symlinkSync('nowhere', join(root, 'lost'));
  assert.deepEqual(await paths(root, '', { isRecursive: true }), ['a/b/x', 'link/x', 'lost']);
});

test('FileLister does not show what is being written', async (t) => {
  const root = temporaryFolder(t);
  const pending = await new FileStore({ root }).writer.begin();
  await pending.write(encodeUtf8('x'));
  assert.deepEqual(await paths(root, '', { isRecursive: true, withFolders: true }), []);
  await pending.commit('x');
  assert.deepEqual(await paths(root, ''), ['x']);
});

test('FileLister stops at an aborted signal with its reason', async (t) => {
  const root = temporaryFolder(t);
  fill(root, ['a', 'b']);
  const reason = new Error('enough');
  const controller = new AbortController();
  const seen: string[] = [];
  const listing = async () => {
    const { signal } = controller;
    for await (const { path } of new FileStore({ root }).lister.list('', { signal })) {
      seen.push(path);
      controller.abort(reason);
    }
  };
  await assert.rejects(listing(), reason);
  assert.deepEqual(seen, ['a']);
});

import assert from 'node:assert/strict';
import { lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { replaceFile } from '../../src/host/replace-file.js';
import { temporaryFolder } from '../store/temporary-folder.js';

test('replaceFile replaces as a whole, and leaves no temporary file when it fails', (context) => {
  const folder = temporaryFolder(context);
  const path = join(folder, 'file');
  const temporary = join(folder, 'file.temp');
  writeFileSync(temporary, 'left by a crash, and longer than what comes');
  replaceFile({ path, content: 'one', temporary, mode: 0o640 });
  assert.equal(readFileSync(path, 'utf8'), 'one');
  assert.equal(lstatSync(path).mode & 0o7777, 0o640);
  mkdirSync(join(folder, 'folder', 'full'), { recursive: true });
  assert.throws(
    () => replaceFile({ path: join(folder, 'folder'), content: 'x', temporary }),
    /EISDIR|ENOTEMPTY|EEXIST/,
  );
  assert.throws(() => replaceFile({ path, content: 'x', temporary: join(folder, 'none', 'x') }), /ENOENT/);
  assert.deepEqual(readdirSync(folder).sort(), ['file', 'folder']);
  assert.equal(readFileSync(path, 'utf8'), 'one');
});

test('replaceFile writes the parts of a content one after the other', (context) => {
  const folder = temporaryFolder(context);
  const [path, temporary] = [join(folder, 'file'), join(folder, 'temp')];
  replaceFile({
    path,
    content: [Buffer.from('one '), Buffer.from('two')],
    temporary,
    mode: 0o600,
    sync: false,
  });
  assert.equal(readFileSync(path, 'utf8'), 'one two');
  replaceFile({ path, content: Buffer.from('three'), temporary });
  assert.equal(readFileSync(path, 'utf8'), 'three');
  replaceFile({ path, content: [], temporary });
  assert.equal(readFileSync(path, 'utf8'), '');
});

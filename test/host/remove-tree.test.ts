import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { removeTree } from '../../src/host/remove-tree.js';
import { temporaryFolder } from '../store/temporary-folder.js';

test('removeTree removes locked directories and odd names, and follows no link', (context) => {
  const folder = temporaryFolder(context);
  const tree = join(folder, 'tree');
  const odd = Buffer.concat([Buffer.from(`${tree}/a/`), Buffer.from([0xff, 0xe9])]);
  mkdirSync(odd, { recursive: true });
  writeFileSync(Buffer.concat([odd, Buffer.from('/file')]), '');
  chmodSync(odd, 0o500);
  mkdirSync(join(folder, 'outside', 'x'), { recursive: true });
  symlinkSync('../outside', join(tree, 'link'));
  chmodSync(join(tree, 'a'), 0o500);
  removeTree(tree);
  removeTree(tree);
  assert.equal(existsSync(tree), false);
  assert.equal(existsSync(join(folder, 'outside', 'x')), true);
});

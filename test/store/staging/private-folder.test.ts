import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { test } from 'node:test';
import { StoreError } from '../../../src/core/errors.js';
import { hostTag } from '../../../src/host/process-id.js';
import {
  abandonedPaths,
  createPrivateFolder,
  privatePath,
  removeLeftovers,
} from '../../../src/store/staging/private-folder.js';
import { StorePaths } from '../../../src/store/store-layout.js';
import { deadPid, moduleText, startChild, storeModule } from '../child.js';
import { hashOf } from '../spec-builder.js';
import { temporaryFolder } from '../temporary-folder.js';

const HASH = hashOf('zlib');

test('createPrivateFolder makes a new folder for its owner alone', (context) => {
  const root = temporaryFolder(context);
  mkdirSync(join(root, '.spack-db'));
  const umask = process.umask(0);
  try {
    const folder = createPrivateFolder(root, HASH);
    assert.equal(dirname(folder), join(root, '.spack-db', 'regraft', 'stage'));
    assert.match(basename(folder), new RegExp(`^${HASH}-${process.pid}-[0-9a-f]{16}$`));
    assert.equal(statSync(folder).mode & 0o7777, 0o700);
    assert.notEqual(createPrivateFolder(root, HASH), folder);
  } finally {
    process.umask(umask);
  }
});

test('createPrivateFolder ends in a coded error', (context) => {
  const root = temporaryFolder(context);
  writeFileSync(join(root, '.spack-db'), '');
  assert.throws(
    () => createPrivateFolder(root, HASH),
    (error) => error instanceof StoreError && error.code === 'store-io',
  );
});

test('removeLeftovers removes what dead processes of this host left, and nothing else', async (context) => {
  const paths = new StorePaths(temporaryFolder(context));
  const text = `
    const [root] = process.argv.slice(1);
    const { createPrivateFolder } = await import('${storeModule('staging/private-folder')}');
    console.log(createPrivateFolder(root, '${HASH}'));
    for await (const _ of process.stdin);`;
  const running = await startChild(context, process.execPath, moduleText(text, paths.root));
  const crashed = await startChild(context, process.execPath, moduleText(text, paths.root));
  writeFileSync(join(crashed.line, 'file'), '');
  mkdirSync(join(crashed.line, 'locked', 'deep'), { recursive: true });
  chmodSync(join(crashed.line, 'locked'), 0o500);
  await crashed.kill();
  const own = createPrivateFolder(paths.root, HASH);
  const stage = dirname(own);
  const pid = deadPid();
  const kept = [
    `${HASH}-${pid}-${'0'.repeat(16)}`,
    'README',
    `${HASH}-${pid}`,
    `${HASH}-1x-${hostTag()}00000000`,
  ];
  for (const name of kept) mkdirSync(join(stage, name));
  const temporary = `index.json.${hostname()}.${pid}.temp`;
  writeFileSync(join(paths.databaseFolder, temporary), '{');
  writeFileSync(join(paths.databaseFolder, `index.json.elsewhere.${pid}.temp`), '{');
  writeFileSync(join(paths.databaseFolder, `index.json.${hostname()}.${process.ppid}.temp`), '{');

  assert.deepEqual(abandonedPaths(paths, 'stage'), [crashed.line]);
  const removed = removeLeftovers(paths);
  assert.deepEqual(removed, [crashed.line, join(paths.databaseFolder, temporary)]);
  assert.deepEqual(readdirSync(stage).sort(), [...kept, basename(own), basename(running.line)].sort());
  assert.equal(readdirSync(paths.databaseFolder).filter((name) => name.endsWith('.temp')).length, 2);
  assert.deepEqual(removeLeftovers(paths), []);
  await running.finish();
});

test('removeLeftovers does nothing where there is nothing', (context) => {
  assert.deepEqual(removeLeftovers(new StorePaths(join(temporaryFolder(context), 'none'))), []);
});

test('privatePath makes only what it lies in', (context) => {
  const paths = new StorePaths(temporaryFolder(context));
  const path = privatePath(paths, HASH, 'replaced');
  assert.equal(existsSync(dirname(path)), true);
  assert.equal(existsSync(path), false);
});

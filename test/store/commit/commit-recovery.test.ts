import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { hostTag } from '../../../src/host/process-id.js';
import { recoverCommits } from '../../../src/store/commit/commit-recovery.js';
import { StoreLocks } from '../../../src/store/locks/locks.js';
import { StorePaths } from '../../../src/store/store-layout.js';
import { deadPid, moduleText, startChild, storeModule } from '../child.js';
import { hashOf } from '../spec-builder.js';
import { temporaryFolder } from '../temporary-folder.js';

const HASH = hashOf('zlib');

/** Lets a process put a prefix in place, and crash at a point. */
async function crash(
  context: TestContext,
  { force, at }: { force: boolean; at: 'committed' | 'moved-aside' },
) {
  const paths = new StorePaths(temporaryFolder(context));
  const prefix = join(paths.root, 'linux', 'zlib');
  if (force) {
    mkdirSync(prefix, { recursive: true });
    writeFileSync(join(prefix, 'old'), '');
  }
  const text = `
    import fs from 'node:fs';
    const [root, prefix] = process.argv.slice(1);
    const { createPrivateFolder } = await import('${storeModule('staging/private-folder')}');
    const { commitPrefix } = await import('${storeModule('commit/commit')}');
    const stage = createPrivateFolder(root, '${HASH}') + '/tree';
    fs.mkdirSync(stage);
    fs.writeFileSync(stage + '/new', '');
    commitPrefix({ root, hash: '${HASH}', stage, prefix, force: ${force} });
    if (${at === 'moved-aside'}) fs.renameSync(prefix, stage);
    console.log('ready');
    for await (const _ of process.stdin);`;
  const child = await startChild(context, process.execPath, moduleText(text, paths.root, prefix));
  await child.kill();
  return { paths, prefix };
}

async function recover(paths: StorePaths, isInstalled: boolean): Promise<string[]> {
  const recovered = await recoverCommits({
    paths,
    locks: new StoreLocks({ paths }),
    isInstalled: () => isInstalled,
  });
  for (const name of ['commits', 'replaced', 'trash']) {
    const folder = join(paths.privateFolder, name);
    assert.deepEqual(existsSync(folder) ? readdirSync(folder) : [], [], name);
  }
  return recovered;
}

test('recoverCommits takes a prefix away that was never recorded', async (context) => {
  const { paths, prefix } = await crash(context, { force: false, at: 'committed' });
  assert.deepEqual(await recover(paths, false), [prefix]);
  assert.equal(existsSync(dirname(prefix)), false);
  assert.deepEqual(await recover(paths, false), []);
});

test('recoverCommits keeps a prefix that was recorded', async (context) => {
  for (const force of [false, true]) {
    const { paths, prefix } = await crash(context, { force, at: 'committed' });
    await recover(paths, true);
    assert.deepEqual(readdirSync(prefix), ['new']);
  }
});

test('recoverCommits brings back what was moved aside', async (context) => {
  const halfway = await crash(context, { force: true, at: 'moved-aside' });
  assert.equal(existsSync(halfway.prefix), false);
  await recover(halfway.paths, true);
  assert.deepEqual(readdirSync(halfway.prefix), ['old']);
  const unrecorded = await crash(context, { force: true, at: 'committed' });
  await recover(unrecorded.paths, false);
  assert.deepEqual(readdirSync(unrecorded.prefix), ['old']);
});

test('recoverCommits leaves a prefix that somebody else has made since', async (context) => {
  const { paths, prefix } = await crash(context, { force: false, at: 'moved-aside' });
  mkdirSync(prefix, { recursive: true });
  writeFileSync(join(prefix, 'theirs'), '');
  await recover(paths, false);
  assert.deepEqual(readdirSync(prefix), ['theirs']);
});

test('recoverCommits leaves for later what another process works on', async (context) => {
  const { paths, prefix } = await crash(context, { force: false, at: 'committed' });
  const locks = new StoreLocks({ paths });
  const lock = await locks.prefix(HASH);
  assert.deepEqual(
    await recoverCommits({ paths, locks: new StoreLocks({ paths }), isInstalled: () => false }),
    [],
  );
  assert.equal(existsSync(prefix), true);
  lock.release();
  assert.deepEqual(await recover(paths, false), [prefix]);
});

test('recoverCommits drops notes that it cannot read', async (context) => {
  const paths = new StorePaths(temporaryFolder(context));
  const folder = join(paths.privateFolder, 'commits');
  mkdirSync(folder, { recursive: true });
  const texts = [
    '',
    '{',
    'null',
    '[]',
    '{"hash":1}',
    '{"hash":"a","prefix":"/","replaced":"/x","tree":{},"parents":[]}',
  ];
  texts.forEach((text, index) => {
    writeFileSync(join(folder, `${HASH}-${deadPid()}-${hostTag()}0000000${index}`), text);
  });
  assert.deepEqual(await recover(paths, false), []);
});

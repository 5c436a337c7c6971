import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { Stage } from '../../../src/store/staging/stage.js';
import { temporaryFolder } from '../temporary-folder.js';

const HASH = 'a'.repeat(32);

describe('Stage', () => {
  it('is a private folder in the store, with a place for the tree', (test) => {
    const root = temporaryFolder(test);
    const stage = Stage.create(root, HASH);
    assert.equal(dirname(stage.folder), join(root, '.spack-db', 'regraft', 'stage'));
    assert.equal(statSync(stage.folder).mode & 0o777, 0o700);
    assert.deepEqual(readdirSync(stage.folder), ['tree']);
    assert.equal(stage.treeFolder, join(stage.folder, 'tree'));
    assert.equal(stage.file('inner'), join(stage.folder, 'inner'));
  });

  it('is another one for every attempt', (test) => {
    const root = temporaryFolder(test);
    assert.notEqual(Stage.create(root, HASH).folder, Stage.create(root, HASH).folder);
  });

  it('is removed with everything in it, but not what was renamed away', (test) => {
    const root = temporaryFolder(test);
    const stage = Stage.create(root, HASH);
    writeFileSync(stage.file('inner'), 'x');
    mkdirSync(join(stage.treeFolder, 'bin'));
    chmodSync(join(stage.treeFolder, 'bin'), 0o500);
    renameSync(stage.treeFolder, join(root, 'prefix'));
    stage.remove();
    assert.ok(!existsSync(stage.folder));
    assert.deepEqual(readdirSync(join(root, 'prefix')), ['bin']);
    stage.remove();
  });

  it('tells where it cannot be made', (test) => {
    const root = join(temporaryFolder(test), 'file');
    writeFileSync(root, '');
    assert.throws(() => Stage.create(root, HASH), { code: 'store-io' });
  });
});

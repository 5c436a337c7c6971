import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { StoreError } from '../../../src/core/errors.js';
import { readDatabase, StoreDatabase } from '../../../src/store/database/database.js';
import type { DatabaseEdit } from '../../../src/store/database/database-edit.js';
import { StoreLocks } from '../../../src/store/locks/locks.js';
import { loadRecordLocks } from '../../../src/store/locks/record-lock.js';
import { prepareRoot } from '../../../src/store/root/store-root.js';
import { StorePaths } from '../../../src/store/store-layout.js';
import { moduleText, startChild, storeModule } from '../child.js';
import { buildSpec, hashOf } from '../spec-builder.js';
import { temporaryFolder } from '../temporary-folder.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

function makeDatabase(context: TestContext): { paths: StorePaths; database: StoreDatabase } {
  const paths = new StorePaths(temporaryFolder(context));
  prepareRoot(paths, { withLocks: loadRecordLocks() !== undefined });
  return { paths, database: new StoreDatabase(paths, new StoreLocks({ paths })) };
}

function addPackage(name: string): (edit: DatabaseEdit) => void {
  return (edit) => {
    edit.addInstalled({
      spec: buildSpec({ [name]: {} }),
      prefix: `/root/${name}`,
      explicit: true,
      installationTime: 1,
      pathOf: () => '',
    });
  };
}

test('StoreDatabase.transaction writes the index and a new verifier', async (context) => {
  const { paths, database } = makeDatabase(context);
  assert.equal(readDatabase(paths.root), undefined);
  assert.equal(database.installed(hashOf('zlib')), false);
  await database.transaction(addPackage('zlib'));
  const verifier = readFileSync(paths.verifier, 'utf8');
  assert.match(verifier, UUID);
  await database.transaction(addPackage('bzip'));
  assert.match(readFileSync(paths.verifier, 'utf8'), UUID);
  assert.notEqual(readFileSync(paths.verifier, 'utf8'), verifier);
  assert.equal(database.installed(hashOf('zlib')), true);
  assert.equal(database.pathOf(hashOf('bzip')), '/root/bzip');
  assert.deepEqual([...database.namespaces()], ['fixtures']);
  assert.deepEqual([...(readDatabase(paths.root)?.records.keys() ?? [])], [hashOf('zlib'), hashOf('bzip')]);
  assert.deepEqual(
    readdirSync(paths.databaseFolder).filter((name) => name.includes('temp')),
    [],
  );
});

test('StoreDatabase.transaction writes nothing when nothing changes, or the change fails', async (context) => {
  const { paths, database } = makeDatabase(context);
  await database.transaction(addPackage('zlib'));
  const before = readFileSync(paths.verifier, 'utf8');
  assert.equal(await database.transaction((edit) => edit.removeRecord(hashOf('nothing'))), false);
  const failure = new Error('no');
  const failing = database.transaction((edit) => {
    addPackage('bzip')(edit);
    throw failure;
  });
  await assert.rejects(failing, (error) => error === failure);
  assert.equal(readFileSync(paths.verifier, 'utf8'), before);
  assert.equal(database.get(hashOf('bzip')), undefined);
  await database.transaction(addPackage('next'));
  assert.equal(database.records().size, 2);
});

test('StoreDatabase sees what others wrote', async (context) => {
  const { paths, database } = makeDatabase(context);
  await database.transaction(addPackage('zlib'));
  // As Spack does: another file under the same name, then the verifier.
  const content = JSON.parse(readFileSync(paths.index, 'utf8'));
  content.database.installs[hashOf('zlib')].explicit = false;
  writeFileSync(`${paths.index}.other`, JSON.stringify(content));
  renameSync(`${paths.index}.other`, paths.index);
  writeFileSync(paths.verifier, 'other');
  assert.equal(database.get(hashOf('zlib'))?.explicit, false);
  await database.transaction(addPackage('bzip'));
  assert.equal(database.get(hashOf('zlib'))?.explicit, false);
});

test('StoreDatabase never overwrites what it cannot read', async (context) => {
  for (const [text, code] of [
    ['{"database":{"version":"7","inst', 'database-unreadable'],
    ['', 'database-unreadable'],
    ['{"database":{"version":"99","installs":{}}}', 'database-version'],
  ] as const) {
    const { paths, database } = makeDatabase(context);
    writeFileSync(paths.index, text);
    const isExpected = (error: unknown) => error instanceof StoreError && error.code === code;
    assert.throws(() => database.content(), isExpected);
    await assert.rejects(database.transaction(addPackage('zlib')), isExpected);
    assert.equal(readFileSync(paths.index, 'utf8'), text);
    assert.deepEqual(
      readdirSync(paths.databaseFolder).filter((name) => name.startsWith('index')),
      ['index.json'],
    );
  }
});

test('StoreDatabase takes a half-written temporary file for what it is', async (context) => {
  const { paths, database } = makeDatabase(context);
  await database.transaction(addPackage('zlib'));
  writeFileSync(`${paths.index}.${hostname()}.${process.pid}.temp`, '{"database":{"ver');
  assert.equal(database.installed(hashOf('zlib')), true);
  await database.transaction(addPackage('bzip'));
  assert.deepEqual(
    readdirSync(paths.databaseFolder).filter((name) => name.includes('temp')),
    [],
  );
  assert.equal(readDatabase(paths.root)?.records.size, 2);
});

test('StoreDatabase refuses an index that is no file', (context) => {
  const { paths, database } = makeDatabase(context);
  mkdirSync(paths.index);
  assert.throws(
    () => database.content(),
    (error) => error instanceof StoreError && error.code === 'database-unreadable',
  );
});

test('StoreDatabase.transaction writes together what comes together, and leaves out what fails', async (context) => {
  const { paths, database } = makeDatabase(context);
  const before = readFileSync(paths.verifier, { encoding: 'utf8', flag: 'a+' });
  const seen = new Set<string>();
  const names = ['zlib', 'bzip2', 'xz'];
  const changes = names.map((name) =>
    database.transaction(addPackage(name)).then(() => seen.add(readFileSync(paths.verifier, 'utf8'))),
  );
  const failing = database.transaction(() => {
    throw new Error('not this one');
  });
  await assert.rejects(failing, /not this one/);
  await Promise.all(changes);
  assert.equal(readDatabase(paths.root)?.records.size, names.length);
  assert.equal(seen.size, 1, 'the verifier changed once');
  assert.ok(!seen.has(before));
});

test('StoreDatabase without locks is only read', async (context) => {
  const { paths } = makeDatabase(context);
  await assert.rejects(new StoreDatabase(paths).transaction(addPackage('zlib')), TypeError);
});

test('StoreDatabase ends in a coded error where it may not write', {
  skip: process.getuid?.() === 0 ? 'root may write everywhere' : false,
}, async (context) => {
  const { paths, database } = makeDatabase(context);
  chmodSync(paths.databaseFolder, 0o555);
  await assert.rejects(database.transaction(addPackage('zlib')), (error) => error instanceof StoreError);
});

test('StoreDatabase.transaction loses nothing when processes write at once', async (context) => {
  const { paths, database } = makeDatabase(context);
  const text = `
    const [root, own] = process.argv.slice(1);
    const { StoreDatabase } = await import('${storeModule('database/database')}');
    const { StoreLocks } = await import('${storeModule('locks/locks')}');
    const { StorePaths } = await import('${storeModule('store-layout')}');
    const { buildSpec } = await import('${new URL('../spec-builder.js', import.meta.url).href}');
    const paths = new StorePaths(root);
    const database = new StoreDatabase(paths, new StoreLocks({ paths }));
    console.log('ready');
    for await (const _ of process.stdin);
    const add = (name) => database.transaction((edit) => edit.addInstalled({
      spec: buildSpec({ [name]: { dependencies: ['shared'] }, shared: {} }),
      prefix: '/root/' + name, explicit: false, installationTime: 1, pathOf: () => '/root/shared' }));
    await Promise.all(Array.from('abcdefghijklmnopqrst', (letter) => add(own + letter)));`;
  const children = await Promise.all(
    ['one', 'two', 'three'].map((own) =>
      startChild(context, process.execPath, moduleText(text, paths.root, own)),
    ),
  );
  const own = Promise.all(
    Array.from('abcdefghij', (letter) => database.transaction(addPackage(`own${letter}`))),
  );
  const codes = await Promise.all(children.map((child) => child.finish()));
  await own;
  assert.deepEqual(codes, [0, 0, 0]);
  assert.equal(database.records().size, 3 * 20 + 10 + 1);
  assert.equal(database.get(hashOf('shared'))?.refCount, 60);
  assert.deepEqual(
    readdirSync(paths.databaseFolder).filter((name) => name.includes('temp')),
    [],
  );
});

test('StoreDatabase can be read while it is replaced over and over', async (context) => {
  const { paths, database } = makeDatabase(context);
  await database.transaction(addPackage('zlib'));
  const writer = (async () => {
    for (const letter of 'abcdefghijklmnopqrst') await database.transaction(addPackage(letter));
  })();
  const reader = new StoreDatabase(paths);
  let isDone = false;
  void writer.then(() => {
    isDone = true;
  });
  while (!isDone) {
    assert.ok(reader.installed(hashOf('zlib')));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await writer;
  assert.equal(reader.records().size, 21);
  assert.equal(join(paths.root, '.spack-db'), paths.databaseFolder);
});

import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { StoreError, type StoreErrorCode } from '../../../src/core/errors.js';
import {
  emptyDatabase,
  formatDatabase,
  nodeOfRecord,
  parseDatabase,
  readDatabaseFile,
} from '../../../src/store/database/database-file.js';
import { hashOf } from '../spec-builder.js';
import { temporaryFolder } from '../temporary-folder.js';

const ARCH = { platform: 'linux', platform_os: 'debian12', target: 'x86_64' };
const COMPILER = { name: 'gcc', version: '12.2.0' };

function database(version: unknown, installs: unknown): string {
  return JSON.stringify({ database: { version, installs } });
}

function hasCode(code: StoreErrorCode): (error: unknown) => boolean {
  return (error) =>
    error instanceof StoreError && error.code === code && error.message.includes('/x/index.json');
}

test('parseDatabase keeps everything, in its order, and formatDatabase writes it back', () => {
  const hash = hashOf('zlib');
  const text =
    `{"first":1,"database":{"zzz":[null,1.5e-7],"version":"7","installs":{"${hash}":{"unknown":{"b":1,"a":2},` +
    `"spec":{"name":"zlib","odd key":"\\u00fc\\ud83d\\ude00\\udc80","__proto__":{"x":1}},"path":"None","ref_count":3,"installed":true,"origin":"file:///x"}},"aaa":{}},"last":[]}`;
  const content = parseDatabase(text, '/x/index.json');
  assert.equal(formatDatabase(content), text);
  assert.equal(content.version, 7);
  const record = content.records.get(hash);
  assert.equal(record?.path, undefined);
  assert.equal(record?.refCount, 3);
  assert.equal(record?.installed, true);
  assert.equal(record?.explicit, false);
});

test('parseDatabase refuses what it cannot read whole', () => {
  const texts = [
    '',
    ' ',
    'null',
    '[]',
    '{"database":',
    '{}',
    '{"database":[]}',
    database('7', null),
    database('7', []),
    database(undefined, {}),
    database('', {}),
    database(null, {}),
    database('x', {}),
    database('-3', {}),
    database('7', { a: 1 }),
    database('7', { a: {} }),
    database('7', { a: { spec: null } }),
    database('7', { a: { spec: {}, path: 1 } }),
    '{"database":{"version":"7","__proto__":{"installs":{}}}}',
  ];
  for (const text of texts)
    assert.throws(() => parseDatabase(text, '/x/index.json'), hasCode('database-unreadable'), text);
});

test('parseDatabase refuses versions that nobody here knows', () => {
  for (const version of ['9', '4', '0.9.3', '10', '7.5'])
    assert.throws(
      () => parseDatabase(database(version, {}), '/x/index.json'),
      hasCode('database-version'),
      version,
    );
  for (const version of ['5', '6', '7', '8'])
    assert.equal(String(parseDatabase(database(version, {}), 'x').version), version);
});

test('parseDatabase ends in a result or a coded error for any JSON', () => {
  fc.assert(
    fc.property(fc.json(), fc.json(), (record, document) => {
      for (const text of [document, `{"database":{"version":"7","installs":{"x":${record}}}}`]) {
        try {
          formatDatabase(parseDatabase(text, 'x'));
        } catch (error) {
          assert.ok(error instanceof StoreError);
        }
      }
    }),
    { seed: 7, numRuns: 300 },
  );
});

test('nodeOfRecord reads the nodes of every version', () => {
  const hash = hashOf('zlib');
  const bzip2 = hashOf('bzip2');
  const common = { version: '1.0', arch: ARCH, compiler: COMPILER, namespace: 'builtin', parameters: {} };
  const nodes = {
    5: { zlib: { ...common, dependencies: { bzip2: { hash: bzip2, type: ['link'] } } } },
    6: { name: 'zlib', ...common, dependencies: [{ name: 'bzip2', hash: bzip2, type: ['link'] }] },
    7: {
      name: 'zlib',
      ...common,
      dependencies: [{ name: 'bzip2', hash: bzip2, parameters: { deptypes: ['link'], virtuals: [] } }],
    },
    8: {
      name: 'zlib',
      ...common,
      dependencies: [
        { name: 'bzip2', hash: bzip2, parameters: { deptypes: ['link'], virtuals: [], direct: true } },
      ],
    },
  };
  for (const [version, spec] of Object.entries(nodes)) {
    const content = parseDatabase(database(version, { [hash]: { spec, installed: true, path: '/p' } }), 'x');
    const record = content.records.get(hash);
    assert.ok(record);
    const node = nodeOfRecord(record, content.version);
    assert.equal(node.hash, hash);
    assert.deepEqual(
      node.dependencies.map((edge) => edge.hash),
      [bzip2],
    );
  }
});

test('readDatabaseFile tells an absent file from one that cannot be read', (context) => {
  const folder = temporaryFolder(context);
  assert.equal(readDatabaseFile(join(folder, 'index.json')), undefined);
  mkdirSync(join(folder, 'folder'));
  writeFileSync(join(folder, 'file'), '');
  for (const path of ['folder', join('file', 'index.json')])
    assert.throws(
      () => readDatabaseFile(join(folder, path)),
      (error) => error instanceof StoreError && error.code === 'root-unusable',
    );
});

test('emptyDatabase is what a new store gets', () => {
  assert.equal(formatDatabase(emptyDatabase()), '{"database":{"version":"7","installs":{}}}');
});

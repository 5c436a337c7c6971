import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { MirrorError } from '../../src/core/errors.js';
import { ArchiveStore } from '../../src/transport/archive/store.js';
import { FileStore } from '../../src/transport/file/store.js';
import { openObjectStore } from '../../src/transport/open-store.js';
import { SteadyStore } from '../../src/transport/steady/steady-store.js';
import { temporaryFolder } from '../mirror/temporary-folder.js';

test('openObjectStore takes what has no scheme for a path', () => {
  for (const path of ['cache', './cache', '/srv/a:b', 'a:b', 'C', '/a b%20#?']) {
    const store = openObjectStore(path);
    assert.ok(store instanceof FileStore, path);
    assert.equal(store.location(''), resolve(path));
  }
});

test('openObjectStore decodes file URLs', () => {
  assert.equal(openObjectStore('file:///srv/a%20b%23/').location(''), '/srv/a b#');
  assert.equal(openObjectStore('FILE:///srv').location('x'), '/srv/x');
  assert.equal(openObjectStore('file://localhost/srv').location(''), '/srv');
});

test('openObjectStore takes a file, or what is named like one, for a read-only tar archive', (t) => {
  const folder = temporaryFolder(t);
  for (const name of ['a.tar', 'a b#.tar', 'a.tar.gz', 'other']) writeFileSync(join(folder, name), '');
  for (const name of ['a.tar', 'a b#.tar', 'a.tar.gz', 'other', 'missing.tar']) {
    const path = join(folder, name);
    for (const reference of [path, `${path}/`, pathToFileURL(path).href]) {
      const store = openObjectStore(reference);
      assert.ok(store instanceof ArchiveStore, reference);
      assert.equal(store.location(''), path);
      assert.equal(store.url, pathToFileURL(path).href);
      assert.equal(store.writer, undefined);
    }
  }
  mkdirSync(join(folder, 'folder.tar'));
  for (const path of ['folder.tar', 'missing', 'a.tar/below']) {
    const store = openObjectStore(join(folder, path));
    assert.ok(store instanceof FileStore, path);
  }
});

test('openObjectStore opens web servers', () => {
  const store = openObjectStore('https://host/cache');
  assert.ok(store instanceof SteadyStore);
  assert.equal(store.url, 'https://host/cache');
  assert.equal(openObjectStore('HTTP://Host/').url, 'http://host');
});

test('openObjectStore opens buckets', () => {
  for (const url of ['s3://bucket/pre/fix', 'gs://bucket/pre/fix']) {
    const store = openObjectStore(url, { environment: { HOME: '/nowhere' } });
    assert.ok(store instanceof SteadyStore);
    assert.equal(store.url, url);
    assert.equal(store.location('a/b'), `${url}/a/b`);
  }
  assert.equal(
    openObjectStore('S3://bucket//x/', { environment: { HOME: '/nowhere' } }).url,
    's3://bucket/x',
  );
});

test('openObjectStore refuses other schemes, with those that there are', () => {
  const refused = (hint: RegExp) => (error: unknown) => {
    assert.ok(error instanceof MirrorError && error.code === 'mirror-protocol', String(error));
    assert.match(error.hint ?? '', hint);
    return true;
  };
  for (const url of ['ftp://host', 'git+ssh://x', 'oci://host/x', 'oci+http://host/x'])
    assert.throws(() => openObjectStore(url), refused(/file:/));
  for (const url of ['http://', 'http://us:pw@[', 'https://host:99999/'])
    assert.throws(() => openObjectStore(url), refused(/https/));
  for (const url of ['file://host/x', 'file:x', 'file:///a%zz', 'file:///a%2fb'])
    assert.throws(() => openObjectStore(url), refused(/file:/));
  for (const url of ['s3://', 's3://user:pw@bucket/x', 's3://bucket/a/../b', 'gs:///x'])
    assert.throws(() => openObjectStore(url, { environment: { HOME: '/nowhere' } }), refused(/s3:/));
  assert.throws(
    () => openObjectStore('http://user:hunter2@['),
    (error: Error) => !JSON.stringify([error, error.message]).includes('hunter2'),
  );
});

import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { MirrorError } from '../../src/core/errors.js';
import { FileStore } from '../../src/transport/file/store.js';
import { openObjectStore } from '../../src/transport/open-store.js';
import { SteadyStore } from '../../src/transport/steady/steady-store.js';

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

test('openObjectStore refuses other schemes, and says which come later', () => {
  const refused = (hint: RegExp) => (error: unknown) => {
    assert.ok(error instanceof MirrorError && error.code === 'mirror-protocol', String(error));
    assert.match(error.hint ?? '', hint);
    return true;
  };
  for (const url of ['oci://host/x', 'oci+http://host/x'])
    assert.throws(() => openObjectStore(url), refused(/yet/));
  for (const url of ['ftp://host', 'git+ssh://x'])
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

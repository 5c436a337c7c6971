import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { MirrorError } from '../../src/core/errors.js';
import { FileMirror } from '../../src/mirror/file-mirror.js';
import { HttpMirror } from '../../src/mirror/http-mirror.js';
import { openMirror } from '../../src/mirror/open-mirror.js';

test('openMirror takes what has no scheme for a path', () => {
  for (const path of ['cache', './cache', '/srv/a:b', 'a:b', 'C', '/a b%20#?']) {
    const mirror = openMirror(path);
    assert.ok(mirror instanceof FileMirror, path);
    assert.equal(mirror.location(''), resolve(path));
  }
});

test('openMirror decodes file URLs', () => {
  assert.equal(openMirror('file:///srv/a%20b%23/').location(''), '/srv/a b#');
  assert.equal(openMirror('FILE:///srv').location('x'), '/srv/x');
  assert.equal(openMirror('file://localhost/srv').location(''), '/srv');
});

test('openMirror passes name and flag on', () => {
  const mirror = openMirror('https://host/cache', { name: 'mine', signed: false });
  assert.ok(mirror instanceof HttpMirror);
  assert.deepEqual([mirror.name, mirror.url, mirror.signed], ['mine', 'https://host/cache', false]);
  assert.equal(openMirror('HTTP://Host/').url, 'http://host');
  assert.equal(openMirror('http://host').signed, true);
});

test('openMirror refuses other schemes, and says which come later', () => {
  const refused = (hint: RegExp) => (error: unknown) => {
    assert.ok(error instanceof MirrorError && error.code === 'mirror-protocol', String(error));
    assert.match(error.hint ?? '', hint);
    return true;
  };
  for (const url of ['s3://bucket/x', 'oci://host/x', 'oci+http://host/x'])
    assert.throws(() => openMirror(url), refused(/yet/));
  for (const url of ['ftp://host', 'gs://bucket', 'git+ssh://x'])
    assert.throws(() => openMirror(url), refused(/file:/));
  for (const url of ['http://', 'http://us:pw@[', 'https://host:99999/'])
    assert.throws(() => openMirror(url), refused(/https/));
  for (const url of ['file://host/x', 'file:x', 'file:///a%zz', 'file:///a%2fb'])
    assert.throws(() => openMirror(url), refused(/file:/));
  assert.throws(
    () => openMirror('http://user:hunter2@['),
    (error: Error) => !JSON.stringify([error, error.message]).includes('hunter2'),
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MirrorError } from '../../src/core/errors.js';
import { openMirror } from '../../src/mirror/open-mirror.js';
import { requireWritable } from '../../src/mirror/writable-mirror.js';
import { temporaryFolder } from './temporary-folder.js';

const coded = (code: string) => (error: unknown) => error instanceof MirrorError && error.code === code;

test('openMirror passes name and flag on', () => {
  const mirror = openMirror('https://host/cache', { name: 'mine', signed: false });
  assert.deepEqual([mirror.name, mirror.url, mirror.signed], ['mine', 'https://host/cache', false]);
  assert.equal(openMirror('HTTP://Host/').url, 'http://host');
  assert.equal(openMirror('http://host').name, 'http://host');
  assert.equal(openMirror('http://host').signed, true);
});

test('openMirror names a folder by its path', (t) => {
  const root = temporaryFolder(t);
  assert.equal(openMirror(root).name, root);
  assert.equal(openMirror(root).signed, true);
  assert.equal(openMirror(root, { name: 'mine' }).name, 'mine');
});

test('openMirror gives tags of web servers, and none of folders', async (t) => {
  const mirror = openMirror(temporaryFolder(t));
  assert.equal(mirror.getIfChanged, undefined);
  await requireWritable(mirror)
    .create('x')
    .then((writer) => writer.commit());
  assert.equal((await mirror.get('x')).etag, undefined);
  assert.notEqual(openMirror('http://host').getIfChanged, undefined);
  assert.equal(openMirror('http://host').list, undefined);
});

test('requireWritable refuses mirrors that are only read', async () => {
  for (const url of ['http://localhost/cache', 'https://localhost/cache']) {
    const mirror = openMirror(url);
    assert.throws(() => requireWritable(mirror), coded('mirror-read-only'));
    await mirror.close?.();
  }
});

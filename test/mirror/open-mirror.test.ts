import assert from 'node:assert/strict';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { MirrorError } from '../../src/core/errors.js';
import { openMirror } from '../../src/mirror/open-mirror.js';

/** Where the root of a mirror is, by what it says of its index. */
async function indexOf(reference: string): Promise<string> {
  const location = (await openMirror(reference)).cache.indexes.at(-1)?.location;
  assert.ok(location !== undefined);
  return location;
}

const below = (root: string) => join(root, 'build_cache/index.json');

test('openMirror takes what has no scheme for a path', async () => {
  for (const path of ['cache', './cache', '/srv/a:b', 'a:b', 'C', '/a b%20#?']) {
    const { cache } = await openMirror(path);
    assert.equal(cache.name, resolve(path));
    assert.equal(cache.indexes.at(-1)?.location, below(resolve(path)));
    assert.ok(cache.publisher !== undefined && cache.packages !== undefined, path);
  }
});

test('openMirror decodes file URLs', async () => {
  assert.equal(await indexOf('file:///srv/a%20b%23/'), below('/srv/a b#'));
  assert.equal(await indexOf('FILE:///srv'), below('/srv'));
  assert.equal(await indexOf('file://localhost/srv'), below('/srv'));
});

test('openMirror passes name and flag on', async () => {
  const { cache, requiresSignature } = await openMirror('https://host/cache', {
    name: 'mine',
    signed: false,
  });
  assert.deepEqual([cache.name, cache.url, requiresSignature], ['mine', 'https://host/cache', false]);
  assert.ok(cache.publisher === undefined && cache.packages === undefined, 'it can neither write nor list');
  const upper = await openMirror('HTTP://Host/');
  assert.deepEqual(
    [upper.cache.name, upper.cache.url, upper.requiresSignature],
    ['http://host', 'http://host', true],
  );
});

test('openMirror passes the layout of what is published on', async () => {
  for (const [layout, withParents] of [
    [undefined, false],
    [1, false],
    [2, true],
  ] as const) {
    const { cache } = await openMirror('cache', { layout });
    assert.equal(cache.publisher?.archive.withParents, withParents);
  }
});

test('openMirror refuses other schemes, and URLs that are none of theirs', async () => {
  const refused = (hint: RegExp) => (error: unknown) => {
    assert.ok(error instanceof MirrorError && error.code === 'mirror-protocol', String(error));
    assert.match(error.hint ?? '', hint);
    return true;
  };
  for (const url of ['oci://', 'oci://host.test/name:tag', 'oci+http://host:99/', 'oci://host.test/a b'])
    await assert.rejects(openMirror(url), refused(/oci:/));
  for (const url of ['ftp://host', 'sftp://host', 'git+ssh://x'])
    await assert.rejects(openMirror(url), refused(/file:/));
  for (const url of ['http://', 'http://us:pw@[', 'https://host:99999/'])
    await assert.rejects(openMirror(url), refused(/https/));
  for (const url of ['file://host/x', 'file:x', 'file:///a%zz', 'file:///a%2fb'])
    await assert.rejects(openMirror(url), refused(/file:/));
  await assert.rejects(
    openMirror('http://user:hunter2@['),
    (error: Error) => !JSON.stringify([error, error.message]).includes('hunter2'),
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MirrorError } from '../../src/core/errors.js';
import { openMirror } from '../../src/mirror/open-mirror.js';
import { requirePublisher } from '../../src/mirror/require-publisher.js';

test('requirePublisher refuses caches that are only read', async () => {
  const { cache: folder } = await openMirror('cache');
  assert.equal(requirePublisher(folder), folder.publisher);
  for (const url of ['http://localhost/cache', 'https://localhost/cache']) {
    const { cache } = await openMirror(url);
    assert.throws(
      () => requirePublisher(cache),
      (error: unknown) =>
        error instanceof MirrorError && error.code === 'mirror-read-only' && error.data.mirror === url,
    );
    await cache.close?.();
  }
});

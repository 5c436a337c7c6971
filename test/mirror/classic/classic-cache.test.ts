import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MetadataError } from '../../../src/core/errors.js';
import { ClassicCache } from '../../../src/mirror/classic/classic-cache.js';
import { NO_TRUST } from '../../../src/operations/keys/trust.js';
import { openObjectStore } from '../../../src/transport/open-store.js';
import { node4, spec4 } from '../../spec/spec-samples.js';
import { temporaryFolder } from '../../store/temporary-folder.js';
import { inStores, testBuildCache } from '../build-cache-contract.js';

for (const layoutVersion of [1, 2] as const) {
  testBuildCache(`ClassicCache of layout ${layoutVersion}`, {
    options: { kind: 'classic', layoutVersion },
    ...inStores({ open: (store) => new ClassicCache({ store, layout: layoutVersion }) }),
  });
}

test('ClassicCache refuses a specfile of any size by a code', async (t) => {
  const store = await openObjectStore(temporaryFolder(t));
  const endless = () =>
    new ReadableStream<Uint8Array>({ pull: (controller) => controller.enqueue(new Uint8Array(1 << 20)) });
  const huge = { body: endless, size: undefined, tag: undefined, location: 'huge' };
  t.mock.method(store, 'open', async () => ({ ...huge, body: endless() }));
  const cache = new ClassicCache({ store });
  for (const kind of ['signed', 'unsigned'] as const) {
    await assert.rejects(
      cache.describe(spec4(node4('x', 'a')), kind, { trust: NO_TRUST }),
      (error: unknown) => error instanceof MetadataError && error.code === 'metadata-too-large',
    );
  }
});

test('ClassicCache cannot say what a wrapped package must be before it is unwrapped', async (t) => {
  const store = await openObjectStore(temporaryFolder(t));
  const spec = spec4(node4('x', 'a'));
  const text = Buffer.from(JSON.stringify({ spec: { _meta: { version: 4 }, nodes: [node4('x', 'a')] } }));
  const body = () => new Blob([text]).stream() as ReadableStream<Uint8Array>;
  t.mock.method(store, 'open', async () => ({
    body: body(),
    size: undefined,
    tag: undefined,
    location: 'x',
  }));
  const found = await new ClassicCache({ store }).describe(spec, 'unsigned', { trust: NO_TRUST });
  assert.ok('tarball' in found && found.unwrap !== undefined);
  assert.equal(found.files[0]?.sha256, undefined);
  assert.throws(() => found.tarball.sha256, TypeError);
});

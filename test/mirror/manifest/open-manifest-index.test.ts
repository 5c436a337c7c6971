// Freshness of indexes of layout 3, views, and what goes wrong on the way.
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type BuildcacheError, MirrorError } from '../../../src/core/errors.js';
import { IndexClient, type IndexClientOptions } from '../../../src/mirror/index/index-client.js';
import { openManifestIndex } from '../../../src/mirror/manifest/open-manifest-index.js';
import { openMirror } from '../../../src/mirror/open-mirror.js';
import { exponentialBackoff } from '../../../src/transport/http/retry-policy.js';
import type { ObjectStore } from '../../../src/transport/object-store.js';
import {
  copyManifestMirror,
  INDEX_MANIFEST,
  indexBlobOf,
  writeManifestIndex,
} from '../../helpers/manifest-mirror.js';
import { MirrorServer, serveBytes, serveTruncated } from '../../helpers/mirror-server.js';
import { indexText } from '../index/index-text.js';
import { temporaryFolder } from '../temporary-folder.js';

const MANIFEST_REQUEST = `GET /${INDEX_MANIFEST}`;
const OTHER_LAYOUT = 'GET /build_cache/index.json';

interface LoadOptions extends Partial<Omit<IndexClientOptions, 'mirrors'>> {
  readonly view?: string;
}

async function place(t: TestContext) {
  const root = copyManifestMirror(join(temporaryFolder(t), 'mirror'));
  const cacheFolder = temporaryFolder(t);
  const server = await MirrorServer.start({ folder: root });
  t.after(() => server.close());
  const retry = exponentialBackoff({ attempts: 3, sleep: async () => {} });
  const load = async ({ view, ...options }: LoadOptions = {}) => {
    const mirror = await openMirror(server.url, { environment: {}, retry, ...(view && { view }) });
    server.requests.length = 0;
    const client = new IndexClient({ cacheFolder, mirrors: [mirror], ...options });
    const { catalog, warnings } = await client.load().finally(() => mirror.cache.close?.());
    const names = [...catalog.entries()].map(({ name }) => name).sort();
    const conditional = server.requests.filter(({ headers }) => headers['if-none-match'] !== undefined);
    return { names, codes: warnings.map(({ code }) => code), log: [...server.log].sort(), conditional };
  };
  return { root, cacheFolder, server, load };
}

function withCode(code: string) {
  return (error: BuildcacheError) => error.code === code;
}

test('a second run costs one conditional request', async (t) => {
  const { root, load } = await place(t);
  const first = await load();
  assert.ok(first.names.includes('scriptleaf'));
  assert.deepEqual(first.log, [MANIFEST_REQUEST, OTHER_LAYOUT, `GET /${indexBlobOf(root)}`].sort());
  const second = await load();
  assert.deepEqual(second.names, first.names);
  assert.deepEqual(second.log, [MANIFEST_REQUEST]);
  assert.equal(second.conditional.length, 1);
  const blob = writeManifestIndex(root, indexText({ zlib: 'a' }));
  const third = await load();
  assert.deepEqual(third.names, ['zlib']);
  assert.deepEqual(third.log, [MANIFEST_REQUEST, OTHER_LAYOUT, `GET /${blob}`].sort());
  assert.deepEqual((await load()).log, [MANIFEST_REQUEST]);
});

test('an older layout is looked for again when the newer one changes, after a day, and on request', async (t) => {
  const { root, server, load } = await place(t);
  const day = 24 * 60 * 60 * 1000;
  const start = Date.now();
  const at = (hours: number, options: LoadOptions = {}) =>
    load({ ...options, now: () => start + (hours * day) / 24 });
  await at(0);
  server.handle('/build_cache/index.json', indexText({ old: 'a' }));
  assert.deepEqual((await at(1)).log, [MANIFEST_REQUEST]);
  const later = await at(25);
  assert.deepEqual([later.log, later.names.includes('old')], [[MANIFEST_REQUEST, OTHER_LAYOUT].sort(), true]);
  // Now it is known: both are asked, and the server has tags for one of them.
  assert.deepEqual((await at(26)).log, [MANIFEST_REQUEST, OTHER_LAYOUT].sort());
  const another = await place(t);
  await another.load();
  another.server.handle('/build_cache/index.json', indexText({ old: 'a' }));
  assert.ok((await another.load({ refresh: true })).names.includes('old'));
  writeManifestIndex(root, indexText({ zlib: 'b' }));
  assert.deepEqual((await at(27)).names, ['old', 'zlib']);
});

test('a newer layout is looked for beside an older one each time', async (t) => {
  const { root, server, load } = await place(t);
  server.handle('/build_cache/index.json', indexText({ old: 'a' }));
  rmSync(join(root, INDEX_MANIFEST));
  for (let run = 0; run < 2; run++)
    assert.deepEqual((await load()).log, [MANIFEST_REQUEST, OTHER_LAYOUT].sort());
  writeManifestIndex(root, indexText({ zlib: 'b' }));
  assert.deepEqual((await load()).names, ['old', 'zlib']);
});

test('in a folder the other layout is always looked for: that costs nothing', async (t) => {
  const { root, cacheFolder } = await place(t);
  const names = async () => {
    const client = new IndexClient({ cacheFolder, mirrors: [await openMirror(root)] });
    return [...(await client.load()).catalog.entries()].map(({ name }) => name);
  };
  await names();
  await names();
  mkdirSync(join(root, 'build_cache'));
  writeFileSync(join(root, 'build_cache/index.json'), indexText({ old: 'a' }));
  assert.ok((await names()).includes('old'));
});

test('without entity tags the digest in the manifest says whether the index is current', async (t) => {
  const { root, server, load } = await place(t);
  for (const etag of ['none', 'weak'] as const) {
    server.etag = etag;
    const blob = writeManifestIndex(root, indexText({ [etag]: 'a' }));
    assert.ok((await load()).log.includes(`GET /${blob}`));
    const again = await load();
    assert.deepEqual([again.names, again.log], [[etag], [MANIFEST_REQUEST, OTHER_LAYOUT].sort()]);
  }
});

test('a view is one request, and an index of its own in the cache', async (t) => {
  const { root, load } = await place(t);
  writeManifestIndex(root, indexText({ zlib: 'a' }), 'small');
  writeManifestIndex(root, indexText({ curl: 'b' }), 'other/nested');
  assert.deepEqual((await load({ view: 'small' })).names, ['zlib']);
  assert.deepEqual((await load({ view: 'other/nested' })).names, ['curl']);
  const whole = await load();
  assert.ok(whole.names.includes('scriptleaf'));
  const again = await load({ view: 'small' });
  assert.deepEqual([again.names, again.conditional.length, again.log.length], [['zlib'], 1, 1]);
  for (const [view, names] of [
    ['small', ['zlib']],
    ['other/nested', ['curl']],
  ] as const) {
    const offline = await load({ view, offline: true });
    assert.deepEqual([offline.names, offline.log], [names, []]);
  }
  await assert.rejects(load({ view: 'absent' }), (error: BuildcacheError) => {
    assert.match(error.hint ?? '', /Check its name/);
    assert.equal(error.data.views, undefined);
    return error.code === 'view-not-found';
  });
});

test('a view that is not there is told where listing is refused', async () => {
  const absent = () => Promise.reject(new MirrorError('mirror-not-found', 'Cannot find it'));
  const refused = async function* () {
    yield* [];
    throw new MirrorError('mirror-http-status', 'Cannot list "it": 403');
  };
  const store = { url: 'bucket', location: (path: string) => path, open: absent, lister: { list: refused } };
  const request = { store: store as unknown as ObjectStore, view: 'small', known: undefined };
  await assert.rejects(openManifestIndex(request), withCode('view-not-found'));
});

test('a view that is not there is named with those that are', async (t) => {
  const { root, cacheFolder } = await place(t);
  for (const view of ['small', 'other/nested']) writeManifestIndex(root, indexText({ zlib: 'a' }), view);
  const load = async (view: string) =>
    new IndexClient({ cacheFolder, mirrors: [await openMirror(root, { view })] }).load();
  await assert.rejects(load('nested'), (error: BuildcacheError) => {
    assert.match(error.message, /the view "nested"/);
    assert.deepEqual([...(error.data.views as string[])].sort(), ['other/nested', 'small']);
    assert.match(error.hint ?? '', /other\/nested/);
    return error.code === 'view-not-found';
  });
  for (const name of ['../x', '/x', 'a//b', 'a\nb', '.']) await assert.rejects(load(name), withCode('usage'));
});

test('an index blob that breaks off is fetched again', async (t) => {
  const { root, cacheFolder, server, load } = await place(t);
  const blob = indexBlobOf(root);
  const bytes = readFileSync(join(root, blob));
  let failures = 2;
  server.handle(`/${blob}`, (request, response) =>
    (failures-- > 0 ? serveTruncated(bytes, 100) : serveBytes(bytes))(request, response),
  );
  assert.ok((await load()).names.includes('scriptleaf'));
  failures = 99;
  await assert.rejects(load({ refresh: true }), withCode('mirror-truncated'));
  assert.deepEqual(readdirSync(cacheFolder), []);
});

test('an index whose blob is gone is an error; the cached one stands in where there is one', async (t) => {
  const { root, load } = await place(t);
  const blob = writeManifestIndex(root, indexText({ zlib: 'a' }));
  rmSync(join(root, blob));
  await assert.rejects(load(), withCode('blob-missing'));
  writeManifestIndex(root, indexText({ curl: 'b' }));
  await load();
  rmSync(join(root, writeManifestIndex(root, indexText({ zlib: 'c' }))));
  await assert.rejects(load(), withCode('blob-missing'));
  assert.deepEqual((await load({ offline: true })).names, ['curl']);
});

test('an index of a newer kind is a warning', async (t) => {
  const { server, load } = await place(t);
  const record = { mediaType: 'application/vnd.spack.db.v9+json' };
  server.handle(`/${INDEX_MANIFEST}`, JSON.stringify({ version: 3, data: [record] }));
  const { names, codes } = await load();
  assert.deepEqual([names, codes], [[], ['index-version-unsupported']]);
});

test('a mirror with both layouts serves both', async (t) => {
  const { server, load } = await place(t);
  server.handle('/build_cache/index.json', indexText({ zlib: 'a' }));
  const online = await load();
  assert.deepEqual([online.names.includes('scriptleaf'), online.names.includes('zlib')], [true, true]);
  const offline = await load({ offline: true });
  assert.deepEqual([offline.names, offline.log], [online.names, []]);
});

test('offline one cached index of a place is enough', async (t) => {
  const { load } = await place(t);
  const { names } = await load();
  const offline = await load({ offline: true });
  assert.deepEqual([offline.names, offline.codes, offline.log], [names, [], []]);
});

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { MirrorError } from '../../../src/core/errors.js';
import { ManifestCache } from '../../../src/mirror/manifest/manifest-cache.js';
import { openMirror } from '../../../src/mirror/open-mirror.js';
import { layoutOfSpack } from '../../../src/operations/publish/layout-of-spack.js';
import { push } from '../../../src/operations/publish/push.js';
import { selectEngine } from '../../../src/relocation/engines/select.js';
import { makeSmallStore, type SmallStore } from '../../helpers/small-store.js';
import { watchedMirror } from '../../helpers/watched-mirror.js';

const GRAPH = { app: { dependencies: ['zlib'], files: { x: 'text of app' } }, zlib: {} };

async function watched(t: TestContext): Promise<{ store: SmallStore; folder: string; written: string[] }> {
  const store = makeSmallStore(t, GRAPH);
  return { store, folder: join(store.folder, 'mirror'), written: [] };
}

async function pushAll({ store, folder, written }: Awaited<ReturnType<typeof watched>>, force = false) {
  const mirror = await watchedMirror(
    folder,
    (object) => {
      const commit = object.commit.bind(object);
      object.commit = async (path, condition) => {
        written.push(path);
        return commit(path, condition);
      };
    },
    (objects) => new ManifestCache({ store: objects }),
  );
  const opened = store.open();
  const specs = [...opened.database.records().keys()].map((hash) => opened.specOf(hash));
  const engine = selectEngine('js', {});
  const report = await push({ specs, store: opened, mirror, engine, force, jobs: 1 });
  assert.deepEqual(
    report.packages.filter(({ error }) => error !== undefined),
    [],
  );
  return report;
}

describe('push in layout 3', () => {
  test('writes blobs before the manifest that names them, and the note of the layout once', async (t) => {
    const place = await watched(t);
    await pushAll(place);
    const kinds = place.written.map((path) => path.replace(/^blobs\/.*/, 'blob').replace(/^v3\/.*\//, ''));
    assert.deepEqual(
      kinds.map((kind) => kind.replace(/-1\.0-.*/, '')),
      ['blob', 'blob', 'v3/layout.json', 'zlib', 'blob', 'blob', 'app'],
    );
    assert.equal(readFileSync(join(place.folder, 'v3/layout.json'), 'utf8'), '{"signing": "gpg"}');
  });

  test('writes no blob again that is there, with --force either', async (t) => {
    const place = await watched(t);
    await pushAll(place);
    place.written.length = 0;
    const again = await pushAll(place);
    assert.deepEqual(
      again.packages.map(({ outcome }) => outcome),
      ['already-there', 'already-there'],
    );
    assert.equal(place.written.length, 0);
    await pushAll(place, true);
    assert.equal(place.written.length, 2);
    assert.ok(place.written.every((path) => path.endsWith('.spec.manifest.json')));
    assert.deepEqual(readdirSync(place.folder).sort(), ['blobs', 'v3']);
  });

  test('a blob that was cut off is written again', async (t) => {
    const place = await watched(t);
    const report = await pushAll(place);
    const digest = report.packages[0]?.details?.sha256 ?? '';
    const blob = join(place.folder, 'blobs/sha256', digest.slice(0, 2), digest);
    const bytes = readFileSync(blob);
    writeFileSync(blob, bytes.subarray(0, 100));
    await pushAll(place, true);
    assert.deepEqual(readFileSync(blob), bytes);
  });

  test('what a new mirror gets is what the Spack of the store writes', async (t) => {
    assert.deepEqual(
      ([5, 6, 7, 8] as const).map((version) => layoutOfSpack(version)),
      [1, 1, 2, 3],
    );
    const { store, folder } = await watched(t);
    const newLayout = layoutOfSpack(8);
    const mirror = await openMirror(folder, { newLayout });
    const opened = store.open();
    const specs = [...opened.database.records().keys()].map((hash) => opened.specOf(hash));
    await push({ specs, store: opened, mirror, engine: selectEngine('js', {}) });
    assert.ok(existsSync(join(folder, 'v3/layout.json')) && !existsSync(join(folder, 'build_cache')));
    // What is there decides from now on.
    const { cache } = await openMirror(folder, { newLayout: 1 });
    assert.equal(cache.publisher?.archive.buildinfo, 'flow');
  });

  test('a failure of the signature leaves nothing', async (t) => {
    const { store, folder } = await watched(t);
    const opened = store.open();
    const specs = [...opened.database.records().keys()].map((hash) => opened.specOf(hash));
    const sign = () => Promise.reject(new MirrorError('mirror-full', 'no'));
    const mirror = await openMirror(folder, { layout: 3 });
    const report = await push({ specs, store: opened, mirror, engine: selectEngine('js', {}), sign });
    assert.ok(report.packages.every(({ outcome }) => outcome === 'failed'));
    assert.ok(!existsSync(join(folder, 'blobs')) && !existsSync(join(folder, 'v3')));
  });
});

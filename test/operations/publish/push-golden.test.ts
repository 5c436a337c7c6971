// Every package of the golden stores, pushed from where it was built: the same tar as the real Spack made, byte for byte, the same
// specfile but for the checksum, under the same names.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { openMirror } from '../../../src/mirror/open-mirror.js';
import { openStore } from '../../../src/operations/open-store.js';
import { push } from '../../../src/operations/publish/push.js';
import { selectEngine } from '../../../src/relocation/engines/select.js';
import { lockGoldenStores } from '../../helpers/golden-lock.js';
import {
  blobsOf,
  buildinfoOf,
  makeGoldenStore,
  manifestsOf,
  manifestText,
  removeGoldenStore,
  tarballsOf,
} from '../../helpers/golden-store.js';

/** The complete fixtures where they are; else those of this repository. */
const fixtures = process.env.REGRAFT_FIXTURES ?? join('test', 'fixtures');
const newer = join(fixtures, '..', 'fixtures-v2v3');

interface GoldenPush {
  /** What Spack pushed. */
  readonly cache: string;
  /** The database of the store that it came from. */
  readonly database: string;
  readonly layout: 1 | 2 | 3;
  readonly engine: 'js' | 'wasm';
}

const PUSHES: readonly GoldenPush[] = [
  { cache: 'unpadded-signed', database: 'stores/a/index.json', layout: 1, engine: 'js' },
  { cache: 'padded-signed', database: 'stores/p/index.json', layout: 1, engine: 'wasm' },
  { cache: 'layout1-signed', database: 'stores/a/index-v7.json', layout: 1, engine: 'wasm' },
  { cache: 'layout1-padded-signed', database: 'stores/p/index-v7.json', layout: 1, engine: 'js' },
  { cache: 'layout2-signed', database: 'stores/a/index-v7.json', layout: 2, engine: 'wasm' },
  { cache: 'layout2-padded-signed', database: 'stores/p/index-v7.json', layout: 2, engine: 'js' },
  { cache: 'layout3-signed', database: 'stores/a/index-v8.json', layout: 3, engine: 'wasm' },
  { cache: 'layout3-unsigned', database: 'stores/a/index-v8.json', layout: 3, engine: 'js' },
  { cache: 'layout3-padded-signed', database: 'stores/p/index-v8.json', layout: 3, engine: 'wasm' },
];

for (const { cache: name, database, layout, engine } of PUSHES) {
  const cache = [fixtures, newer].map((pack) => join(pack, 'caches', name)).find((path) => existsSync(path));
  test(`push packs ${name} as Spack did: the same tars, specfiles and names`, {
    skip: cache === undefined && 'this cache is only in the complete fixtures',
  }, async (context) => {
    assert.ok(cache !== undefined);
    const lock = await lockGoldenStores();
    const folder = mkdtempSync(join(tmpdir(), 'regraft-push-'));
    context.after(() => rmSync(folder, { recursive: true, force: true }));
    const [first = ''] = tarballsOf(cache);
    const recorded = [fixtures, newer].map((pack) => join(pack, database)).find((path) => existsSync(path));
    const store = { root: buildinfoOf(join(cache, first)).buildpath, database: recorded, caches: [cache] };
    try {
      makeGoldenStore(store);
      await pushAll({ root: store.root, cache, layout, engine }, folder);
    } finally {
      removeGoldenStore(store);
      lock.release();
    }
    if (layout === 3) compareManifests(folder, cache);
    else compareCaches(folder, { cache, layout });
  });
}

interface PushFrom extends Pick<GoldenPush, 'cache' | 'layout' | 'engine'> {
  readonly root: string;
}

async function pushAll({ root, cache, layout, engine }: PushFrom, folder: string): Promise<void> {
  const store = openStore({ root, spackPrefix: '/tmp/golden-spack', environment: {} });
  const names = layout === 3 ? manifestsOf(cache) : tarballsOf(cache);
  const hashes = names.map((name) => /-([a-z2-7]{32})\.sp/.exec(name)?.[1]);
  const records = [...store.database.records().values()].filter(({ hash }) => hashes.includes(hash));
  assert.equal(records.length, hashes.length, 'the database knows every package');
  const report = await push({
    specs: records.map(({ hash }) => store.specOf(hash)),
    store,
    mirror: await openMirror(folder, { layout }),
    engine: selectEngine(engine, {}),
    only: 'package',
  });
  const failures = report.packages.filter((each) => each.outcome !== 'pushed');
  assert.deepEqual(failures, []);
}

function compareCaches(folder: string, { cache, layout }: Pick<GoldenPush, 'cache' | 'layout'>): void {
  const tarballs = tarballsOf(cache);
  assert.deepEqual(tarballsOf(folder), tarballs, 'the names of the tarballs');
  for (const path of tarballs) {
    const actual = gunzipSync(readFileSync(join(folder, path)));
    const expected = gunzipSync(readFileSync(join(cache, path)));
    assert.ok(actual.equals(expected), `${path}: the tar differs`);
  }
  const specfiles = specfilesOf(cache).map((name) => name.replace(/\.sig$/, ''));
  assert.deepEqual(specfilesOf(folder), specfiles, 'the names of the specfiles');
  for (const name of specfilesOf(cache)) {
    const actual = readFileSync(join(folder, 'build_cache', name.replace(/\.sig$/, '')), 'utf8');
    const expected = readFileSync(join(cache, 'build_cache', name), 'utf8');
    assert.equal(withoutChecksum(actual), withoutChecksum(signedText(expected)), name);
    assert.ok(actual.includes(`"buildcache_layout_version":${layout}`));
  }
}

function compareManifests(folder: string, cache: string): void {
  const manifests = manifestsOf(cache);
  assert.deepEqual(manifestsOf(folder), manifests, 'the names of the manifests');
  for (const path of manifests) {
    const [actual, expected] = [blobsOf(folder, path), blobsOf(cache, path)];
    const tar = gunzipSync(readFileSync(join(folder, actual.tarball)));
    assert.ok(
      tar.equals(gunzipSync(readFileSync(join(cache, expected.tarball)))),
      `${path}: the tar differs`,
    );
    const specfile = gunzipSync(readFileSync(join(folder, actual.spec))).toString();
    assert.equal(specfile, gunzipSync(readFileSync(join(cache, expected.spec))).toString(), path);
    const [text, expectedText] = [readFileSync(join(folder, path), 'utf8'), manifestText(cache, path)];
    assert.equal(withoutBlobs(text), withoutBlobs(expectedText), path);
  }
  const layout = 'v3/layout.json';
  assert.equal(readFileSync(join(folder, layout), 'utf8'), readFileSync(join(cache, layout), 'utf8'));
}

/** Compressed bytes differ from zlib to zlib, and so do their lengths and digests. */
function withoutBlobs(manifest: string): string {
  return manifest.replace(/"contentLength":\d+|"checksum":"[0-9a-f]{64}"/g, '…');
}

function specfilesOf(cache: string): string[] {
  return readdirSync(join(cache, 'build_cache'))
    .filter((name) => /\.spec\.json(\.sig)?$/.test(name))
    .sort();
}

/** What a clearsigned text says; the JSON in it has no lines that begin with a dash. */
function signedText(text: string): string {
  return (
    /^-----BEGIN PGP SIGNED MESSAGE-----\nHash: .*\n\n([\s\S]*)\n-----BEGIN PGP SIGNATURE-----/.exec(
      text,
    )?.[1] ?? text
  );
}

function withoutChecksum(text: string): string {
  return text.replace(/"hash":"[0-9a-f]{64}"/, '"hash":"…"');
}

// Every package of the golden stores, pushed from where it was built: the same tar as the real Spack made, byte for byte, the same
// specfile but for the checksum, under the same names.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { openMirror } from '../../src/mirror/open-mirror.js';
import { openStore } from '../../src/operations/open-store.js';
import { push } from '../../src/operations/push.js';
import type { PushLayout } from '../../src/operations/push-package.js';
import { selectEngine } from '../../src/relocation/engines/select.js';
import { lockGoldenStores } from '../helpers/golden-lock.js';
import { type GoldenStore, makeGoldenStore, removeGoldenStore, tarballsOf } from '../helpers/golden-store.js';

const fixtures = process.env.REGRAFT_FIXTURES;

interface GoldenPush {
  readonly name: string;
  readonly store: GoldenStore;
  /** What Spack pushed. */
  readonly cache: string;
  readonly layout: PushLayout;
  readonly engine: 'js' | 'wasm';
}

function goldenPushes(pack: string): GoldenPush[] {
  const newer = join(pack, '..', 'fixtures-v2v3');
  const rootOf = (store: string) => readFileSync(join(pack, 'stores', store, 'root.txt'), 'utf8').trim();
  const oldA = { root: rootOf('a'), database: join(pack, 'stores/a/index.json') };
  const oldP = { root: rootOf('p'), database: join(pack, 'stores/p/index.json') };
  const newA = { root: rootOf('a'), database: join(newer, 'stores/a/index-v7.json') };
  const newP = { root: rootOf('p'), database: join(newer, 'stores/p/index-v7.json') };
  const table: [string, typeof oldA, string, PushLayout, 'js' | 'wasm'][] = [
    [pack, oldA, 'unpadded-unsigned', 1, 'js'],
    [pack, oldP, 'padded-unsigned', 1, 'wasm'],
    [newer, newA, 'layout1-signed', 1, 'wasm'],
    [newer, newP, 'layout1-padded-signed', 1, 'js'],
    [newer, newA, 'layout2-unsigned', 2, 'wasm'],
    [newer, newP, 'layout2-padded-signed', 2, 'js'],
  ];
  return table.map(([folder, store, name, layout, engine]) => {
    const cache = join(folder, 'caches', name);
    return { name, store: { ...store, caches: [cache] }, cache, layout, engine };
  });
}

for (const golden of fixtures === undefined ? [] : goldenPushes(fixtures)) {
  describe(`push as Spack pushed ${golden.name}`, () => {
    it('the same tars, specfiles and names', async (test) => {
      const lock = await lockGoldenStores();
      const folder = mkdtempSync(join(tmpdir(), 'regraft-push-'));
      test.after(() => rmSync(folder, { recursive: true, force: true }));
      try {
        makeGoldenStore(golden.store);
        await pushAll(golden, folder);
      } finally {
        removeGoldenStore(golden.store);
        lock.release();
      }
      compareCaches(folder, golden);
    });
  });
}
it('golden pushes', { skip: fixtures === undefined && 'REGRAFT_FIXTURES is not set' }, () => {});

async function pushAll({ store: golden, cache, layout, engine }: GoldenPush, folder: string): Promise<void> {
  const store = openStore({ root: golden.root, spackPrefix: '/tmp/golden-spack', environment: {} });
  const hashes = tarballsOf(cache).map((name) => /-([a-z2-7]{32})\.spack$/.exec(name)?.[1]);
  const records = [...store.database.records().values()].filter(({ hash }) => hashes.includes(hash));
  assert.equal(records.length, hashes.length, 'the database knows every package');
  const report = await push({
    specs: records.map(({ hash }) => store.specOf(hash)),
    store,
    mirror: openMirror(folder),
    engine: selectEngine(engine, {}),
    layout,
    only: 'package',
  });
  const failures = report.packages.filter((each) => each.outcome !== 'pushed');
  assert.deepEqual(failures, []);
}

function compareCaches(folder: string, { cache, layout }: GoldenPush): void {
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

// Every package that a real Spack pushed to a registry, pushed from where it was built: the same tags, manifests, configs and tars, but for
// what compression and the clock make of them.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { openMirror } from '../../../src/mirror/open-mirror.js';
import { openStore } from '../../../src/operations/open-store.js';
import { push } from '../../../src/operations/publish/push.js';
import { selectEngine } from '../../../src/relocation/engines/select.js';
import { FakeRegistry, type FakeRepository } from '../../helpers/fake-registry.js';
import { lockGoldenStores } from '../../helpers/golden-lock.js';
import { buildinfoOf, makeGoldenStore, removeGoldenStore, tarballsOf } from '../../helpers/golden-store.js';

const fixtures = process.env.REGRAFT_FIXTURES ?? join('test', 'fixtures');
const newer = join(fixtures, '..', 'fixtures-v2v3');

interface GoldenImages {
  readonly form: string;
  /** The pack with the registry. */
  readonly pack: string;
  /** A cache of the same packages, from the same store. */
  readonly cache: string;
  readonly database: string;
  readonly layout: 1 | 3;
}

const IMAGES: readonly GoldenImages[] = [
  {
    form: 'Spack before 1.0',
    pack: fixtures,
    cache: join(fixtures, 'caches/unpadded-signed'),
    database: join(fixtures, 'stores/a/index.json'),
    layout: 1,
  },
  {
    form: 'Spack 1.x',
    pack: newer,
    cache: join(newer, 'caches/layout3-signed'),
    database: join(newer, 'stores/a/index-v8.json'),
    layout: 3,
  },
];

for (const images of IMAGES) {
  const layoutFolder = join(images.pack, 'oci', 'image-layout');
  describe(`push to a registry as ${images.form}`, {
    skip: !existsSync(layoutFolder) && 'this registry is only in the complete fixtures',
  }, () => {
    test('makes the same images', async (t) => {
      const registry = await FakeRegistry.start();
      t.after(() => registry.close());
      const expected = registry.loadImageLayout(layoutFolder, 'spack').repository('spack');
      await pushAll(images, { url: registry.url('regraft'), tags: expected.tags });
      const actual = registry.repository('regraft');
      const tags = [...expected.tags.keys()].filter(isPackage);
      assert.ok(tags.length > 5);
      for (const tag of tags) compareImages(tag, actual, expected);
    });
  });
}

function isPackage(tag: string): boolean {
  return tag.endsWith('.spack') && tag !== 'index.spack';
}

interface Place {
  readonly url: string;
  /** Of the packages to push. */
  readonly tags: ReadonlyMap<string, string>;
}

async function pushAll({ cache, database, layout }: GoldenImages, { url, tags }: Place): Promise<void> {
  const mirror = await openMirror(url, { layout, environment: {} });
  const lock = await lockGoldenStores();
  const root = buildinfoOf(join(cache, tarballsOf(cache)[0] ?? '')).buildpath;
  const golden = { root, database, caches: [cache] };
  try {
    makeGoldenStore(golden);
    const store = openStore({ root, spackPrefix: '/tmp/golden-spack', environment: {} });
    const hashes = [...tags.keys()].map((tag) => /-([a-z2-7]{32})\.spack$/.exec(tag)?.[1]);
    const records = [...store.database.records().values()].filter(({ hash }) => hashes.includes(hash));
    const report = await push({
      specs: records.map(({ hash }) => store.specOf(hash)),
      store,
      mirror,
      engine: selectEngine('wasm', {}),
      only: 'package',
    });
    assert.deepEqual(
      report.packages.filter(({ outcome }) => outcome !== 'pushed'),
      [],
    );
  } finally {
    removeGoldenStore(golden);
    lock.release();
    await mirror.cache.close?.();
  }
}

/** Layers are compared by what they are uncompressed. */
function compareImages(tag: string, actual: FakeRepository, expected: FakeRepository): void {
  const [ours, spacks] = [actual, expected].map(({ tags, manifests, blobs }) => {
    const manifest = manifests.get(tags.get(tag) ?? '')?.bytes.toString('utf8') ?? '';
    const { config, layers } = JSON.parse(manifest) as Names;
    const tars = layers.map(({ digest }) => gunzipSync(blobs.get(digest) ?? ''));
    const neutral = manifest.replace(/"digest":"sha256:[0-9a-f]{64}"|"size":\d+/g, '…');
    return { manifest: neutral, config: configText(blobs.get(config.digest)), tars };
  });
  assert.equal(ours?.manifest, spacks?.manifest, `${tag}: manifest`);
  assert.equal(ours?.config, spacks?.config, `${tag}: config`);
  assert.equal(ours?.tars.length, spacks?.tars.length);
  assert.ok(
    ours?.tars.every((tar, i) => tar.equals(spacks?.tars[i] ?? Buffer.alloc(0))),
    `${tag}: tars`,
  );
}

interface Names {
  readonly config: { readonly digest: string };
  readonly layers: readonly { readonly digest: string }[];
}

function configText(bytes: Buffer | undefined): string {
  return (bytes?.toString('utf8') ?? '')
    .replace(/("hash_algorithm":"sha256","hash":)"[0-9a-f]{64}"/, '$1…')
    .replace(/("archive_size":)\d+/, '$1…')
    .replace(/("archive_timestamp":)"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00"/, '$1…');
}

// Build caches in a bucket do what those in a folder do.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { after, before, test } from 'node:test';
import { ClassicCache } from '../../src/mirror/classic/classic-cache.js';
import { ManifestCache } from '../../src/mirror/manifest/manifest-cache.js';
import { openMirror } from '../../src/mirror/open-mirror.js';
import { NO_TRUST } from '../../src/operations/keys/trust.js';
import { parseSpecDictionary } from '../../src/spec/json/spec-json.js';
import type { ObjectStore } from '../../src/transport/object-store.js';
import { openObjectStore } from '../../src/transport/open-store.js';
import { FakeS3, type FakeS3Options } from '../helpers/fake-s3.js';
import { packPackages, sha256 } from '../helpers/packed-package.js';
import { clearsign, makeKey } from '../signature/temporary-keys.js';
import { collect, recordingRetry } from '../transport/http/recording-retry.js';
import { inStores, testBuildCache } from './build-cache-contract.js';

/** A bucket, and how folders get there. */
interface Bucket {
  readonly fake: () => FakeS3;
  /** What is in the folder when it is opened first is in the bucket from then on. */
  readonly openStore: (folder: string) => ObjectStore;
}

function bucketFor(options: FakeS3Options): Bucket {
  let fake: FakeS3;
  const opened: ObjectStore[] = [];
  const folders = new Set<string>();
  before(async () => {
    fake = await FakeS3.start(options);
  });
  after(async () => {
    await Promise.all(opened.map((store) => store.close?.()));
    await fake.close();
  });
  const openStore = (folder: string): ObjectStore => {
    const prefix = basename(folder);
    if (!folders.has(folder)) {
      for (const path of readdirSync(folder, { recursive: true }) as string[])
        if (statSync(join(folder, path)).isFile())
          fake.put(`${prefix}/${path}`, readFileSync(join(folder, path)));
      folders.add(folder);
    }
    const store = openObjectStore(`s3://bucket/${prefix}`, {
      environment: fake.environment,
      retry: recordingRetry(2),
    });
    opened.push(store);
    return store;
  };
  return { fake: () => fake, openStore };
}

const bucket = bucketFor({});
/** Says of what is not there that access is denied: it may not be listed. */
const hiding = bucketFor({ hidesAbsence: true });

for (const [where, { openStore }, canList] of [
  ['a bucket', bucket, true],
  ['a bucket that hides absence', hiding, false],
] as const) {
  for (const layoutVersion of [1, 2] as const)
    testBuildCache(`ClassicCache of layout ${layoutVersion} in ${where}`, {
      options: { kind: 'classic', layoutVersion },
      ...inStores({ open: (store) => new ClassicCache({ store, layout: layoutVersion }), openStore }),
      canList,
    });
  testBuildCache(`ManifestCache in ${where}`, {
    options: { kind: 'manifest' },
    ...inStores({ open: (store) => new ManifestCache({ store }), openStore }),
    unusableChecksum: 'metadata-invalid',
    canList,
  });
}

test('ManifestCache publishes to a bucket, and reads from it', async () => {
  const url = 's3://bucket/layout3';
  const { environment } = bucket.fake();
  const { cache } = await openMirror(url, { environment, layout: 3 });
  const packed = packPackages([{ name: 'base' }, { name: 'top', dependencies: ['base'] }], {
    withParents: true,
  });
  const key = await makeKey();
  for (const { sketch, spec, tarball, digest } of packed) {
    assert.ok(tarball && cache.publisher);
    const parsed = parseSpecDictionary(spec, sketch.name);
    const publication = await cache.publisher.begin(parsed);
    await publication.write(tarball);
    await publication.finish({
      specJson: { bytes: Buffer.from(JSON.stringify(spec)), path: 'spec.json' },
      sha256: digest,
      size: tarball.length,
      ...(sketch.name === 'top' && {
        sign: async (text: Uint8Array) => clearsign(Buffer.from(text).toString('utf8'), key),
      }),
    });
    const description = await cache.describe(parsed, sketch.name === 'top' ? 'signed' : 'unsigned', {
      trust: NO_TRUST,
    });
    assert.ok(!('absence' in description));
    assert.equal(sha256((await collect((await description.tarball.open()).body)).bytes), digest);
  }
  const again = await openMirror(url, { environment });
  assert.ok(again.cache.packages);
  let count = 0;
  for await (const _ of again.cache.packages()) count++;
  assert.equal(count, 2);
  assert.ok([...bucket.fake().objects.keys()].some((path) => path.startsWith('layout3/v3/manifests/')));
  await cache.close?.();
  await again.cache.close?.();
  assert.ok(new ManifestCache({ store: openObjectStore(url, { environment }) }).publisher !== undefined);
});

// Build caches in a tar archive do what those in a folder do; what was written is read from the finished archive.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ClassicCache } from '../../src/mirror/classic/classic-cache.js';
import { ManifestCache } from '../../src/mirror/manifest/manifest-cache.js';
import { openMirror, openMirrorIn } from '../../src/mirror/open-mirror.js';
import { NO_TRUST } from '../../src/operations/keys/trust.js';
import { parseSpecDictionary } from '../../src/spec/json/spec-json.js';
import { openArchiveForWriting, type WritableArchive } from '../../src/transport/archive/writable-archive.js';
import type { ObjectStore } from '../../src/transport/object-store.js';
import { packPackages, sha256 } from '../helpers/packed-package.js';
import { archiveTree } from '../helpers/tree-archive.js';
import { collect } from '../transport/http/recording-retry.js';
import { inStores, testBuildCache } from './build-cache-contract.js';
import { temporaryFolder } from './temporary-folder.js';

const opened = new Map<string, WritableArchive>();
const folder = temporaryFolder({ after: (...given) => after(...(given as Parameters<typeof after>)) });
after(() => Promise.all([...opened.values()].map((archive) => archive.close())));

/** What is in the folder when it is opened first is in the archive from then on. */
async function openStore(tree: string): Promise<ObjectStore> {
  const file = join(folder, `${encodeURIComponent(tree)}.tar`);
  const previous = opened.get(tree);
  if (previous === undefined) archiveTree(tree, file);
  await previous?.finish();
  const archive = await openArchiveForWriting(file);
  opened.set(tree, archive);
  return archive;
}

for (const layoutVersion of [1, 2] as const)
  testBuildCache(`ClassicCache of layout ${layoutVersion} in an archive`, {
    options: { kind: 'classic', layoutVersion },
    ...inStores({ open: (store) => new ClassicCache({ store, layout: layoutVersion }), openStore }),
  });

testBuildCache('ManifestCache in an archive', {
  options: { kind: 'manifest' },
  ...inStores({ open: (store) => new ManifestCache({ store }), openStore }),
  unusableChecksum: 'metadata-invalid',
});

for (const layout of [1, 2, 3] as const)
  test(`openMirrorIn publishes in a new archive, and openMirror reads it: layout ${layout}`, async (t) => {
    const file = join(temporaryFolder(t), 'new.tar');
    const archive = await openArchiveForWriting(file);
    t.after(() => archive.close());
    const { publisher } = (await openMirrorIn(archive, { layout })).cache;
    const [packed] = packPackages([{ name: 'base' }], { withParents: layout > 1 });
    assert.ok(packed?.tarball && publisher);
    const { spec, tarball, digest } = packed;
    const parsed = parseSpecDictionary(spec, 'base');
    const publication = await publisher.begin(parsed);
    await publication.write(tarball);
    const specJson = { bytes: Buffer.from(JSON.stringify(spec)), path: 'spec.json' };
    await publication.finish({ specJson, sha256: digest, size: tarball.length });
    await archive.finish();
    const { cache } = await openMirror(file);
    assert.equal(cache.publisher, undefined);
    const description = await cache.describe(parsed, 'unsigned', { trust: NO_TRUST });
    assert.ok(!('absence' in description));
    const { bytes } = await collect((await description.tarball.open()).body);
    assert.equal(sha256(bytes), digest);
    assert.equal(description.tarball.sha256, digest);
  });

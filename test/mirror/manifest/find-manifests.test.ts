// A push or a migration that was killed may leave nothing of layout 3 but `layout.json`: that is an empty mirror, and of layout 3.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { IndexClient } from '../../../src/mirror/index/index-client.js';
import { LAYOUT_PATH, LAYOUT_TEXT } from '../../../src/mirror/manifest/paths.js';
import { openMirror } from '../../../src/mirror/open-mirror.js';
import { requirePublisher } from '../../../src/mirror/require-publisher.js';
import { checkMirror } from '../../../src/operations/mirror/check-mirror.js';
import { pruneMirror } from '../../../src/operations/mirror/prune/prune-mirror.js';
import { checkSpecs } from '../../../src/operations/query/check.js';
import { listPackages } from '../../../src/operations/query/list.js';
import { JsEngine } from '../../../src/relocation/engines/js.js';
import { Keyring } from '../../../src/signature/keys/keyring.js';
import { buildCache } from '../../helpers/cache-builder.js';
import { pushables, pushThrough } from '../../operations/mirror/layer-3-mirror.js';
import { temporaryFolder } from '../../store/temporary-folder.js';

const [PACKAGE] = pushables(1) as [ReturnType<typeof pushables>[number]];

function withLayoutOnly(folder: string): string {
  mkdirSync(join(folder, 'v3'), { recursive: true });
  writeFileSync(join(folder, LAYOUT_PATH), LAYOUT_TEXT);
  return folder;
}

async function listed(t: TestContext, folder: string): Promise<string[]> {
  const mirrors = [await openMirror(folder, { isOnlyRead: true })];
  const { catalog } = await new IndexClient({ cacheFolder: temporaryFolder(t), mirrors }).load();
  return listPackages({ catalog, queries: [] }).map(({ node }) => node.name);
}

async function findings(t: TestContext, folder: string) {
  return checkMirror({
    mirror: await openMirror(folder),
    keyring: await Keyring.load({}),
    checkSignature: false,
    deep: true,
    engine: new JsEngine(),
    temporaryFolder: temporaryFolder(t),
  });
}

describe('a mirror with nothing but layout.json', () => {
  test('has no packages and no keys, and nothing is wrong with it', async (t) => {
    const folder = withLayoutOnly(temporaryFolder(t));
    const mirror = await openMirror(folder);
    assert.deepEqual(await listed(t, folder), []);
    assert.deepEqual(await mirror.cache.keys.list(), []);
    const { specs, mirrors } = { specs: [PACKAGE.spec], mirrors: [mirror] };
    assert.deepEqual(
      Object.values(await checkSpecs({ specs, mirrors })).map(({ rebuildSpecs }) => rebuildSpecs.length),
      [1],
    );
    assert.deepEqual((await findings(t, folder)).findings, []);
  });

  test('stays as it is when it is pruned', async (t) => {
    const folder = withLayoutOnly(temporaryFolder(t));
    const mirror = await openMirror(folder);
    const { removed, kept } = await pruneMirror({ mirror, age: 0, dryRun: false, keep: new Set(['x']) });
    assert.deepEqual([removed, kept], [[], 0]);
    assert.equal(readFileSync(join(folder, LAYOUT_PATH), 'utf8'), LAYOUT_TEXT);
  });

  test('is pushed to in layout 3, whatever new mirrors get', async (t) => {
    const folder = withLayoutOnly(temporaryFolder(t));
    const { cache } = await openMirror(folder, { newLayout: 1 });
    await pushThrough(requirePublisher(cache), PACKAGE);
    assert.ok(!existsSync(join(folder, 'build_cache')));
    const { findings: found, layers } = await findings(t, folder);
    assert.deepEqual(found, []);
    assert.equal(layers[0]?.packages, 1);
  });

  test('does not hide the older layout beside it', async (t) => {
    const folder = temporaryFolder(t);
    await buildCache(folder, [{ name: 'base' }]);
    withLayoutOnly(folder);
    assert.deepEqual(await listed(t, folder), ['base']);
    assert.deepEqual((await findings(t, folder)).findings, []);
  });
});

// Mirrors are copied into registries, between them, and out of them: signatures of packages stay what they are wherever they can.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { openMirror } from '../../../../src/mirror/open-mirror.js';
import { checkMirror } from '../../../../src/operations/mirror/check-mirror.js';
import { pruneMirror } from '../../../../src/operations/mirror/prune/prune-mirror.js';
import { selectEngine } from '../../../../src/relocation/engines/select.js';
import { Keyring } from '../../../../src/signature/keys/keyring.js';
import { FakeRegistry, type FakeRegistryOptions } from '../../../helpers/fake-registry.js';
import { runInstall } from '../../../helpers/install-run.js';
import { temporaryFolder } from '../../../store/temporary-folder.js';
import { PACKS, PUBLIC_KEY } from '../migrate-run.js';
import { findingsOf, runSync } from './sync-run.js';

const PLACE = { environment: {} };
const TAGGED = 'some/cache';
const REGISTRIES: readonly FakeRegistryOptions[] = [{}, { hasNoReferrers: true }];
let fake: FakeRegistry;
before(async () => {
  fake = await FakeRegistry.start({ pageSize: 100 });
});
after(() => fake.close());

function cacheOf(name: string): string {
  const pack = PACKS.find((each) => readdirSync(join(each, 'caches')).includes(name));
  assert.ok(pack, `${name} is among the fixtures`);
  return join(pack, 'caches', name);
}

function specfilesOf(folder: string): Map<string, string> {
  const names = readdirSync(join(folder, 'build_cache')).filter((name) => name.endsWith('.spec.json.sig'));
  return new Map(names.map((name) => [name, readFileSync(join(folder, 'build_cache', name), 'utf8')]));
}

interface Copying {
  readonly source: string;
  readonly destination: string;
  readonly layout?: 1 | 2 | 3;
}

/** Copies twice, the second time in vain. */
async function copy(t: TestContext, { source, destination, layout }: Copying) {
  const place = { ...PLACE, ...(layout && { newLayout: layout }) };
  const run = { source, destination, scratch: temporaryFolder(t), place };
  const report = await runSync(run);
  assert.deepEqual(
    report.packages
      .filter(({ outcome }) => outcome !== 'copied')
      .map(({ name, error }) => [name, error?.message]),
    [],
  );
  const again = await runSync(run);
  assert.ok(again.packages.every(({ outcome }) => outcome === 'already-there'));
  assert.equal(again.moved, 0);
  assert.deepEqual(await findingsOf(destination, run), []);
  return report;
}

async function requireInstalls(t: TestContext, reference: string): Promise<void> {
  const mirror = await openMirror(reference, { ...PLACE, isOnlyRead: true });
  t.after(() => mirror.cache.close?.());
  const { packages } = await runInstall({
    folder: temporaryFolder(t),
    queries: ['ldkit'],
    mirrors: [mirror],
    keyring: await Keyring.load({ files: [PUBLIC_KEY] }),
  });
  assert.deepEqual(
    packages.filter(({ outcome }) => outcome !== 'installed'),
    [],
  );
}

const skip = PACKS.length < 2 && 'skipped: REGRAFT_FIXTURES does not name the complete fixtures';

describe('syncMirror with registries', { skip }, () => {
  test('carries what was signed from a folder to registries and back, as it is', async (t) => {
    const source = cacheOf('layout2-signed');
    const [first, second] = [fake.url('first/copy'), fake.url('second/copy')];
    const report = await copy(t, { source, destination: first });
    assert.ok(report.packages.every(({ anew }) => anew?.isSigned && anew.keepsSignature));
    await copy(t, { source: first, destination: second });
    const [one, other] = [fake.repository('first/copy'), fake.repository('second/copy')];
    for (const [tag, digest] of one.tags)
      if (!tag.startsWith('index')) assert.equal(other.tags.get(tag), digest, tag);
    await requireInstalls(t, second);
    const folder = temporaryFolder(t);
    await copy(t, { source: second, destination: folder });
    assert.deepEqual(specfilesOf(folder), specfilesOf(source));
    await requireInstalls(t, folder);
  });

  for (const options of REGISTRIES)
    test(`signs anew what layout 3 has signed otherwise; ${JSON.stringify(options)}`, async (t) => {
      const registry = await FakeRegistry.start({ pageSize: 100, ...options });
      t.after(() => registry.close());
      const destination = registry.url(TAGGED);
      const source = cacheOf('layout3-signed');
      const report = await copy(t, { source, destination, layout: 3 });
      assert.ok(report.packages.every(({ anew }) => anew?.isSigned === true));
      await requireInstalls(t, destination);
      // Whoever knows nothing of signatures looks at these alone.
      const packages = [...registry.repository(TAGGED).tags.keys()].filter((tag) => tag.endsWith('.spack'));
      assert.equal(packages.length, report.packages.length + 1);
    });

  for (const options of REGISTRIES)
    test(`packages that are not kept are pruned, with their signatures; ${JSON.stringify(options)}`, async (t) => {
      const fake = await FakeRegistry.start({ pageSize: 100, ...options });
      t.after(() => fake.close());
      const destination = fake.url('pruned/cache');
      await copy(t, { source: cacheOf('layout2-signed'), destination });
      const mirror = await openMirror(destination, PLACE);
      t.after(() => mirror.cache.close?.());
      const { manifests, tags } = fake.repository('pruned/cache');
      const before = manifests.size;
      const hash = /-([a-z2-7]{32})\.spack$/.exec(
        [...tags.keys()].find((tag) => tag.startsWith('ldkit')) ?? '',
      )?.[1];
      const keep = new Set([...tags.keys()].flatMap((tag) => /-([a-z2-7]{32})\.spack$/.exec(tag)?.[1] ?? []));
      keep.delete(hash ?? '');
      const report = await pruneMirror({ mirror, keep, age: 0, dryRun: false });
      assert.deepEqual(
        report.removed.map(({ reason, hash: gone }) => [reason, gone]),
        [['not-kept', hash]],
      );
      assert.equal(report.indexes.length, 1);
      assert.ok(![...tags.keys()].some((tag) => tag.startsWith('ldkit')));
      // The old index is a manifest without a tag from now on; a list of signatures goes with its package.
      assert.equal(manifests.size, before - (options.hasNoReferrers ? 3 : 2) + 1);
      const { findings } = await checkMirror({
        mirror,
        keyring: await Keyring.load({ files: [PUBLIC_KEY] }),
        checkSignature: true,
        deep: false,
        engine: selectEngine('js', {}).engine,
        temporaryFolder: temporaryFolder(t),
      });
      assert.deepEqual(findings, []);
    });
});

// Pruning: what is named by an index, a manifest or the keep list is there afterwards, whatever the mirror was like and whoever else works.
import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { parsePackageIndex } from '../../../../src/buildcache/index/package-index.js';
import { openMirror } from '../../../../src/mirror/open-mirror.js';
import { parseKeepList } from '../../../../src/operations/mirror/prune/keep-list.js';
import { type PruneRequest, pruneMirror } from '../../../../src/operations/mirror/prune/prune-mirror.js';
import { SeededRandom } from '../../../helpers/seeded-random.js';
import { layer3Mirror, pushables, pushInto } from '../layer-3-mirror.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

async function prune(folder: string, changes: Partial<PruneRequest> = {}) {
  const mirror = await openMirror(folder, { layout: 3 });
  return pruneMirror({ mirror, age: DAY, dryRun: false, ...changes });
}

function filesOf(folder: string): string[] {
  const paths = readdirSync(folder, { recursive: true }) as string[];
  return paths.filter((path) => statSync(join(folder, path)).isFile()).sort();
}

function makeOld(folder: string, days = 2): void {
  const then = (Date.now() - days * DAY) / 1000;
  for (const path of filesOf(folder)) utimesSync(join(folder, path), then, then);
}

const blobOf = (digest: string) => `blobs/sha256/${digest.slice(0, 2)}/${digest}`;
const isManifest = (path: string) => path.startsWith('v3/manifests/');

function digestsIn(folder: string, path: string): string[] {
  return readFileSync(join(folder, path), 'latin1').match(/\b[0-9a-f]{64}\b/g) ?? [];
}

/** What the indexes of a mirror offer. */
function offered(folder: string): string[] {
  const indexes = filesOf(folder).filter((path) => path.startsWith('v3/manifests/index/'));
  return indexes.flatMap((path) => {
    const bytes = readFileSync(join(folder, blobOf(digestsIn(folder, path)[0] ?? '')));
    return [...parsePackageIndex(bytes, path).offeredHashes()];
  });
}

function orphan(folder: string, seed: number, days: number): string {
  const digest = seed.toString(16).padStart(64, '0');
  const path = join(folder, blobOf(digest));
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `orphan ${seed}`);
  const then = (Date.now() - days * DAY) / 1000;
  utimesSync(path, then, then);
  return path;
}

describe('pruneMirror', () => {
  test('removes old orphans, leaves young ones, and tells of them in a dry run', async (t) => {
    const { folder } = await layer3Mirror(t, { packages: 2 });
    makeOld(folder);
    const old = orphan(folder, 1, 2);
    const young = orphan(folder, 2, 0.5);
    const before = filesOf(folder);
    const dry = await prune(folder, { dryRun: true });
    assert.deepEqual(filesOf(folder), before);
    assert.equal(dry.bytes, statSync(old).size);
    const { removed } = await prune(folder);
    assert.deepEqual(removed, dry.removed);
    assert.deepEqual(
      removed.map(({ location }) => location),
      [old],
    );
    assert.ok(existsSync(young));
  });

  test('keeps what a list names, and takes the others out of the index first', async (t) => {
    const { folder, specs, manifest } = await layer3Mirror(t, { packages: 3 });
    makeOld(folder);
    const keep = new Set([...(specs[1]?.nodes.keys() ?? [])]);
    const { removed, indexes, kept } = await prune(folder, { keep });
    assert.equal(kept, 2);
    assert.ok(!existsSync(manifest(2)) && existsSync(manifest(0)) && existsSync(manifest(1)));
    assert.deepEqual(indexes[0]?.hashes, [specs[2]?.root.hash]);
    assert.equal(removed.filter(({ reason }) => reason === 'not-kept').length, 1);
    assert.deepEqual(offered(folder).sort(), [...keep].sort());
  });

  test('with an option it leaves the index, and reports it', async (t) => {
    const { folder, specs } = await layer3Mirror(t, { packages: 2 });
    makeOld(folder);
    const keep = new Set<string>([specs[0]?.root.hash ?? '']);
    const { indexes } = await prune(folder, { keep, keepIndexes: true });
    assert.equal(indexes[0]?.outcome, 'left');
    assert.equal(offered(folder).length, 2);
  });

  test('whatever the mirror, what an index, a manifest or the keep list names is there afterwards', async (t) => {
    for (let seed = 1; seed <= Number(process.env.REGRAFT_ROUNDS ?? 12); seed++) {
      const random = new SeededRandom(seed);
      const place = await layer3Mirror(t, { packages: random.between(2, 5), index: random.below(4) > 0 });
      const { folder, specs } = place;
      makeOld(folder, random.between(1, 5));
      for (let i = 0; i < 4; i++) orphan(folder, seed * 10 + i, random.between(0, 4));
      for (const number of specs.keys()) {
        const chance = random.below(8);
        if (chance === 0) rmSync(place.tarball(number));
        else if (chance === 1) rmSync(place.manifest(number));
        else if (chance === 2) utimesSync(place.manifest(number), Date.now() / 1000, Date.now() / 1000);
        else if (chance === 3)
          writeFileSync(
            place.manifest(number),
            readFileSync(place.manifest(number), 'latin1').replace('"version":3', '"version":4'),
          );
      }
      const hashes = specs.map(({ root }) => root.hash as string);
      const keep = random.below(2) === 0 ? undefined : new Set(hashes.filter(() => random.below(2) === 0));
      const before = new Set(filesOf(folder));
      await prune(folder, { keep, age: random.between(0, 3) * DAY });
      const after = new Set(filesOf(folder));
      for (const path of [...after].filter(isManifest))
        for (const digest of digestsIn(folder, path))
          assert.ok(
            after.has(blobOf(digest)) || !before.has(blobOf(digest)),
            `seed ${seed}: ${path} names ${digest}`,
          );
      const isThere = (hash: string, files: ReadonlySet<string>) =>
        [...files].some((path) => path.endsWith(`-${hash}.spec.manifest.json`));
      for (const hash of keep ?? [])
        assert.equal(isThere(hash, after), isThere(hash, before), `seed ${seed}: ${hash}`);
      for (const hash of offered(folder))
        assert.ok(isThere(hash, after) || !isThere(hash, before), `seed ${seed}: the index offers ${hash}`);
      const again = await prune(folder, { keep, age: 3 * DAY });
      assert.ok(
        again.removed.every(
          ({ reason }) => reason === 'unreferenced' || reason === 'incomplete' || reason === 'not-kept',
        ),
      );
    }
  });

  test('two prunes and a push at once lose nothing', async (t) => {
    const { folder, specs } = await layer3Mirror(t, { packages: 2 });
    makeOld(folder);
    for (let i = 0; i < 70; i++) orphan(folder, i, 2);
    const keep = new Set<string>(specs.map(({ root }) => root.hash));
    const all = pushables(6);
    const push = async () => {
      for (const each of all.slice(2)) await pushInto(folder, each);
    };
    await Promise.all([prune(folder, { keep }), push(), prune(folder, { keep })]);
    const files = new Set(filesOf(folder));
    const manifests = [...files].filter((path) => path.startsWith('v3/manifests/spec/'));
    assert.equal(manifests.length, 6);
    for (const path of manifests)
      for (const digest of digestsIn(folder, path))
        assert.ok(files.has(blobOf(digest)), `${path} names ${digest}`);
    assert.equal([...files].filter((path) => path.includes('/0000')).length, 0);
  });
});

test('parseKeepList reads hashes, and refuses what is none', () => {
  const hash = 'p44kte6c76fsdhtkrps6qwouhqwa22eb';
  assert.deepEqual([...parseKeepList(Buffer.from(`# mine\n/${hash}\n\n`), 'list')], [hash]);
  assert.throws(() => parseKeepList(Buffer.from('p44kte6\n'), 'list'), /not a whole hash/);
});

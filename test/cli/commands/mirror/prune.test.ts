import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { runHere } from '../../../helpers/program-run.js';
import { checkCode, publishPlace } from '../../../helpers/publish-place.js';
import { layer3Mirror } from '../../../operations/mirror/layer-3-mirror.js';

interface Removed {
  readonly reason: string;
  readonly location: string;
  readonly bytes: number;
}

async function place(test: TestContext) {
  const mirror = await layer3Mirror(test, { packages: 3 });
  const folder = dirname(mirror.folder);
  const run = (...args: readonly string[]) => runHere(args, { folder });
  const prune = (...args: readonly string[]) => run('mirror', 'prune', mirror.folder, ...args);
  const keep = join(folder, 'keep.txt');
  writeFileSync(keep, `# what is needed\n/${mirror.specs[0]?.root.hash}\n${mirror.specs[1]?.root.hash}\n`);
  const files = () => (readdirSync(mirror.folder, { recursive: true }) as string[]).sort();
  return { mirror, folder, run, prune, keep, files };
}

describe('regraft mirror prune', () => {
  it('lists and sums what it would remove, and removes nothing', async (test) => {
    const { mirror, prune, keep, files } = await place(test);
    const before = files();
    const { out, err, exitCode } = await prune('--keep', keep, '--age', '0', '--dry-run');
    assert.deepEqual([err, exitCode], ['', 0]);
    assert.match(out, /^not kept .* .*p2-1\.0-.*\.spec\.manifest\.json$/m);
    assert.match(out, /^index rewritten, without 1 package that would be removed: /m);
    assert.match(out, /^would remove 3 files of .*, kept 2 packages, in .*, at file:.*mirror$/m);
    assert.deepEqual(files(), before);
    const { removed, milliseconds, indexes, ...report } = JSON.parse(
      (await prune('--keep', keep, '--age', '0', '--dry-run', '--json')).out,
    );
    assert.deepEqual(files(), before);
    const doomed = [mirror.manifest(2), mirror.tarball(2), mirror.specBlob(2)];
    assert.deepEqual(removed.map(({ location }: Removed) => location).sort(), doomed.sort());
    assert.ok(removed.every(({ location, bytes }: Removed) => bytes === statSync(location).size));
    const bytes = doomed.reduce((sum, path) => sum + statSync(path).size, 0);
    assert.deepEqual(report, { mirror: `file://${mirror.folder}`, dryRun: true, bytes, kept: 2 });
    assert.equal(typeof milliseconds, 'number');
    assert.deepEqual(indexes, [
      {
        location: join(mirror.folder, 'v3/manifests/index/index.manifest.json'),
        hashes: [mirror.specs[2]?.root.hash],
        outcome: 'rewritten',
      },
    ]);
  });

  it('removes what a dry run told, and leaves a good mirror', async (test) => {
    const { mirror, prune, keep, run } = await place(test);
    const doomed = [mirror.manifest(2), mirror.tarball(2), mirror.specBlob(2)];
    const { out, exitCode } = await prune('--keep', keep, '--age', '0', '--json');
    assert.equal(exitCode, 0);
    const { dryRun, removed, kept } = JSON.parse(out);
    assert.deepEqual([dryRun, kept], [false, 2]);
    const gone = new Set(removed.map(({ location }: Removed) => location));
    assert.ok(doomed.every((path) => gone.has(path)));
    const checked = await run('mirror', 'check', mirror.folder, '--deep', '--no-check-signature');
    assert.equal(checked.exitCode, 0, checked.out);
    const listed = JSON.parse((await run('list', '--json', '-m', mirror.folder)).out);
    assert.deepEqual(
      listed.packages.map(({ name }: { name: string }) => name),
      ['p0', 'p1'],
    );
  });

  it('takes packages out of views, or leaves those and says so', async (test) => {
    const { mirror, prune, keep, run } = await place(test);
    await run('index', mirror.folder, '--view', 'all');
    const manifest = join(mirror.folder, 'v3/manifests/index/all/index.manifest.json');
    const view = readFileSync(manifest, 'utf8');
    const left = await prune('--keep', keep, '--age', '0', '--keep-indexes');
    assert.match(left.out, /^index left, with 1 package that are removed: .*\/all\/index\.manifest\.json$/m);
    assert.equal(readFileSync(manifest, 'utf8'), view);
    const other = await place(test);
    await other.run('index', other.mirror.folder, '--view', 'all');
    await other.prune('--keep', other.keep, '--age', '0');
    const listed = await other.run('list', '--json', '-m', other.mirror.folder, '--view', 'all');
    assert.equal(JSON.parse(listed.out).packages.length, 2);
  });

  it('leaves alone what is younger than a push may take', async (test) => {
    const { mirror, prune, files } = await place(test);
    rmSync(mirror.tarball(2));
    const before = files();
    const { removed, kept } = JSON.parse((await prune('--json')).out);
    assert.deepEqual([removed, kept], [[], 3]);
    assert.deepEqual(files(), before);
    const incomplete = JSON.parse((await prune('--json', '--age', '0')).out);
    assert.equal(incomplete.kept, 2);
    assert.equal(incomplete.removed[0].reason, 'incomplete');
    const young = JSON.parse((await prune('--json', '--age', '0', '--keep-younger-than', '1')).out);
    assert.equal(young.kept, 2);
  });

  it('refuses to remove everything, and places that it cannot prune', async (test) => {
    const { folder, prune, run, files } = await place(test);
    const before = files();
    const empty = join(folder, 'empty.txt');
    writeFileSync(empty, '# nothing\n');
    const wrong = join(folder, 'wrong.txt');
    writeFileSync(wrong, 'p0@1.0\n');
    checkCode(await prune('--keep', empty), 2, 'usage');
    checkCode(await prune('--keep', wrong), 1, 'metadata-invalid');
    checkCode(await prune('--keep', join(folder, 'absent')), 2, 'usage');
    assert.equal((await prune('--age', 'young')).exitCode, 2);
    assert.deepEqual(files(), before);
    const { cache } = await publishPlace(test);
    checkCode(await run('mirror', 'prune', cache.folder, '--age', '0'), 2, 'usage');
    checkCode(await run('mirror', 'prune', 'http://127.0.0.1:1/'), 1, 'mirror-read-only');
  });
});

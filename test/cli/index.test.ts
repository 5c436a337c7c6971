import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { type ProgramResult, runHere } from '../helpers/program-run.js';
import { checkCode, publishPlace } from '../helpers/publish-place.js';
import { layer3Mirror } from '../operations/mirror/layer-3-mirror.js';

describe('regraft index', () => {
  it('writes the index, and says what is in it', async (test) => {
    const { cache, run } = await publishPlace(test);
    const file = join(cache.folder, 'build_cache/index.json');
    rmSync(file);
    const { out, err, exitCode } = await run('index', cache.folder, '--keys');
    assert.deepEqual([err, exitCode], ['', 0]);
    assert.match(out, /^indexed 2 packages, 0 keys, .* at file:\/\/.*mirror\n$/);
    assert.equal(Object.keys(JSON.parse(readFileSync(file, 'utf8')).database.installs).length, 2);
    const listed = await run('list', '--json', '--mirror', cache.folder);
    assert.deepEqual(
      JSON.parse(listed.out).packages.map((each: { name: string }) => each.name),
      ['base', 'top'],
    );
  });

  it('warns of a specfile that it cannot read, and fails where it cannot write', async (test) => {
    const { folder, cache, run } = await publishPlace(test);
    writeFileSync(join(cache.folder, 'build_cache/broken-aaa.spec.json'), '{');
    const { out, err, exitCode } = await run('index', cache.folder);
    assert.equal(exitCode, 0);
    assert.match(err, /^warning: Left out: Cannot read ".*broken-aaa\.spec\.json": it is not JSON\n$/);
    assert.match(out, /2 packages, 1 specfile left out/);
    const report = JSON.parse((await run('index', cache.folder, '--json')).out);
    assert.deepEqual(
      [report.packages, report.unreadable.length, report.unreadable[0].error.code],
      [2, 1, 'metadata-syntax'],
    );
    checkCode(await run('index', 'http://127.0.0.1:1/'), 1, 'mirror-read-only');
    checkCode(await run('index', join(folder, 'absent')), 1, 'mirror-unreachable');
  });

  it('writes views: new ones, more in them, others in their place', async (test) => {
    const { folder, specs, run } = await viewPlace(test);
    const names = async (view: string) =>
      JSON.parse((await run('list', '--json', '-m', folder, '--view', view)).out).packages.map(
        (each: { name: string }) => each.name,
      );
    const made = await run('index', folder, '--view', 'team/tools', 'p1', '--keys');
    assert.deepEqual([made.err, made.exitCode], ['', 0]);
    assert.match(made.out, /^indexed 2 packages in the view "team\/tools", 0 keys, .* at file:.*mirror\n$/);
    checkCode(await run('index', folder, '--view', 'team/tools', 'p0'), 2, 'view-exists');
    assert.deepEqual(await names('team/tools'), ['p0', 'p1']);
    await run('index', folder, '--view', 'team/tools', '--append', `/${specs[2]?.root.hash}`);
    assert.deepEqual(await names('team/tools'), ['p0', 'p1', 'p2']);
    const replaced = await run('index', folder, '--json', '--view', 'team/tools', '--force', 'p0');
    const { view, packages, indexes, unreadable } = JSON.parse(replaced.out);
    assert.deepEqual([view, packages, indexes.length, unreadable], ['team/tools', 1, 1, []]);
    assert.deepEqual(await names('team/tools'), ['p0']);
  });

  it('writes the view of a configured mirror', async (test) => {
    const { folder, home, run } = await viewPlace(test);
    const file = join(home, 'config/regraft/mirrors.yaml');
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `mirrors:\n  tools:\n    url: ${folder}\n    view: tools\n`);
    const index = readFileSync(join(folder, 'v3/manifests/index/index.manifest.json'), 'utf8');
    assert.match((await run('index', 'tools', 'p0')).out, /^indexed 1 package in the view "tools"/);
    assert.match(
      (await run('index', 'tools', '--view', 'other')).out,
      /^indexed 3 packages in the view "other"/,
    );
    assert.match((await run('list', '-m', 'tools')).out, /^p0@1\.0$/m);
    assert.doesNotMatch((await run('list', '-m', 'tools')).out, /^p1@/m);
    assert.equal(readFileSync(join(folder, 'v3/manifests/index/index.manifest.json'), 'utf8'), index);
  });

  it('refuses views that cannot be, and writes nothing', async (test) => {
    const { folder, run } = await viewPlace(test);
    const { cache } = await publishPlace(test);
    for (const [args, exitCode, code] of [
      [[folder, '--view', 'v', 'p0', 'absent'], 3, 'spec-not-found'],
      [[folder, '--view', '../v', 'p0'], 2, 'usage'],
      [[folder, '--view', '/v', 'p0'], 2, 'usage'],
      [[folder, '--view', 'a//v', 'p0'], 2, 'usage'],
      [[folder, '--view', 'v', '--append', '--force', 'p0'], 2, 'usage'],
      [[folder, 'p0'], 2, 'usage'],
      [[folder, '--force'], 2, 'usage'],
      [[cache.folder, '--view', 'v'], 2, 'usage'],
      [[folder, '--view', 'v', '%%%'], 2, 'spec-syntax'],
    ] as const)
      checkCode(await run('index', ...args), exitCode, code);
    const written = readdirSync(join(folder, 'v3/manifests/index'), { recursive: true });
    assert.deepEqual(written, ['index.manifest.json']);
    assert.ok(!existsSync(join(cache.folder, 'v3')));
  });
});

/** A mirror of layout 3 with three packages in a row. */
async function viewPlace(test: TestContext) {
  const { folder, specs } = await layer3Mirror(test, { packages: 3 });
  const home = dirname(folder);
  const run = (...args: readonly string[]): Promise<ProgramResult> => runHere(args, { folder: home });
  return { folder, specs, home, run };
}

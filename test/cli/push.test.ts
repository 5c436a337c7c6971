import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { EXIT } from '../../src/cli/exit-code.js';
import { type ProgramResult, runHere } from '../helpers/program-run.js';
import { makeSmallStore, type SmallStore } from '../helpers/small-store.js';
import { hashOf } from '../store/spec-builder.js';

const GRAPH = {
  app: { dependencies: ['zlib', 'maker:build', 'lost:build'] },
  zlib: { files: { 'share/x': 'text' } },
  maker: {},
  lost: { installed: false },
};

function run(store: SmallStore, ...args: readonly string[]): Promise<ProgramResult> {
  return runHere(['push', ...args, '--root', store.root], {
    folder: store.folder,
    environment: { REGRAFT_ENGINE: 'js' },
  });
}

function tarballs(folder: string): string[] {
  const names = existsSync(folder) ? (readdirSync(folder, { recursive: true }) as string[]) : [];
  return names
    .filter((name) => name.endsWith('.spack'))
    .map((name) => /-12\.2\.0-(\w+)-1\.0-/.exec(name)?.[1] ?? name)
    .sort();
}

test('regraft push pushes unsigned, and sums up', async (context) => {
  const store = makeSmallStore(context, GRAPH);
  const mirror = join(store.folder, 'mirror');
  const first = await run(store, 'app', '--mirror', mirror, '--unsigned');
  assert.deepEqual([first.exitCode, first.err], [EXIT.done, '']);
  assert.match(first.out, /^pushed {8}zlib@1\.0\/zlibaaa {2}.* unsigned$/m);
  assert.match(first.out, /^2 pushed, in .*, to file:.*\/mirror$/m);
  assert.deepEqual(tarballs(mirror), ['app', 'zlib']);
  const second = await run(store, 'app', '--mirror', mirror, '--unsigned', '--with-build-dependencies');
  assert.equal(second.exitCode, EXIT.done);
  assert.match(second.out, /^already there zlib@1\.0/m);
  assert.match(second.out, /^1 pushed, 2 already there \(push them again with --force\), in /m);
  assert.deepEqual(tarballs(mirror), ['app', 'maker', 'zlib']);
  const forced = await run(
    store,
    'app',
    '--mirror',
    mirror,
    '--unsigned',
    '--force',
    '--only',
    'dependencies',
  );
  assert.match(forced.out, /^1 pushed, in /m);
});

test('regraft push passes its options on', async (context) => {
  const store = makeSmallStore(context, GRAPH);
  const mirror = join(store.folder, 'mirror');
  const args = [
    '--mirror',
    mirror,
    '--unsigned',
    '--layout',
    '2',
    '--level',
    '1',
    '--jobs',
    '1',
    '--only',
    'package',
  ];
  const { exitCode, out } = await run(
    store,
    `/${hashOf('zlib').slice(0, 7)}`,
    ...args,
    '--spack-prefix',
    '/my/spack',
    '--json',
  );
  assert.equal(exitCode, EXIT.done);
  const report = JSON.parse(out) as {
    packages: { name: string; outcome: string; details: { sha256: string } }[];
  };
  assert.deepEqual(
    report.packages.map(({ name, outcome }) => [name, outcome]),
    [['zlib', 'pushed']],
  );
  assert.match(report.packages[0]?.details.sha256 ?? '', /^[0-9a-f]{64}$/);
  const [specfile = ''] = readdirSync(join(mirror, 'build_cache')).filter((name) =>
    name.endsWith('.spec.json'),
  );
  assert.match(readFileSync(join(mirror, 'build_cache', specfile), 'utf8'), /"buildcache_layout_version":2/);
});

test('regraft push tells each failure, and ends with 1', async (context) => {
  const store = makeSmallStore(context, GRAPH);
  rmSync(join(store.prefixOf('zlib'), '.spack', 'spec.json'));
  const mirror = join(store.folder, 'mirror');
  const { exitCode, out, err } = await run(store, 'app', '--mirror', mirror, '--unsigned');
  assert.equal(exitCode, EXIT.failed);
  assert.match(out, /^failed {8}zlib@1\.0/m);
  assert.match(out, /^1 pushed, 1 failed, in /m);
  assert.match(
    err,
    /^error: Cannot read ".*spec\.json": it no longer exists\n {2}hint: .*\n {2}code: prefix-changed$/m,
  );
  const fast = await run(
    store,
    'app',
    '--mirror',
    join(store.folder, 'm2'),
    '--unsigned',
    '--fail-fast',
    '--jobs',
    '1',
  );
  assert.equal(fast.exitCode, EXIT.failed);
  assert.match(fast.out, /^0 pushed, 1 failed, 1 skipped, in /m);
});

test('regraft push names what cannot be pushed', async (context) => {
  const store = makeSmallStore(context, GRAPH);
  const mirror = join(store.folder, 'mirror');
  const table: readonly (readonly [readonly string[], number, RegExp])[] = [
    [
      ['app', 'lost', '--mirror', mirror, '--unsigned'],
      EXIT.notFound,
      /not installed:\n {2}lost@1\.0.*\n[\s\S]*code: not-installed/,
    ],
    [['nothing', '--mirror', mirror, '--unsigned'], EXIT.notFound, /code: spec-not-found/],
    [['app', '--mirror', 'https://localhost/x', '--unsigned'], EXIT.failed, /code: mirror-read-only/],
    [['app', '--mirror', 'ftp://localhost/x', '--unsigned'], EXIT.usage, /code: mirror-protocol/],
    [['app', '--mirror', mirror, '--unsigned', '--level', '10'], EXIT.usage, /--level/],
    [['app', '--mirror', mirror, '--unsigned', '--layout', '4'], EXIT.usage, /--layout/],
    [['app', '--mirror', mirror, '--unsigned', '--jobs', '0'], EXIT.usage, /--jobs/],
    [['app', '--mirror', mirror, '--unsigned', '--key', 'x'], EXIT.usage, /--key with --unsigned/],
    [['app', '--unsigned'], EXIT.usage, /--mirror/],
    [['--mirror', mirror, '--unsigned'], EXIT.usage, /missing required argument/],
    [['not-a-mirror-name', '--mirror', 'misspelled', '--unsigned'], EXIT.usage, /code: unknown-mirror/],
  ];
  for (const [args, exitCode, message] of table) {
    const result = await run(store, ...args);
    assert.match(result.err, message, args.join(' '));
    assert.equal(result.exitCode, exitCode, args.join(' '));
  }
  assert.deepEqual(tarballs(mirror), []);
});

test('regraft push without a key does not publish unsigned packages by itself', async (context) => {
  const store = makeSmallStore(context, GRAPH);
  const mirror = join(store.folder, 'mirror');
  const { exitCode, err } = await run(store, 'app', '--mirror', mirror);
  assert.notEqual(exitCode, EXIT.done);
  assert.match(err, /--unsigned/);
  assert.deepEqual(tarballs(mirror), []);
});

test('regraft push uses the place that a configured mirror has for it', async (context) => {
  const store = makeSmallStore(context, GRAPH);
  const config = join(store.folder, 'config', 'regraft');
  mkdirSync(config, { recursive: true });
  const target = join(store.folder, 'pushed');
  const mirrors = { ours: { fetch: 'https://localhost/x', push: target, signed: false } };
  writeFileSync(join(config, 'mirrors.yaml'), JSON.stringify({ mirrors }));
  const { exitCode, err } = await run(store, 'zlib', '--mirror', 'ours');
  assert.deepEqual([exitCode, err], [EXIT.done, '']);
  assert.deepEqual(tarballs(target), ['zlib']);
});

test('regraft push takes specfiles and lockfiles for names', async (context) => {
  const store = makeSmallStore(context, GRAPH);
  const mirror = join(store.folder, 'mirror');
  const specfile = join(store.prefixOf('zlib'), '.spack', 'spec.json');
  assert.equal((await run(store, specfile, '--mirror', mirror, '--unsigned')).exitCode, EXIT.done);
  assert.deepEqual(tarballs(mirror), ['zlib']);
  const missing = await run(store, join(store.folder, 'none.spec.json'), '--mirror', mirror, '--unsigned');
  assert.equal(missing.exitCode, EXIT.usage);
});

test('regraft push writes the index where that is wanted', async (context) => {
  const store = makeSmallStore(context, GRAPH);
  const mirror = join(store.folder, 'mirror');
  const { exitCode } = await run(store, 'app', '--mirror', mirror, '--unsigned', '--update-index');
  assert.equal(exitCode, EXIT.done);
  const index = JSON.parse(readFileSync(join(mirror, 'build_cache', 'index.json'), 'utf8')) as {
    database: { installs: Record<string, unknown> };
  };
  assert.deepEqual(
    Object.keys(index.database.installs).sort(),
    ['app', 'lost', 'maker', 'zlib'].map(hashOf).sort(),
  );
});

test('regraft push adds what it pushed to a view, and to that of a configured mirror', async (context) => {
  const store = makeSmallStore(context, GRAPH);
  const mirror = join(store.folder, 'mirror');
  const inView = async (view: string) => {
    const args = ['list', '--json', '--mirror', mirror, '--view', view];
    const { out } = await runHere(args, { folder: store.folder });
    return (JSON.parse(out) as { packages: { name: string }[] }).packages.map(({ name }) => name);
  };
  const push = (...args: readonly string[]) => run(store, ...args, '--unsigned', '--update-index');
  assert.equal((await push('maker', '--mirror', mirror, '--view', 'team/a')).exitCode, EXIT.done);
  assert.deepEqual(await inView('team/a'), ['maker']);
  assert.equal((await push('app', '--mirror', mirror, '--view', 'team/a')).exitCode, EXIT.done);
  assert.deepEqual(await inView('team/a'), ['app', 'maker', 'zlib']);
  const config = join(store.folder, 'config', 'regraft');
  mkdirSync(config, { recursive: true });
  writeFileSync(
    join(config, 'mirrors.yaml'),
    JSON.stringify({ mirrors: { ours: { url: mirror, view: 'b' } } }),
  );
  const again = await push('zlib', '--mirror', 'ours');
  assert.match(again.out, /^already there zlib@1\.0/m);
  assert.deepEqual(await inView('b'), ['zlib']);
  assert.ok(!existsSync(join(mirror, 'v3/manifests/index/index.manifest.json')));
});

test('regraft push refuses views that nothing would be added to', async (context) => {
  const store = makeSmallStore(context, GRAPH);
  const mirror = join(store.folder, 'mirror');
  await run(store, 'zlib', '--mirror', mirror, '--unsigned');
  for (const args of [
    ['--view', 'a'],
    ['--view', 'a', '--update-index'],
    ['--view', 'a', '--update-index', '--layout', '2'],
    ['--view', '..', '--update-index', '--layout', '3'],
  ]) {
    const { err, exitCode } = await run(store, 'maker', '--mirror', mirror, '--unsigned', ...args);
    assert.match(err, /code: usage\n$/, args.join(' '));
    assert.equal(exitCode, EXIT.usage);
  }
  assert.deepEqual(tarballs(mirror), ['zlib']);
  assert.ok(!existsSync(join(mirror, 'v3')));
});

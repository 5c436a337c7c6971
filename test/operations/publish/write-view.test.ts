// Views: which packages get in, and what becomes of a view that is there.
import assert from 'node:assert/strict';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { BuildcacheError } from '../../../src/core/errors.js';
import type { ListedPackage, Mirror } from '../../../src/mirror/build-cache.js';
import { IndexClient } from '../../../src/mirror/index/index-client.js';
import { openMirror } from '../../../src/mirror/open-mirror.js';
import { selectPackages } from '../../../src/operations/publish/select-packages.js';
import { type ViewMode, writeView } from '../../../src/operations/publish/write-view.js';
import { buildCache } from '../../helpers/cache-builder.js';
import { temporaryFolder } from '../../store/temporary-folder.js';
import { layer3Mirror, pushables, pushInto } from '../mirror/layer-3-mirror.js';

const FIXTURES = process.env.REGRAFT_FIXTURES;
const readFile = () => Promise.reject(new TypeError('No file is named'));

async function place(t: TestContext, packages = 3) {
  const mirror = await layer3Mirror(t, { packages });
  const open = (view = 'small') => openMirror(mirror.folder, { view });
  const write = async (mode: ViewMode, queries: readonly string[], opened?: Mirror) => {
    const target = opened ?? (await open());
    const { packages: chosen } = await selectPackages({ mirror: target, queries, readFile });
    return writeView({ mirror: target, packages: chosen, mode });
  };
  const names = async (view?: string) => {
    const client = new IndexClient({ cacheFolder: temporaryFolder(t), mirrors: [await open(view)] });
    return [...(await client.load()).catalog.entries()].map(({ name }) => name).sort();
  };
  const manifest = () => join(mirror.folder, 'v3/manifests/index/small/index.manifest.json');
  return { mirror, open, write, names, manifest };
}

function withCode(code: string, message = /./) {
  return (error: BuildcacheError) => error.code === code && message.test(error.message);
}

test('selectPackages takes what is needed along, and names everything that is missing', async (t) => {
  const { mirror, open } = await place(t);
  const choose = async (...queries: string[]) => {
    const { packages } = await selectPackages({ mirror: await open(), queries, readFile });
    return packages.map(({ hash }) => mirror.specs.findIndex(({ root }) => root.hash === hash)).sort();
  };
  const hash = mirror.specs[1]?.root.hash ?? '';
  for (const [queries, numbers] of [
    [['p0'], [0]],
    [['p1'], [0, 1]],
    [[`/${hash}`], [0, 1]],
    [
      [`/${hash.slice(0, 9)}`, 'p2@1.0'],
      [0, 1, 2],
    ],
    [['@1.0'], [0, 1, 2]],
    [[], [0, 1, 2]],
  ] as const)
    assert.deepEqual(await choose(...queries), numbers, queries.join(' '));
  const missing = withCode('spec-not-found', /"absent", "p1@9": ".*" has no such package/);
  await assert.rejects(choose('p0', 'absent', 'p1@9'), missing);
  rmSync(mirror.manifest(0));
  assert.deepEqual(await choose('p1'), [1]);
  await assert.rejects(choose('p0'), withCode('spec-not-found'));
});

test('selectPackages takes lockfiles and specfiles, and refuses roots that the mirror lacks', async (t) => {
  const { mirror, open } = await place(t);
  const pushed = pushables(4);
  const nodes = pushed.map(({ json }) => JSON.parse(Buffer.from(json).toString('utf8')).spec.nodes[0]);
  const lockfileOf = (number: number) =>
    JSON.stringify({
      _meta: { 'file-type': 'spack-lockfile', 'lockfile-version': 5, 'specfile-version': 4 },
      roots: [{ hash: nodes[number].hash, spec: `p${number}` }],
      concrete_specs: Object.fromEntries(nodes.map((node) => [node.hash, node])),
    });
  const files: Readonly<Record<string, string | Uint8Array | undefined>> = {
    'spack.lock': lockfileOf(1),
    './p0.spec.json': pushed[0]?.json,
    './other.lock': lockfileOf(3),
  };
  const choose = async (...queries: string[]) => {
    const named = async (path: string) => Buffer.from(files[path] ?? '');
    const { packages } = await selectPackages({ mirror: await open(), queries, readFile: named });
    return packages.map(({ hash }) => mirror.specs.find(({ root }) => root.hash === hash)?.root.name).sort();
  };
  assert.deepEqual(await choose('spack.lock'), ['p0', 'p1']);
  assert.deepEqual(await choose('./p0.spec.json'), ['p0']);
  assert.deepEqual(await choose('./p0.spec.json', 'p2'), ['p0', 'p1', 'p2']);
  await assert.rejects(choose('spack.lock', './other.lock'), withCode('spec-not-found', /"p3@1\.0\//));
});

test('writeView writes the views that Spack 1.2 wrote', {
  skip: FIXTURES === undefined && 'REGRAFT_FIXTURES is not set',
}, async (t) => {
  const folder = join(temporaryFolder(t), 'mirror');
  cpSync(join(FIXTURES ?? '', '../fixtures-v2v3/caches-views'), folder, { recursive: true });
  const indexOf = (view: string) => {
    const manifest = join(folder, 'v3/manifests/index', view, 'index.manifest.json');
    const { checksum } = JSON.parse(readFileSync(manifest, 'utf8')).data[0];
    return JSON.parse(readFileSync(join(folder, 'blobs/sha256', checksum.slice(0, 2), checksum), 'utf8'));
  };
  for (const [view, queries] of [
    ['small', ['libplain', 'scriptdelta']],
    ['other/nested', ['libplain']],
  ] as const) {
    const mirror = await openMirror(folder, { view: `ours/${view}` });
    const { packages } = await selectPackages({ mirror, queries, readFile });
    await writeView({ mirror, packages, mode: 'create' });
    assert.deepEqual(indexOf(`ours/${view}`), indexOf(view));
  }
});

test('selectPackages leaves out what cannot be read, and says so', async (t) => {
  const { mirror, open } = await place(t);
  writeFileSync(mirror.manifest(0), '{');
  const chosen = await selectPackages({ mirror: await open(), queries: ['p1'], readFile });
  assert.deepEqual(
    [chosen.packages.length, chosen.unreadable.map(({ error }) => error.code)],
    [1, ['metadata-syntax']],
  );
});

test('writeView makes, refuses, adds to, and replaces a view', async (t) => {
  const { open, write, names, manifest } = await place(t);
  const { index } = await write('create', ['p1']);
  assert.deepEqual([index.packages, index.location], [2, manifest()]);
  assert.deepEqual(await names(), ['p0', 'p1']);
  await assert.rejects(write('create', ['p0']), withCode('view-exists', /small/));
  assert.deepEqual(await names(), ['p0', 'p1']);
  await write('append', ['p2']);
  assert.deepEqual(await names(), ['p0', 'p1', 'p2']);
  await write('replace', ['p0']);
  assert.deepEqual(await names(), ['p0']);
  for (const mode of ['append', 'replace'] as const) {
    await write(mode, ['p0'], await open(`new/${mode}`));
    assert.deepEqual(await names(`new/${mode}`), ['p0']);
  }
});

test('writeView keeps what the mirror no longer has, and needs no good view to replace one', async (t) => {
  const { mirror, write, names, manifest } = await place(t);
  await write('create', ['p0']);
  rmSync(mirror.manifest(0));
  await write('append', ['p2']);
  assert.deepEqual(await names(), ['p0', 'p1', 'p2']);
  writeFileSync(manifest(), '{}');
  await assert.rejects(write('append', ['p1']), withCode('metadata-invalid'));
  await write('replace', ['p1']);
  assert.deepEqual(await names(), ['p1']);
});

/** Runs something once, at the first read of a package. */
function atFirstRead(packages: readonly ListedPackage[], work: () => Promise<unknown>): ListedPackage[] {
  let isDone = false;
  const meddle = async () => {
    if (isDone) return;
    isDone = true;
    await work();
  };
  return packages.map((listed) => ({
    ...listed,
    read: async (how) => {
      await meddle();
      return listed.read(how);
    },
  }));
}

test('writeView does not overwrite what another writer put there meanwhile', async (t) => {
  for (const mode of ['create', 'append'] as const) {
    const here = await place(t);
    if (mode === 'append') await here.write('create', ['p0']);
    const mirror = await here.open();
    const chosen = await selectPackages({ mirror, queries: ['p2'], readFile });
    const packages = atFirstRead(chosen.packages.slice(2), () => here.write('append', ['p1']));
    const writing = writeView({ mirror, packages, mode });
    if (mode === 'create') await assert.rejects(writing, withCode('view-exists'));
    else await writing;
    assert.deepEqual(await here.names(), mode === 'create' ? ['p0', 'p1'] : ['p0', 'p1', 'p2']);
  }
});

test('openMirror refuses to write views where only older layouts are, or an older one is chosen', async (t) => {
  const { folder } = await buildCache(temporaryFolder(t), [{ name: 'base' }]);
  await assert.rejects(openMirror(folder, { view: 'small' }), withCode('usage', /older layout/));
  assert.equal((await openMirror(folder, { view: 'small', isOnlyRead: true })).cache.view, 'small');
  await assert.rejects(
    openMirror(temporaryFolder(t), { view: 'x', layout: 2 }),
    withCode('usage', /layout 2/),
  );
  for (const each of pushables(1)) await pushInto(folder, each);
  const mirror = await openMirror(folder, { view: 'small' });
  const { packages } = await selectPackages({ mirror, queries: [], readFile });
  assert.equal((await writeView({ mirror, packages, mode: 'create' })).index.packages, 1);
});

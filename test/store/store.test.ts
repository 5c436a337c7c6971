import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { MetadataError, StoreError, type StoreErrorCode, UsageError } from '../../src/core/errors.js';
import type { Spec, SpecNode } from '../../src/spec/spec.js';
import { subSpec } from '../../src/spec/traverse.js';
import { addPadding } from '../../src/store/root/padding.js';
import { createPrivateFolder } from '../../src/store/staging/private-folder.js';
import { Store, type StoreOptions } from '../../src/store/store.js';
import { deadPid } from './child.js';
import { buildSpec, hashOf } from './spec-builder.js';
import { temporaryFolder } from './temporary-folder.js';

const TOOL = buildSpec({
  tool: { dependencies: ['zlib', 'ext', 'cmake:build'] },
  zlib: {},
  ext: { external: '/usr' },
  cmake: {},
});
const notAsRoot = process.getuid?.() === 0 ? 'root may write everywhere' : false;

function openStore(root: string, more: Partial<StoreOptions> = {}): Promise<Store> {
  return Store.openForWriting({ root, projectPath: (node) => `linux/${node.name}`, ...more });
}

function nodeOf(name: string): SpecNode {
  const node = TOOL.nodes.get(hashOf(name));
  assert.ok(node);
  return node;
}

/** Installs a package as the operations do. */
async function install(store: Store, spec: Spec, { explicit = false, force = false } = {}): Promise<string> {
  const { hash, name } = spec.root;
  const prefix = store.ownPrefixOf(spec.root, spec);
  const stage = join(createPrivateFolder(store.root, hash), 'tree');
  mkdirSync(join(stage, '.spack'), { recursive: true });
  writeFileSync(
    join(stage, '.spack', 'spec.json'),
    JSON.stringify({
      spec: { _meta: { version: 4 }, nodes: [spec.root.raw] },
    }),
  );
  writeFileSync(join(stage, name), '');
  const committed = store.commit({ stage, hash, prefix, force });
  await store.register({ spec, prefix, explicit });
  committed.finish();
  return prefix;
}

function hasCode(code: StoreErrorCode): (error: unknown) => boolean {
  return (error) => error instanceof StoreError && error.code === code && error.message.length > 0;
}

test('Store.openForWriting makes a root that a Spack finds ready', async (context) => {
  const root = join(temporaryFolder(context), 'a', 'b');
  const store = await openStore(root);
  assert.equal(store.root, root);
  const expected =
    store.locks.kind === 'record' ? ['failures', 'lock', 'prefix_failures', 'prefix_lock'] : ['failures'];
  assert.deepEqual(readdirSync(store.paths.databaseFolder).sort(), expected);
  assert.equal(store.sbangPath, join(root, 'bin', 'sbang'));
  assert.equal(store.ensureSbang(), store.sbangPath);
});

test('Store knows where packages are, and whether they are there', async (context) => {
  const root = temporaryFolder(context);
  const store = await openStore(root);
  assert.equal(store.prefixOf(nodeOf('zlib'), TOOL), join(root, 'linux', 'zlib'));
  assert.equal(store.prefixOf(nodeOf('ext'), TOOL), '/usr');
  assert.equal(store.isInstalled(hashOf('zlib')), undefined);
  assert.equal(store.installedPrefix(hashOf('zlib')), undefined);
  await install(store, subSpec(TOOL, nodeOf('zlib')));
  await install(store, TOOL, { explicit: true });
  assert.equal(store.isInstalled(hashOf('zlib')), 'here');
  assert.equal(store.isInstalled(hashOf('ext')), 'here');
  assert.equal(store.isInstalled(hashOf('cmake')), undefined);
  assert.equal(store.installedPrefix(hashOf('tool')), join(root, 'linux', 'tool'));
  // Another projection does not move what has a record.
  const other = await openStore(root, { projectPath: (node) => node.name });
  assert.equal(other.prefixOf(nodeOf('tool'), TOOL), join(root, 'linux', 'tool'));
  assert.equal(other.prefixOf(nodeOf('cmake'), TOOL), join(root, 'linux', 'cmake'));
  assert.deepEqual([...other.specOf(hashOf('tool')).nodes.keys()].sort(), [...TOOL.nodes.keys()].sort());
  assert.throws(() => other.specOf(hashOf('nothing')), MetadataError);
  rmSync(join(root, 'linux', 'zlib'), { recursive: true });
  assert.equal(other.isInstalled(hashOf('zlib')), undefined);
  assert.equal(await other.unregister(hashOf('tool')), true);
  assert.equal(other.isInstalled(hashOf('tool')), undefined);
  assert.equal(await other.markExplicit(hashOf('zlib')), true);
});

test('Store.register finds a dependency that is there without a record', async (context) => {
  const root = temporaryFolder(context);
  const store = await openStore(root);
  await install(store, subSpec(TOOL, nodeOf('zlib')));
  await store.unregister(hashOf('zlib'));
  mkdirSync(join(root, 'linux', 'cmake', '.spack'), { recursive: true });
  writeFileSync(join(root, 'linux', 'cmake', '.spack', 'spec.json'), '{"spec": 1}');
  await install(store, TOOL);
  assert.equal(store.database.installed(hashOf('zlib')), true);
  assert.equal(store.database.installed(hashOf('cmake')), false);
});

test('Store uses upstream stores, and never writes them', async (context) => {
  const upstreamRoot = temporaryFolder(context);
  const upstream = await openStore(upstreamRoot);
  await install(upstream, subSpec(TOOL, nodeOf('zlib')));
  const before = readdirSync(upstream.paths.databaseFolder);
  const root = temporaryFolder(context);
  const missing = join(root, 'none');
  const store = await openStore(root, { upstreams: [missing, upstreamRoot] });
  assert.deepEqual(store.upstreams.missing(), [missing]);
  assert.equal(store.isInstalled(hashOf('zlib')), 'upstream');
  assert.equal(store.installedPrefix(hashOf('zlib')), join(upstreamRoot, 'linux', 'zlib'));
  assert.equal(store.prefixOf(nodeOf('zlib'), TOOL), join(upstreamRoot, 'linux', 'zlib'));
  await install(store, TOOL);
  assert.equal(store.database.get(hashOf('zlib')), undefined);
  assert.equal(store.specOf(hashOf('tool')).nodes.get(hashOf('zlib'))?.name, 'zlib');
  const stage = createPrivateFolder(root, hashOf('zlib'));
  const theirs = join(upstreamRoot, 'linux', 'zlib');
  assert.throws(
    () => store.commit({ stage, hash: hashOf('zlib'), prefix: theirs, force: true }),
    hasCode('prefix-conflict'),
  );
  // What is here counts more than what is upstream.
  await install(store, subSpec(TOOL, nodeOf('zlib')), { force: true });
  assert.equal(store.isInstalled(hashOf('zlib')), 'here');
  assert.equal(store.prefixOf(nodeOf('zlib'), TOOL), join(root, 'linux', 'zlib'));
  assert.equal(store.database.get(hashOf('zlib'))?.refCount, 1);
  assert.deepEqual(readdirSync(upstream.paths.databaseFolder), before);
  writeFileSync(upstream.paths.index, 'broken');
  const broken = await openStore(root, { upstreams: [upstreamRoot] });
  assert.throws(() => broken.isInstalled(hashOf('other')), hasCode('database-unreadable'));
});

test('Store.commit never replaces another package, not even by force', async (context) => {
  const store = await openStore(temporaryFolder(context), { projectPath: () => 'same' });
  await install(store, subSpec(TOOL, nodeOf('zlib')));
  const stage = createPrivateFolder(store.root, hashOf('tool'));
  const prefix = join(store.root, 'same');
  assert.throws(
    () => store.commit({ stage, hash: hashOf('tool'), prefix, force: true }),
    hasCode('prefix-conflict'),
  );
  assert.deepEqual(readdirSync(prefix).sort(), ['.spack', 'zlib']);
  await install(store, subSpec(TOOL, nodeOf('zlib')), { force: true });
  assert.equal(store.isInstalled(hashOf('zlib')), 'here');
});

test('Store refuses projections that leave the root, or hide in its database', async (context) => {
  const root = temporaryFolder(context);
  for (const path of [
    '',
    '.',
    '..',
    '../x',
    '/x',
    'a/../../x',
    './a',
    'a/',
    'a//b',
    '.spack-db',
    '.spack-db/x',
  ]) {
    const store = await openStore(root, { projectPath: () => path });
    assert.throws(
      () => store.prefixOf(nodeOf('zlib'), TOOL),
      (error) => error instanceof UsageError && error.code === 'projection',
      path,
    );
  }
  const store = await openStore(root, { projectPath: () => '..a/.spack-dbx' });
  assert.equal(store.prefixOf(nodeOf('zlib'), TOOL), join(root, '..a/.spack-dbx'));
});

test('Store.prefixOf cannot place an external without a path', async (context) => {
  const store = await openStore(temporaryFolder(context));
  const spec = buildSpec({ mpi: { external: null } });
  assert.throws(() => store.prefixOf(spec.root, spec), MetadataError);
});

test('Store.withPrefixLock lets one task at a time work on a package', async (context) => {
  const store = await openStore(temporaryFolder(context));
  let inside = 0;
  const work = () =>
    store.withPrefixLock(hashOf('zlib'), async () => {
      assert.equal(++inside, 1);
      await new Promise((resolve) => setImmediate(resolve));
      inside--;
    });
  await Promise.all([work(), work(), work()]);
  const failure = new Error('no');
  await assert.rejects(
    store.withPrefixLock(hashOf('zlib'), () => Promise.reject(failure)),
    (error) => error === failure,
  );
  assert.equal(await store.withPrefixLock(hashOf('zlib'), () => 'done'), 'done');
});

test('Store keeps a padded root as Spack has it', async (context) => {
  const folder = temporaryFolder(context);
  const root = addPadding(folder, folder.length + 1 + 27 * 2);
  assert.ok(root.endsWith('/'));
  const store = await openStore(root, { unpaddedRoot: folder });
  assert.equal(store.root, root);
  assert.equal(store.sbangPath, join(folder, 'bin', 'sbang'));
  assert.equal(store.prefixOf(nodeOf('zlib'), TOOL), `${root}linux/zlib`);
  await install(store, subSpec(TOOL, nodeOf('zlib')));
  assert.equal((await openStore(`${folder}/`)).root, folder);
});

test('Store names a root that cannot be used', async (context) => {
  const folder = temporaryFolder(context);
  writeFileSync(join(folder, 'file'), '');
  symlinkSync('nowhere', join(folder, 'dangling'));
  const options = { projectPath: () => 'x' };
  for (const name of ['file', 'file/below', 'dangling'])
    await assert.rejects(openStore(join(folder, name)), hasCode('root-unusable'), name);
  for (const name of ['none', 'file', 'dangling'])
    assert.throws(() => Store.open({ root: join(folder, name), ...options }), hasCode('root-unusable'), name);
  mkdirSync(join(folder, 'root'));
  writeFileSync(join(folder, 'root', '.spack-db'), '');
  await assert.rejects(openStore(join(folder, 'root')), hasCode('root-unusable'));
});

test('Store names a root that may not be read or written', { skip: notAsRoot }, async (context) => {
  const root = temporaryFolder(context);
  const store = await openStore(root);
  await install(store, subSpec(TOOL, nodeOf('zlib')));
  chmodSync(root, 0o555);
  await assert.rejects(openStore(root), hasCode('root-unusable'));
  await assert.rejects(openStore(join(root, 'new')), hasCode('root-unusable'));
  assert.equal(Store.open({ root, projectPath: () => 'x' }).isInstalled(hashOf('zlib')), 'here');
  chmodSync(root, 0o755);
  chmodSync(store.paths.databaseFolder, 0o555);
  await assert.rejects(openStore(root), hasCode('root-unusable'));
  chmodSync(root, 0);
  assert.throws(() => Store.open({ root, projectPath: () => 'x' }), hasCode('root-unusable'));
});

test('Store.open reads a store that has no database yet', (context) => {
  const root = temporaryFolder(context);
  const store = Store.open({ root, projectPath: () => 'x' });
  assert.equal(store.database.records().size, 0);
  assert.deepEqual(readdirSync(root), []);
});

test('Store refuses a broken database before anything is done', async (context) => {
  const root = temporaryFolder(context);
  mkdirSync(join(root, '.spack-db'));
  writeFileSync(join(root, '.spack-db', 'index.json'), '{');
  await assert.rejects(openStore(root), hasCode('database-unreadable'));
  assert.throws(() => Store.open({ root, projectPath: () => 'x' }), hasCode('database-unreadable'));
});

test('Store.openForWriting clears away what a dead process left', async (context) => {
  const root = temporaryFolder(context);
  await openStore(root);
  const own = createPrivateFolder(root, hashOf('zlib'));
  const left = own.replace(`-${process.pid}-`, `-${deadPid()}-`);
  mkdirSync(left);
  await openStore(root);
  assert.equal(existsSync(left), false);
  assert.equal(existsSync(own), true);
});

test('Store.permissionsOf and ensureSbang follow the configuration', async (context) => {
  const permissions = {
    all: { read: 'group', write: 'group', group: String(process.getgid?.() ?? 0) },
  } as const;
  const store = await openStore(temporaryFolder(context), { permissions });
  assert.equal(store.permissionsOf('zlib').directoryBits, 0o2770);
  store.ensureSbang();
  assert.equal(statSync(store.sbangPath).mode & 0o7777, 0o2770);
  const plain = await openStore(temporaryFolder(context), { permissions, allowSetGroupId: false });
  assert.equal(plain.permissionsOf('zlib').directoryBits, 0o770);
});

// Round trips with real Spacks 1.x: they install, list and verify what is pushed here in layout 3, and the other way round.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { blobsOf, manifestsOf, manifestText } from '../helpers/golden-store.js';
import { NO_SPACK, SPACKS, versionOf } from '../helpers/spack-peer.js';
import { KEYRING, PACK, PROJECTION, ROOTS, SECRET, SpackSource } from '../helpers/spack-source.js';
import { treeManifest } from '../helpers/tree-manifest.js';
import { FIXTURES_V2V3 } from '../spec/spec-samples.js';

const skip = NO_SPACK || (FIXTURES_V2V3 === undefined ? 'skipped: REGRAFT_FIXTURES is not set' : false);
const url = (path: string) => `file://${path}`;

/** The hash of each package in a mirror. */
function hashesIn(mirror: string): string[] {
  return manifestsOf(mirror)
    .map((path) => /-([a-z0-9]{32})\.spec/.exec(path)?.[1] ?? '')
    .sort();
}

/** Everything below the prefixes of a store. */
function packagesOf(root: string) {
  const platforms = readdirSync(root).filter((name) => !name.startsWith('.') && name !== 'bin');
  return platforms.map((name) => treeManifest(join(root, name)));
}

/** A manifest without what follows from how its blobs were compressed: both are gzip, from different libraries. */
function manifestFacts(mirror: string, path: string): unknown {
  const { data, ...rest } = JSON.parse(manifestText(mirror, path)) as { data: Record<string, unknown>[] };
  const facts = data.map(({ checksum, contentLength, ...others }) => others);
  return { ...rest, data: facts };
}

/** What the blobs hold. */
function contentsOf(mirror: string, path: string): { readonly tar: Buffer; readonly spec: Buffer } {
  const { tarball, spec } = blobsOf(mirror, path);
  const read = (blob: string) => gunzipSync(readFileSync(join(mirror, blob)));
  return { tar: read(tarball), spec: read(spec) };
}

for (const spack of SPACKS.length > 0 ? SPACKS : ['']) {
  const name = spack === '' ? 'Spack 1.x' : `Spack ${versionOf(spack)}`;

  test(`${name} installs, lists and verifies what is pushed here, signed, as we install it`, {
    skip,
  }, async (t) => {
    const source = await SpackSource.make(t, spack);
    const mirror = join(source.folder, 'mirror');
    await source.push(mirror, '-k', SECRET);
    const hashes = hashesIn(mirror);
    assert.equal(hashes.length, 10);
    const run = source.peer(t, { name: 's', mirrors: { m: { url: url(mirror), signed: true } } });
    const listed = run('buildcache', 'list', '-aL');
    for (const hash of hashes) assert.match(listed, new RegExp(`^${hash} `, 'm'));
    // Its keyring is empty: the key comes from the mirror.
    run('buildcache', 'keys', '--install', '--trust');
    run('buildcache', 'install', '--otherarch', ...ROOTS);
    const found = run('find', '-L');
    for (const hash of hashes) assert.match(found, new RegExp(`^${hash} `, 'm'));
    const opt = join(source.folder, 'opt');
    const theirs = packagesOf(opt);
    renameSync(opt, join(source.folder, 'theirs'));
    const ours = ['-r', opt, '--projection', PROJECTION, '--spack-prefix', spack];
    await source.regraft('install', ...ROOTS, '-m', mirror, '-k', KEYRING, ...ours);
    assert.deepEqual(packagesOf(opt), theirs);
  });

  test(`${name} installs what is pushed here unsigned`, { skip }, async (t) => {
    const source = await SpackSource.make(t, spack);
    const mirror = join(source.folder, 'mirror');
    await source.push(mirror, '--unsigned');
    const run = source.peer(t, { name: 's', mirrors: { m: { url: url(mirror), signed: false } } });
    run('buildcache', 'install', '--otherarch', '--unsigned', ...ROOTS);
    for (const hash of hashesIn(mirror)) assert.match(run('find', '-L'), new RegExp(`^${hash} `, 'm'));
  });

  test(`${name} pushes what is installed here, found in order, and pushed again as the same`, {
    skip,
  }, async (t) => {
    const source = await SpackSource.make(t, spack);
    const from = join(source.folder, 'from');
    await source.push(from, '-k', SECRET);
    const to = join(source.folder, 'to');
    const mirrors = { from: { url: url(from), signed: true }, to: { url: url(to), signed: true } };
    const run = source.peer(t, { name: 's', mirrors, keys: [SECRET] });
    run('buildcache', 'install', '--otherarch', ...ROOTS);
    run('buildcache', 'push', '--without-build-dependencies', 'to', ...ROOTS);
    run('buildcache', 'update-index', '--keys', 'to');
    await source.regraft('mirror', 'check', to, '--deep', '-k', KEYRING);
    const again = join(source.folder, 'again');
    await source.push(again, '-k', SECRET, '-r', join(source.folder, 'opt'), '--spack-prefix', spack);
    await source.regraft('mirror', 'check', again, '--deep', '-k', KEYRING);
    assert.deepEqual(manifestsOf(again), manifestsOf(to));
    for (const path of manifestsOf(to)) {
      assert.deepEqual(manifestFacts(again, path), manifestFacts(to, path), path);
      assert.deepEqual(contentsOf(again, path), contentsOf(to, path), path);
    }
    const other = ['-r', join(source.folder, 'o'), '--projection', PROJECTION];
    await source.regraft('install', ...ROOTS, '-m', to, '-k', KEYRING, ...other);
  });

  const hasViews = spack !== '' && !/^1\.[01]\./.test(versionOf(spack));
  const noViews = skip || (hasViews ? false : 'skipped: views came with Spack 1.2');
  test(`${name} lists and installs what a view has that is written here`, { skip: noViews }, async (t) => {
    const source = await SpackSource.make(t, spack);
    const mirror = join(source.folder, 'mirror');
    await source.push(mirror, '--unsigned');
    await source.regraft('index', mirror, 'newtop', '--view', 'team/small');
    const settings = { url: url(mirror), signed: false, view: 'team/small' };
    const run = source.peer(t, { name: 's', mirrors: { m: settings } });
    const listed = run('buildcache', 'list', '-a');
    assert.match(listed, /newtop@3/);
    assert.doesNotMatch(listed, /toolgamma/);
    run('buildcache', 'check-index', 'm', '--verify', 'all');
    run('buildcache', 'install', '--otherarch', '--unsigned', 'newtop');
    await source.regraft('index', mirror, 'toolgamma', '--view', 'team/small', '--append');
    assert.match(
      source.peer(t, { name: 'n', mirrors: { m: settings } })('buildcache', 'list', '-a'),
      /toolgamma@/,
    );
  });

  for (const layout of ['layout1', 'layout2'])
    test(`${name} installs what was migrated here from ${layout}`, { skip }, async (t) => {
      const source = await SpackSource.make(t, spack);
      const mirror = join(source.folder, 'migrated');
      const from = join(PACK, `caches/${layout}-padded-signed`);
      await source.regraft('mirror', 'migrate', from, mirror, '--keyring', KEYRING, '--key', SECRET);
      await source.regraft('mirror', 'check', mirror, '--deep', '-k', KEYRING);
      const run = source.peer(t, { name: 's', mirrors: { m: { url: url(mirror), signed: true } } });
      run('buildcache', 'keys', '--install', '--trust');
      run('buildcache', 'install', '--otherarch', 'ldkit');
      const opt = join(source.folder, 'opt');
      const theirs = packagesOf(opt);
      renameSync(opt, join(source.folder, 'theirs'));
      const ours = ['-r', opt, '--projection', PROJECTION, '--spack-prefix', spack];
      await source.regraft('install', 'ldkit', '-m', mirror, '-k', KEYRING, ...ours);
      assert.deepEqual(packagesOf(opt), theirs);
    });
}

// Round trips with real Spacks 1.x: they install, list and verify what is pushed here in layout 3, and the other way round.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { blobsOf, manifestsOf, manifestText } from '../helpers/golden-store.js';
import { runHere } from '../helpers/program-run.js';
import { collectRecipes, NO_SPACK, SPACKS, SpackPeer, versionOf } from '../helpers/spack-peer.js';
import { treeManifest } from '../helpers/tree-manifest.js';
import { FIXTURES_V2V3 } from '../spec/spec-samples.js';
import { temporaryFolder } from '../store/temporary-folder.js';

const skip = NO_SPACK || (FIXTURES_V2V3 === undefined ? 'skipped: REGRAFT_FIXTURES is not set' : false);
const PACK = FIXTURES_V2V3 ?? '';
const SECRET = join(PACK, 'keys/fixture-key.secret.asc');
const KEYRING = join(PACK, 'keys/fixture-key.pub');
const ROOTS = ['toolgamma', 'interpuser', 'newtop'];
const PROJECTION = '{architecture}/{compiler.name}-{compiler.version}/{name}-{version}-{hash}';

type Mirrors = Record<string, Record<string, unknown>>;

/** Packages in a store whose paths have room, so that any other root can hold them. */
class Source {
  readonly folder: string;
  readonly recipes: string;
  readonly root: string;
  readonly spack: string;

  static async make(test: TestContext, spack: string): Promise<Source> {
    const source = new Source(temporaryFolder(test), spack);
    await source.#fill();
    return source;
  }

  private constructor(folder: string, spack: string) {
    this.folder = folder;
    this.spack = spack;
    this.recipes = join(folder, 'recipes');
    // The helper of long scripts lies in the root without its padding: that path has to have room too.
    this.root = join(folder, 'a-source-with-a-path-that-is-longer-than-those-it-is-installed-to');
  }

  async #fill(): Promise<void> {
    const from = ['-m', join(PACK, 'caches/layout3-padded-signed'), '-k', KEYRING];
    const into = ['--padded-length', '230', '--projection', PROJECTION, '--spack-prefix', this.root];
    const report = await this.regraft(
      'install',
      ...ROOTS,
      ...from,
      ...into,
      '-r',
      this.root,
      '--json',
      '--full-paths',
    );
    const { packages, root } = JSON.parse(report) as {
      packages: { prefix: string }[];
      root: string;
    };
    Object.assign(this, { root });
    collectRecipes(
      packages.map(({ prefix }) => prefix),
      this.recipes,
    );
  }

  async regraft(...args: string[]): Promise<string> {
    const { exitCode, out, err } = await runHere(args, { folder: this.folder });
    assert.equal(exitCode, 0, `${args.join(' ')}\n${out}${err}`);
    return out;
  }

  /** Pushes from the source's store, or another. */
  push(mirror: string, ...how: string[]): Promise<string> {
    const all = ['push', ...ROOTS, '-m', mirror, '--layout', '3', '--update-index', ...how];
    return this.regraft(...all, ...(how.includes('-r') ? [] : ['-r', this.root]));
  }

  peer(test: TestContext, { name, mirrors, keys = [] }: { name: string; mirrors: Mirrors; keys?: string[] }) {
    const { spack, folder, recipes } = this;
    const peer = new SpackPeer({
      spack,
      folder: join(folder, name),
      root: join(folder, 'opt'),
      recipes,
      mirrors,
      keys,
    });
    test.after(() => peer.close());
    return (...args: string[]): string => {
      const { status, output } = peer.run(...args);
      assert.equal(status, 0, `spack ${args.join(' ')}\n${output}`);
      return output;
    };
  }
}

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
    const source = await Source.make(t, spack);
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
    const source = await Source.make(t, spack);
    const mirror = join(source.folder, 'mirror');
    await source.push(mirror, '--unsigned');
    const run = source.peer(t, { name: 's', mirrors: { m: { url: url(mirror), signed: false } } });
    run('buildcache', 'install', '--otherarch', '--unsigned', ...ROOTS);
    for (const hash of hashesIn(mirror)) assert.match(run('find', '-L'), new RegExp(`^${hash} `, 'm'));
  });

  test(`${name} pushes what is installed here, found in order, and pushed again as the same`, {
    skip,
  }, async (t) => {
    const source = await Source.make(t, spack);
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
}

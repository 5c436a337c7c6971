// Spliced packages: what was built with some dependencies is installed with others.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { formatManifest } from '../../../src/buildcache/manifest/write-manifest.js';
import { formatSpecBlob } from '../../../src/buildcache/manifest/write-spec-blob.js';
import { blobPath, specManifestPath } from '../../../src/mirror/manifest/paths.js';
import { extractThroughStreams } from '../../../src/operations/install/extract-through-streams.js';
import type { DagHash, JsonObject } from '../../../src/spec/spec.js';
import { writeClassicCache } from '../../helpers/classic-cache-writer.js';
import { checkNothingLeft, outcomes, recordsOf, rootOf, runInstall } from '../../helpers/install-run.js';
import { hashFor, type PackedPackage, packPackages, sha256 } from '../../helpers/packed-package.js';
import { clearsign, keyringOf, makeKey } from '../../signature/temporary-keys.js';
import { temporaryFolder } from '../../store/temporary-folder.js';

type Layout = 1 | 2 | 3;
type SignKey = Awaited<ReturnType<typeof makeKey>>;

interface Edge extends JsonObject {
  readonly name: string;
  readonly hash: DagHash;
}

interface Node extends JsonObject {
  readonly name: string;
  readonly hash: DagHash;
  readonly dependencies?: readonly Edge[];
}

function nodesOf(...packages: readonly PackedPackage[]): Node[] {
  const all = packages.flatMap(({ spec }) => (spec as unknown as { spec: { nodes: Node[] } }).spec.nodes);
  return [...new Map(all.map((node) => [node.hash, node])).values()];
}

/** What is in the cache as it was built, and what is to be put in its place. */
function pack(withParents: boolean) {
  const built = packPackages(
    [
      { name: 'base' },
      { name: 'mpich' },
      { name: 'dep', dependencies: ['base:link,run'] },
      { name: 'app', dependencies: ['dep:link,run', 'mpich:link:mpi'] },
    ],
    { withParents },
  );
  const newer = packPackages(
    [
      { name: 'base', version: '2.0' },
      { name: 'openmpi', version: '5.0' },
      { name: 'dep', version: '1.1', dependencies: ['base:link,run'] },
    ],
    { withParents },
  );
  const find = (packages: readonly PackedPackage[]) => (name: string) => {
    const found = packages.find(({ sketch }) => sketch.name === name);
    if (found === undefined) throw new TypeError(`no package "${name}"`);
    return found;
  };
  return { all: [...built, ...newer], built: find(built), newer: find(newer) };
}

interface Replacement {
  readonly name: string;
  readonly hash: DagHash;
}

/** A node with other dependencies; the hash as Spack makes it, which ends as that of the build spec. */
function splice({ node }: PackedPackage, replacements: Readonly<Record<string, Replacement>>): Node {
  const { name, hash, dependencies = [], ...facts } = node as Node;
  const edges = dependencies.map((edge) => {
    const { name, hash } = replacements[edge.name] ?? edge;
    return { ...edge, name, hash };
  });
  const splicedHash = `${hashFor(name, 'spliced').slice(0, 25)}${hash.slice(25)}` as DagHash;
  return { name, ...facts, dependencies: edges, build_spec: { name, hash }, hash: splicedHash };
}

async function writeLayout3(
  folder: string,
  packages: readonly PackedPackage[],
  key?: SignKey,
): Promise<void> {
  const write = (path: string, bytes: Uint8Array) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), bytes);
  };
  for (const { tarball, spec, node, version, hash } of packages) {
    assert.ok(tarball);
    const specBlob = formatSpecBlob(Buffer.from(JSON.stringify(spec)), 'test');
    const records = ([tarball, specBlob] as const).map((bytes, i) => {
      write(blobPath(sha256(bytes)), bytes);
      const kind = i === 0 ? ('tarball' as const) : ('spec' as const);
      return { kind, size: bytes.length, compression: 'gzip' as const, sha256: sha256(bytes) };
    });
    const text = formatManifest(records);
    const bytes = key === undefined ? text : await clearsign(Buffer.from(text).toString(), key);
    write(specManifestPath({ name: String(node.name), version, hash }), Buffer.from(bytes));
  }
}

interface Place {
  readonly folder: string;
  readonly mirror: string;
}

async function place(
  test: TestContext,
  layout: Layout,
  packages: readonly PackedPackage[],
  key?: SignKey,
): Promise<Place> {
  const folder = temporaryFolder(test);
  const mirror = join(folder, 'mirror');
  mkdirSync(mirror);
  const options = { index: false, ...(key === undefined ? {} : { key }) };
  if (layout === 3) await writeLayout3(mirror, packages, key);
  else await writeClassicCache({ folder: mirror, packages, options: { ...options, layoutVersion: layout } });
  return { folder, mirror };
}

/** The specfile that names the spliced package, the root first. */
function specfile({ folder }: Place, nodes: readonly Node[]): string {
  const path = join(folder, 'wanted.spec.json');
  writeFileSync(path, JSON.stringify({ spec: { _meta: { version: 4 }, nodes } }));
  return path;
}

interface Wanted {
  readonly path: string;
  readonly more?: Partial<Parameters<typeof runInstall>[0]>;
}

async function install({ folder, mirror }: Place, { path, more = {} }: Wanted) {
  return runInstall({ folder, queries: [path], mirrors: [mirror], readFile, ...more });
}

function pathsIn(prefix: string): string[] {
  return readFileSync(join(prefix, 'share/paths'), 'utf8').split('\n').slice(0, -2);
}

/** What is at the places that a finished package names, by the last folder. */
function namesIn(prefix: string): string[] {
  return pathsIn(prefix).map((path) => path.replace(/^.*\/([^/]+)-[a-z2-7]{32}$/, '$1'));
}

describe('install of spliced packages', () => {
  for (const layout of [1, 2, 3] as const) {
    it(`points a package to the dependency that replaced another (layout ${layout})`, async (test) => {
      const { all, built, newer } = pack(layout > 1);
      const there = await place(test, layout, all);
      const app = splice(built('app'), { dep: { name: 'dep', hash: newer('dep').hash } });
      const nodes = [app, ...nodesOf(newer('dep'), built('mpich'), built('app'))];
      const report = await install(there, { path: specfile(there, nodes) });
      assert.deepEqual(
        outcomes(report),
        ['base: installed', 'dep: installed', 'mpich: installed', 'app: installed'],
        report.packages.map(({ error }) => error?.message).join(),
      );
      const prefix = report.packages.at(-1)?.prefix ?? '';
      assert.ok(prefix.endsWith(`app-1.0-${app.hash}`));
      assert.deepEqual(pathsIn(prefix)[0], prefix);
      assert.deepEqual(namesIn(prefix), ['app-1.0', 'dep-1.1', 'base-2.0', 'mpich-1.0']);
      for (const path of pathsIn(prefix)) assert.ok(readFileSync(join(path, 'share/hello')));
      const tool = readFileSync(join(prefix, 'lib/tool')).toString('latin1');
      assert.ok(tool.includes(`${prefix}/share/data\0`));
      assert.ok(!tool.includes(built('app').hash));
      checkNothingLeft(there.folder);
    });

    it(`takes a dependency of another name by what it provides (layout ${layout})`, async (test) => {
      const { all, built, newer } = pack(layout > 1);
      const there = await place(test, layout, all);
      const app = splice(built('app'), { mpich: { name: 'openmpi', hash: newer('openmpi').hash } });
      const nodes = [app, ...nodesOf(built('dep'), newer('openmpi'), built('app'))];
      const report = await install(there, { path: specfile(there, nodes) });
      const prefix = report.packages.at(-1)?.prefix ?? '';
      assert.deepEqual(namesIn(prefix), ['app-1.0', 'dep-1.0', 'base-1.0', 'openmpi-5.0']);
    });

    it(`follows two splices, one of them below a dependency (layout ${layout})`, async (test) => {
      const { all, built, newer } = pack(layout > 1);
      const there = await place(test, layout, all);
      const dep = splice(built('dep'), { base: { name: 'base', hash: newer('base').hash } });
      const app = splice(built('app'), { dep, mpich: { name: 'openmpi', hash: newer('openmpi').hash } });
      const nodes = [app, dep, ...nodesOf(newer('base'), newer('openmpi'), built('app'))];
      const report = await install(there, { path: specfile(there, nodes) });
      const prefixes = new Map(report.packages.map(({ name, prefix }) => [name, prefix]));
      assert.deepEqual([...prefixes.keys()], ['base', 'dep', 'openmpi', 'app']);
      assert.deepEqual(pathsIn(prefixes.get('dep') ?? ''), [prefixes.get('dep'), prefixes.get('base')]);
      assert.deepEqual(
        pathsIn(prefixes.get('app') ?? ''),
        ['app', 'dep', 'base', 'openmpi'].map((name) => prefixes.get(name)),
      );
    });

    it(`says that the package that was built is on no mirror (layout ${layout})`, async (test) => {
      const { all, built, newer } = pack(layout > 1);
      const there = await place(
        test,
        layout,
        all.filter(({ hash }) => hash !== built('app').hash),
      );
      const app = splice(built('app'), { dep: { name: 'dep', hash: newer('dep').hash } });
      const nodes = [app, ...nodesOf(newer('dep'), built('mpich'), built('app'))];
      const report = await install(there, { path: specfile(there, nodes) });
      const error = report.packages.at(-1)?.error;
      assert.equal(error?.code, 'spec-not-found');
      assert.match(
        error?.message ?? '',
        new RegExp(`"app/${app.hash}" without its build spec "app/${built('app').hash}"`),
      );
      assert.equal(error?.data.buildSpec, built('app').hash);
      assert.equal(recordsOf(there.folder).get('app'), undefined);
      checkNothingLeft(there.folder);
    });
  }

  it('verifies what it takes, and records it under its own hash with its own spec', async (test) => {
    const { all, built, newer } = pack(true);
    const key = await makeKey();
    const there = await place(test, 3, all, key);
    const app = splice(built('app'), { dep: { name: 'dep', hash: newer('dep').hash } });
    const nodes = [app, ...nodesOf(newer('dep'), built('mpich'), built('app'))];
    const keyring = await keyringOf(key);
    const report = await install(there, { path: specfile(there, nodes), more: { keyring } });
    const last = report.packages.at(-1);
    assert.equal(last?.outcome, 'installed', last?.error?.message);
    assert.equal(last?.details?.verified, true);
    const index = JSON.parse(readFileSync(join(rootOf(there.folder), '.spack-db/index.json'), 'utf8'));
    const { installs } = index.database;
    assert.equal(installs[app.hash].path, last?.prefix);
    assert.deepEqual(installs[app.hash].spec.build_spec, app.build_spec);
    assert.equal(installs[built('app').hash], undefined);
    assert.equal(installs[newer('dep').hash].ref_count, 1);
    const stored = JSON.parse(readFileSync(join(last?.prefix ?? '', '.spack/spec.json'), 'utf8'));
    assert.deepEqual(stored.spec._meta, { version: 4 });
    assert.equal(stored.spec.nodes[0].hash, app.hash);
    const hashes = stored.spec.nodes.map(({ hash }: Node) => hash);
    assert.deepEqual(new Set(hashes), new Set(nodes.map(({ hash }) => hash)));
    const manifest = readFileSync(join(last?.prefix ?? '', '.spack/install_manifest.json'), 'utf8');
    assert.ok(JSON.parse(manifest)[`${last?.prefix}/.spack/spec.json`]);
  });

  it('does the same through the streams', async (test) => {
    const { all, built, newer } = pack(true);
    const there = await place(test, 2, all);
    const app = splice(built('app'), { dep: { name: 'dep', hash: newer('dep').hash } });
    const nodes = [app, ...nodesOf(newer('dep'), built('mpich'), built('app'))];
    const report = await install(there, {
      path: specfile(there, nodes),
      more: { extract: extractThroughStreams, engine: 'wasm' },
    });
    const prefix = report.packages.at(-1)?.prefix ?? '';
    assert.deepEqual(namesIn(prefix), ['app-1.0', 'dep-1.1', 'base-2.0', 'mpich-1.0']);
    assert.equal(
      JSON.parse(readFileSync(join(prefix, '.spack/spec.json'), 'utf8')).spec.nodes[0].hash,
      app.hash,
    );
  });

  it('refuses another package under the name of the build spec', async (test) => {
    const { all, built, newer } = pack(true);
    const there = await place(test, 3, all);
    const wrong = specManifestPath({ name: 'base', version: '1.0', hash: built('base').hash });
    const path = specManifestPath({ name: 'app', version: '1.0', hash: built('app').hash });
    writeFileSync(join(there.mirror, path), readFileSync(join(there.mirror, wrong)));
    const app = splice(built('app'), { dep: { name: 'dep', hash: newer('dep').hash } });
    const nodes = [app, ...nodesOf(newer('dep'), built('mpich'), built('app'))];
    const report = await install(there, { path: specfile(there, nodes) });
    assert.equal(report.packages.at(-1)?.error?.code, 'wrong-package');
  });

  it('takes a spliced package that somebody pushed, where the one that was built is missing', async (test) => {
    const { all, built, newer } = pack(false);
    const dep = newer('dep');
    const node = { ...dep.node, build_spec: { name: 'dep', hash: built('dep').hash } } as unknown as Node;
    const spec = { spec: { _meta: { version: 4 }, nodes: [node, ...nodesOf(newer('base'), built('dep'))] } };
    const pushed = { ...dep, node, spec } as unknown as PackedPackage;
    const others = all.filter(({ hash }) => hash !== dep.hash && hash !== built('dep').hash);
    const there = await place(test, 1, [...others, pushed]);
    const report = await install(there, { path: specfile(there, spec.spec.nodes) });
    assert.deepEqual(outcomes(report), ['base: installed', 'dep: installed']);
    assert.deepEqual(namesIn(report.packages.at(-1)?.prefix ?? ''), ['dep-1.1', 'base-2.0']);
  });
});

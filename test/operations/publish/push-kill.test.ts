// A push that is killed at any point leaves a mirror that can be used: no specfile without its tarball, no half file under a final
// name; and the next push completes what is missing.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type Dirent, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { parseManifest } from '../../../src/buildcache/manifest/manifest.js';
import { parseSpecfile, requireChecksum } from '../../../src/buildcache/specfile/specfile.js';
import { tarballPath } from '../../../src/mirror/classic/paths.js';
import { digestOfBlob, hashOfSpecManifest, LAYOUT_PATH } from '../../../src/mirror/manifest/paths.js';
import { sha256 } from '../../helpers/packed-package.js';
import { SeededRandom } from '../../helpers/seeded-random.js';
import { makeSmallStore, type SmallStore } from '../../helpers/small-store.js';
import { moduleText } from '../../store/child.js';

const compiled = (name: string) => new URL(`../../../src/${name}.js`, import.meta.url).href;
const KILLS = 12;

/** Pushes all packages, and writes a dot before and after each step that changes the mirror. */
const CHILD = `
const [root, folder, force, layout] = process.argv.slice(1);
const { writeSync } = await import('node:fs');
const { push } = await import('${compiled('operations/publish/push')}');
const { openStore } = await import('${compiled('operations/open-store')}');
const { ClassicCache } = await import('${compiled('mirror/classic/classic-cache')}');
const { ManifestCache } = await import('${compiled('mirror/manifest/manifest-cache')}');
const { openObjectStore } = await import('${compiled('transport/open-store')}');
const { selectEngine } = await import('${compiled('relocation/engines/select')}');
const told = (call) => async (...parameters) => {
  writeSync(1, '.');
  const result = await call(...parameters);
  writeSync(1, '.');
  return result;
};
const objects = await openObjectStore(folder);
const begin = objects.writer.begin.bind(objects.writer);
objects.writer.begin = told(async (...parameters) => {
  const object = await begin(...parameters);
  for (const name of ['write', 'prepare', 'commit']) object[name] = told(object[name].bind(object));
  return object;
});
objects.writer.remove = told(objects.writer.remove.bind(objects.writer));
const Cache = layout === '3' ? ManifestCache : ClassicCache;
const mirror = { cache: new Cache({ store: objects }), requiresSignature: true };
const store = openStore({ root, spackPrefix: '/spack', environment: {} });
const specs = [...store.database.records().keys()].map((hash) => store.specOf(hash));
const report = await push({ specs, store, mirror, engine: selectEngine('js', {}), parallelism: 2, force: force === 'force' });
if (report.packages.some(({ error }) => error !== undefined)) process.exit(1);
`;

interface ChildPush {
  readonly store: SmallStore;
  readonly folder: string;
  readonly layout: 1 | 3;
  readonly force?: boolean;
  /** Kill it when it has written so many; without it the push ends by itself. */
  readonly dots?: number;
}

/** Starts a push, and perhaps kills it. Returns the number of dots that it wrote. */
async function pushInChild({ store, folder, layout, force, dots }: ChildPush): Promise<number> {
  const parameters = moduleText(CHILD, store.root, folder, force ? 'force' : '', String(layout));
  const child = spawn(process.execPath, parameters, { stdio: ['ignore', 'pipe', 'inherit'] });
  let seen = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    seen += chunk.length;
    if (dots !== undefined && seen >= dots) child.kill('SIGKILL');
  });
  const [status] = (await once(child, 'close')) as [number | null];
  if (dots === undefined) assert.equal(status, 0);
  return seen;
}

/** Checks all final names of a mirror; returns how many packages can be installed from it. */
function checkMirror(folder: string, layout: 1 | 3): number {
  const names = existsSync(folder)
    ? (readdirSync(folder, { recursive: true, withFileTypes: true }) as Dirent[])
        .filter((entry) => entry.isFile())
        .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    : [];
  const published = names.filter((name) => !name.startsWith('.regraft-tmp'));
  return layout === 3 ? checkManifests(folder, published) : checkSpecfiles(folder, published);
}

function checkSpecfiles(folder: string, published: readonly string[]): number {
  for (const name of published.filter((each) => each.endsWith('.spack')))
    assert.ok(gunzipSync(readFileSync(join(folder, name))).length > 0);
  const specfiles = published.filter((each) => each.endsWith('.spec.json'));
  for (const name of specfiles) {
    const specfile = parseSpecfile(readFileSync(join(folder, name)), name);
    const tarball = readFileSync(join(folder, tarballPath(specfile.spec.root, specfile.spec)));
    assert.equal(sha256(tarball), requireChecksum(specfile), name);
  }
  return specfiles.length;
}

/** Blobs are whole, and each manifest names blobs that are there; there is nothing else but the note of the layout. */
function checkManifests(folder: string, published: readonly string[]): number {
  const blobs = new Set<string>();
  let manifests = 0;
  for (const name of published) {
    const digest = digestOfBlob(name);
    if (digest === undefined) continue;
    assert.equal(sha256(readFileSync(join(folder, name))), digest, name);
    blobs.add(digest);
  }
  for (const name of published.filter((each) => !each.startsWith('blobs/') && each !== LAYOUT_PATH)) {
    assert.ok(hashOfSpecManifest(name) !== undefined, name);
    const { records } = parseManifest(readFileSync(join(folder, name)), name);
    assert.deepEqual(
      records.map(({ kind, sha256 }) => [kind, blobs.has(sha256)]),
      [
        ['tarball', true],
        ['spec', true],
      ],
    );
    manifests++;
  }
  return manifests;
}

for (const layout of [1, 3] as const) {
  test(`a push that is killed leaves a mirror of layout ${layout} that can be used`, {
    timeout: 300_000,
  }, async (context) => {
    const random = new SeededRandom(11);
    const big = random.bytes(3_000_000, 60);
    const store = makeSmallStore(context, {
      app: { dependencies: ['zlib', 'base'], files: { big } },
      zlib: { files: { small: 'x' } },
      base: { files: { big } },
    });
    const folder = join(store.folder, 'mirror');
    const steps = await pushInChild({ store, folder, layout });
    assert.equal(checkMirror(folder, layout), 3);
    let interrupted = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      const force = kill % 3 === 0;
      if (!force) rmSync(folder, { recursive: true, force: true });
      await pushInChild({ store, folder, layout, force, dots: random.between(1, steps) });
      if (checkMirror(folder, layout) < 3) interrupted++;
      if (kill % 6 !== 5) continue;
      await pushInChild({ store, folder, layout });
      assert.equal(checkMirror(folder, layout), 3);
      assert.ok(!existsSync(join(folder, '.regraft-tmp')), 'nothing is left of the killed pushes');
    }
    assert.ok(interrupted > 0, 'some kill came before the end');
  });
}

// A push that is killed at any point leaves a mirror that can be used: no specfile without its tarball, no half file under a final
// name; and the next push completes what is missing.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { parseSpecfile, requireChecksum } from '../../../src/buildcache/specfile/specfile.js';
import { tarballPath } from '../../../src/mirror/classic/paths.js';
import { SeededRandom } from '../../helpers/seeded-random.js';
import { makeSmallStore, type SmallStore } from '../../helpers/small-store.js';
import { moduleText } from '../../store/child.js';

const compiled = (name: string) => new URL(`../../../src/${name}.js`, import.meta.url).href;
const KILLS = 12;

/** Pushes all packages, and writes a dot before and after each step that changes the mirror. */
const CHILD = `
const [root, folder, force] = process.argv.slice(1);
const { writeSync } = await import('node:fs');
const { push } = await import('${compiled('operations/publish/push')}');
const { openStore } = await import('${compiled('operations/open-store')}');
const { ClassicCache } = await import('${compiled('mirror/classic/classic-cache')}');
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
const mirror = { cache: new ClassicCache({ store: objects }), requiresSignature: true };
const store = openStore({ root, spackPrefix: '/spack', environment: {} });
const specs = [...store.database.records().keys()].map((hash) => store.specOf(hash));
const report = await push({ specs, store, mirror, engine: selectEngine('js', {}), parallelism: 2, force: force === 'force' });
if (report.packages.some(({ error }) => error !== undefined)) process.exit(1);
`;

/** Starts a push and kills it when it has written so many dots; undefined: lets it end. Returns the number of dots. */
async function pushInChild(
  store: SmallStore,
  folder: string,
  force: boolean,
  dots?: number,
): Promise<number> {
  const parameters = moduleText(CHILD, store.root, folder, force ? 'force' : '');
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
function checkMirror(folder: string): number {
  const names = existsSync(folder) ? (readdirSync(folder, { recursive: true }) as string[]) : [];
  const published = names.filter((name) => !name.startsWith('.regraft-tmp'));
  for (const name of published.filter((each) => each.endsWith('.spack')))
    assert.ok(gunzipSync(readFileSync(join(folder, name))).length > 0);
  const specfiles = published.filter((each) => each.endsWith('.spec.json'));
  for (const name of specfiles) {
    const specfile = parseSpecfile(readFileSync(join(folder, name)), name);
    const tarball = readFileSync(join(folder, tarballPath(specfile.spec.root, specfile.spec)));
    assert.equal(createHash('sha256').update(tarball).digest('hex'), requireChecksum(specfile), name);
  }
  return specfiles.length;
}

test('a push that is killed leaves a mirror that can be used', { timeout: 300_000 }, async (context) => {
  const random = new SeededRandom(11);
  const big = random.bytes(3_000_000, 60);
  const store = makeSmallStore(context, {
    app: { dependencies: ['zlib', 'base'], files: { big } },
    zlib: { files: { small: 'x' } },
    base: { files: { big } },
  });
  const folder = join(store.folder, 'mirror');
  const steps = await pushInChild(store, folder, false);
  assert.equal(checkMirror(folder), 3);
  let interrupted = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const force = kill % 3 === 0;
    if (!force) rmSync(folder, { recursive: true, force: true });
    await pushInChild(store, folder, force, random.between(1, steps));
    if (checkMirror(folder) < 3) interrupted++;
    if (kill % 6 !== 5) continue;
    await pushInChild(store, folder, false);
    assert.equal(checkMirror(folder), 3);
    assert.ok(!existsSync(join(folder, '.regraft-tmp')), 'nothing is left of the killed pushes');
  }
  assert.ok(interrupted > 0, 'some kill came before the end');
});

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseSpecfile } from '../../../src/buildcache/specfile/specfile.js';
import { MirrorError } from '../../../src/core/errors.js';
import { openMirror } from '../../../src/mirror/open-mirror.js';
import { checkSpecs, resolveCheckedSpecs } from '../../../src/operations/query/check.js';
import type { Spec } from '../../../src/spec/spec.js';
import { allNodes, subSpec } from '../../../src/spec/traverse.js';
import { buildCache, hashFor, PLATFORM } from '../../helpers/cache-builder.js';
import { MirrorServer, serveStatus } from '../../helpers/mirror-server.js';
import { makeKey } from '../../signature/temporary-keys.js';
import { temporaryFolder } from '../../store/temporary-folder.js';
import { recordingRetry } from '../../transport/http/recording-retry.js';

const SKETCHES = [
  { name: 'gcc', external: '/usr' },
  { name: 'base', dependencies: ['gcc:build'] },
  { name: 'top', dependencies: ['base'] },
] as const;

function specIn(folder: string, path: string): Spec {
  return parseSpecfile(readFileSync(join(folder, path)), path).spec;
}

test('checkSpecs counts signed and unsigned metadata, and reports as Spack does', async (t) => {
  const folder = temporaryFolder(t);
  const unsigned = await buildCache(join(folder, 'unsigned'), SKETCHES);
  const signed = await buildCache(join(folder, 'signed'), SKETCHES, { key: await makeKey() });
  mkdirSync(join(folder, 'empty'));
  const top = specIn(unsigned.folder, unsigned.get('top').specfile);
  const specs = allNodes(top).map((node) => subSpec(top, node));
  assert.equal(specs.length, 3);
  const open = (name: string) => openMirror(join(folder, name), { name });
  assert.deepEqual(await checkSpecs({ specs, mirrors: [await open('unsigned'), await open('signed')] }), {});
  rmSync(join(signed.folder, signed.get('base').specfile));
  const mirrors = await Promise.all(['unsigned', 'empty', 'signed'].map(open));
  const report = await checkSpecs({ specs, mirrors, jobs: 1 });
  const rebuild = (name: string) => ({
    short_spec: `${name}@1.0%gcc@12.2.0+shared build_system=generic arch=${PLATFORM}-debian12-x86_64/${hashFor(name).slice(0, 7)}`,
    hash: hashFor(name),
  });
  const of = async (name: string, names: readonly string[]) => {
    const { url } = (await open(name)).cache;
    return [url, { mirrorName: name, mirrorUrl: url, rebuildSpecs: names.map(rebuild) }];
  };
  assert.deepEqual(Object.entries(report), [
    await of('empty', ['top', 'base']),
    await of('signed', ['base']),
  ]);
});

test('checkSpecs does not take a mirror that does not answer for one that lacks a package', async (t) => {
  const folder = temporaryFolder(t);
  const cache = await buildCache(folder, SKETCHES);
  const { specfile } = cache.get('base');
  const server = await MirrorServer.start();
  t.after(() => server.close());
  server.handle(`/${specfile}.sig`, serveStatus(404)).handle(`/${specfile}`, serveStatus(403));
  const mirror = await openMirror(server.url, { environment: {}, retry: recordingRetry(1) });
  const specs = [specIn(folder, specfile)];
  await assert.rejects(checkSpecs({ specs, mirrors: [mirror] }), MirrorError);
  server.handle(`/${specfile}`, serveStatus(404));
  assert.equal(Object.keys(await checkSpecs({ specs, mirrors: [mirror] })).length, 1);
  await mirror.cache.close?.();
});

test('resolveCheckedSpecs: a specfile means its package, a lockfile all of its packages', async (t) => {
  const folder = temporaryFolder(t);
  const cache = await buildCache(folder, SKETCHES);
  const { specfile } = cache.get('top');
  const { nodes } = JSON.parse(readFileSync(join(folder, specfile), 'utf8')).spec;
  const lockfile = join(folder, 'spack.lock');
  writeFileSync(
    lockfile,
    JSON.stringify({
      _meta: { 'file-type': 'spack-lockfile', 'lockfile-version': 5, 'specfile-version': 4 },
      roots: [{ hash: hashFor('top'), spec: 'top' }],
      concrete_specs: Object.fromEntries(nodes.map((node: { hash: string }) => [node.hash, node])),
    }),
  );
  const resolve = async (queries: readonly string[]) => {
    const openStore = () => {
      throw new TypeError('nobody needs the store');
    };
    const readFile = async (path: string) => readFileSync(path);
    return (await resolveCheckedSpecs({ queries, openStore, readFile })).map(({ root }) => root.name);
  };
  const copy = join(folder, 'copy.spec.json');
  writeFileSync(copy, readFileSync(join(folder, specfile)));
  assert.deepEqual(await resolve([copy]), ['top']);
  assert.deepEqual((await resolve([lockfile, copy])).sort(), ['base', 'gcc', 'top']);
  await assert.rejects(resolve(['top']), TypeError);
});

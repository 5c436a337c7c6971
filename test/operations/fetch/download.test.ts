import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import type { PrivateKey } from 'openpgp';
import { IndexClient } from '../../../src/mirror/index/index-client.js';
import { openMirror } from '../../../src/mirror/open-mirror.js';
import { download } from '../../../src/operations/fetch/download.js';
import { resolveSpecs } from '../../../src/operations/query/resolve-specs.js';
import { JsEngine } from '../../../src/relocation/engines/js.js';
import { Keyring } from '../../../src/signature/keys/keyring.js';
import { openObjectStore } from '../../../src/transport/open-store.js';
import {
  type BuiltCache,
  buildCache,
  type CacheOptions,
  type PackageSketch,
} from '../../helpers/cache-builder.js';
import { packPackages } from '../../helpers/packed-package.js';
import { keyringOf, makeKey } from '../../signature/temporary-keys.js';
import { temporaryFolder } from '../../store/temporary-folder.js';

const FIXTURES = process.env.REGRAFT_FIXTURES;
const SKETCHES: readonly PackageSketch[] = [{ name: 'base' }, { name: 'top', dependencies: ['base'] }];

interface Run {
  readonly folder: string;
  readonly mirrors: readonly string[];
  readonly queries?: readonly string[];
  readonly keyring?: Keyring;
}

/** Without a keyring signatures are not checked. */
async function run({ folder, mirrors: roots, queries = ['top'], keyring }: Run) {
  const mirrors = await Promise.all(roots.map((root) => openMirror(root)));
  const { catalog } = await new IndexClient({ cacheFolder: join(folder, 'cache'), mirrors }).load();
  const temporaryFolder = join(folder, 'temporary');
  mkdirSync(temporaryFolder, { recursive: true });
  const report = await download({
    specs: await resolveSpecs({ queries, catalog, mirrors, readFile }),
    mirrors,
    catalog,
    destination: await openObjectStore(join(folder, 'out')),
    keyring: keyring ?? (await Keyring.load({})),
    checkSignature: keyring !== undefined,
    engine: new JsEngine(),
    temporaryFolder,
  });
  assert.deepEqual(temporaries(temporaryFolder), [], 'something temporary is left');
  return report;
}

function temporaries(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => name);
}

/** The files in the destination, with their paths. */
function downloaded(folder: string): string[] {
  const out = join(folder, 'out');
  if (!existsSync(out)) return [];
  return readdirSync(out, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(out.length + 1))
    .sort();
}

const urlOf = async (folder: string) => (await openMirror(folder)).cache.url;

const inCache = (path: string) => path.replace(/^build_cache\//, '');

function checkFiles(folder: string, cache: BuiltCache, name = 'top'): void {
  const { tarball, specfile } = cache.get(name);
  assert.deepEqual(downloaded(folder), [inCache(tarball), inCache(specfile)].sort());
  for (const path of [tarball, specfile])
    assert.deepEqual(
      readFileSync(join(folder, 'out', inCache(path))),
      readFileSync(join(cache.folder, path)),
    );
}

/** The top, with another package in the place of its base. */
function splice(sketches: readonly PackageSketch[]) {
  const nodes = packPackages(sketches, { withParents: true }).map(({ node }) => node as unknown as SpecNode);
  const [base, top, newer] = nodes as [SpecNode, SpecNode, SpecNode];
  const dependencies = top.dependencies.map((edge) => ({ ...edge, name: newer.name, hash: newer.hash }));
  const hash = `${'s'.repeat(25)}${top.hash.slice(25)}`;
  const spliced = { ...top, dependencies, build_spec: { name: top.name, hash: top.hash }, hash };
  return { hash, spec: { _meta: { version: 4 }, nodes: [spliced, newer, top, base] } };
}

interface SpecNode {
  readonly name: string;
  readonly hash: string;
  readonly dependencies: readonly Readonly<Record<string, unknown>>[];
}

async function place(t: TestContext, spoil: Partial<PackageSketch> = {}, options: CacheOptions = {}) {
  const folder = temporaryFolder(t);
  const [base, top] = SKETCHES as [PackageSketch, PackageSketch];
  const cache = await buildCache(join(folder, 'mirror'), [base, { ...top, ...spoil }], options);
  return { folder, cache, good: () => buildCache(join(folder, 'good'), SKETCHES, options) };
}

describe('download', () => {
  test('brings tarball and metadata of what was named, as they are', async (t) => {
    const { folder, cache } = await place(t);
    const { packages } = await run({ folder, mirrors: [cache.folder] });
    checkFiles(folder, cache);
    const { name, outcome, mirror, files, bytes } = packages[0] ?? {};
    assert.deepEqual(
      [packages.length, name, outcome, mirror],
      [1, 'top', 'downloaded', await urlOf(cache.folder)],
    );
    assert.deepEqual([...(files ?? [])].sort(), downloaded(folder));
    assert.equal(bytes, readFileSync(join(cache.folder, cache.get('top').tarball)).length);
    await run({ folder, mirrors: [cache.folder] });
    checkFiles(folder, cache);
  });

  for (const kind of ['classic', 'manifest'] as const)
    test(`brings what the build spec of a spliced one has, from a ${kind} cache`, async (t) => {
      const sketches = [...SKETCHES, { name: 'newer', version: '2.0' }];
      const folder = temporaryFolder(t);
      const key = await makeKey();
      const cache = await buildCache(join(folder, 'mirror'), sketches, { kind, key });
      const path = join(folder, 'spliced.spec.json');
      const { hash: spliced, spec } = splice(sketches);
      writeFileSync(path, JSON.stringify({ spec }));
      const order = { folder, queries: [path], mirrors: [cache.folder], keyring: await keyringOf(key) };
      const { packages } = await run(order);
      await run({ ...order, folder: join(folder, 'built'), queries: ['top'] });
      assert.deepEqual(
        packages.map(({ hash, outcome }) => [hash, outcome]),
        [[spliced, 'downloaded']],
      );
      assert.ok(downloaded(folder).length > 1);
      assert.deepEqual(downloaded(folder), downloaded(join(folder, 'built')));

      rmSync(join(cache.folder, kind === 'classic' ? 'build_cache' : 'v3/manifests/spec/top'), {
        recursive: true,
      });
      const { packages: none } = await run(order);
      assert.match(
        none[0]?.error?.message ?? '',
        /^Cannot download the spliced "top\/.*" without its build spec "top\//,
      );
    });

  test('takes signed metadata of any mirror before unsigned', async (t) => {
    const { folder, cache } = await place(t);
    const key = await makeKey();
    const signed = await buildCache(join(folder, 'signed'), SKETCHES, { key });
    const keyring = await keyringOf(key);
    const { packages } = await run({ folder, mirrors: [cache.folder, signed.folder], keyring });
    assert.equal(packages[0]?.mirror, await urlOf(signed.folder));
    checkFiles(folder, signed);
  });

  for (const [what, spoil] of [
    ['a tarball that is missing', { spoilTarball: () => undefined }],
    [
      'a tarball that was changed',
      { spoilTarball: (bytes: Buffer) => Buffer.concat([bytes, Buffer.from('x')]) },
    ],
    ['metadata that is missing', { spoilSpecfile: () => undefined }],
    ['metadata that is broken', { spoilSpecfile: (text: Buffer) => text.subarray(1) }],
    [
      'metadata without a checksum',
      { spoilMetadata: (metadata: object) => ({ ...metadata, binary_cache_checksum: undefined }) },
    ],
  ] as const) {
    test(`${what}: the next mirror is asked; without one nothing is left`, async (t) => {
      const { folder, cache, good } = await place(t, spoil);
      const { packages } = await run({ folder, mirrors: [cache.folder] });
      assert.equal(packages[0]?.outcome, 'failed');
      assert.ok(packages[0]?.error);
      assert.deepEqual(downloaded(folder), []);
      const next = await good();
      const second = await run({ folder, mirrors: [cache.folder, next.folder] });
      assert.equal(second.packages[0]?.mirror, await urlOf(next.folder));
      checkFiles(folder, next);
    });
  }

  test('a signature that is missing or not trusted is refused before the tarball is fetched', async (t) => {
    const key: PrivateKey = await makeKey();
    const { folder, cache } = await place(t, {}, { key });
    const other = await keyringOf(await makeKey());
    rmSync(join(cache.folder, cache.get('top').tarball));
    const refused = await run({ folder, mirrors: [cache.folder], keyring: other });
    assert.equal(refused.packages[0]?.error?.code, 'signature-unknown-key');
    const missing = await run({ folder, mirrors: [cache.folder], keyring: await keyringOf(key) });
    assert.equal(missing.packages[0]?.error?.code, 'mirror-not-found');
    const unsigned = await buildCache(join(folder, 'unsigned'), SKETCHES);
    const report = await run({ folder, mirrors: [unsigned.folder], keyring: other });
    assert.equal(report.packages[0]?.error?.code, 'signature-missing');
    assert.deepEqual(downloaded(folder), []);
  });

  test('goes on with the others after a failure', async (t) => {
    const { folder, cache } = await place(t, { spoilTarball: () => undefined });
    const { packages } = await run({ folder, mirrors: [cache.folder], queries: ['top', 'base'] });
    assert.deepEqual(
      packages.map(({ name, outcome }) => [name, outcome]),
      [
        ['top', 'failed'],
        ['base', 'downloaded'],
      ],
    );
    checkFiles(folder, cache, 'base');
  });

  test('a destination that cannot be written is an error, not a reason to ask the next mirror', async (t) => {
    const { folder, cache } = await place(t);
    writeFileSync(join(folder, 'out'), 'a file');
    await assert.rejects(run({ folder, mirrors: [cache.folder] }), /Cannot write/);
  });
});

describe('download of layout 0', { skip: FIXTURES === undefined && 'REGRAFT_FIXTURES is not set' }, () => {
  const caches = join(FIXTURES ?? '', 'caches');

  test('verifies the signature inside of the tarball', async (t) => {
    const keyring = await Keyring.load({ files: [join(FIXTURES ?? '', 'keys/fixture-key.pub')] });
    const signed = join(caches, 'layout0-signed');
    for (const query of ['libalpha', 'libplain']) {
      const folder = temporaryFolder(t);
      const { packages } = await run({ folder, mirrors: [signed], queries: [query], keyring });
      assert.equal(packages[0]?.outcome, 'downloaded');
      const [tarball = ''] = downloaded(folder).filter((path) => path.endsWith('.spack'));
      assert.deepEqual(
        readFileSync(join(folder, 'out', tarball)),
        readFileSync(join(signed, 'build_cache', tarball)),
      );
    }
    const folder = temporaryFolder(t);
    const mirrors = [join(caches, 'layout0-unsigned')];
    const refused = await run({ folder, mirrors, queries: ['libalpha'], keyring });
    assert.equal(refused.packages[0]?.error?.code, 'signature-missing');
    assert.deepEqual(downloaded(folder), []);
    assert.equal((await run({ folder, mirrors, queries: ['libalpha'] })).packages[0]?.outcome, 'downloaded');
  });
});

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { BuildcacheError, type ErrorCode, MirrorError } from '../../../src/core/errors.js';
import type { ProgressEvent } from '../../../src/core/progress.js';
import { openMirror } from '../../../src/mirror/open-mirror.js';
import { indexMirror } from '../../../src/operations/publish/index-mirror.js';
import { type BuiltCache, buildCache, type PackageSketch } from '../../helpers/cache-builder.js';
import { watchedMirror } from '../../helpers/watched-mirror.js';
import { makeKey } from '../../signature/temporary-keys.js';
import { temporaryFolder } from '../../store/temporary-folder.js';

const FIXTURES = process.env.REGRAFT_FIXTURES;
const STACK: readonly PackageSketch[] = [
  { name: 'gcc', external: '/usr' },
  { name: 'base', dependencies: ['gcc:build'] },
  { name: 'top', dependencies: ['base', 'gcc:build'] },
];

async function makeCache(t: TestContext, signed = false): Promise<BuiltCache & { readonly index: string }> {
  const folder = temporaryFolder(t);
  const cache = await buildCache(folder, STACK, { index: false, ...(signed && { key: await makeKey() }) });
  return { ...cache, index: join(folder, 'build_cache/index.json') };
}

/** The text of the index of layout 3. */
function indexBlob(folder: string, view = ''): string {
  const manifest = join(folder, 'v3/manifests/index', view, 'index.manifest.json');
  const { data } = JSON.parse(readFileSync(manifest, 'utf8')) as { data: [{ checksum: string }] };
  const [{ checksum }] = data;
  return readFileSync(join(folder, 'blobs/sha256', checksum.slice(0, 2), checksum), 'utf8');
}

function installsOf(file: string): Record<string, { ref_count: number; in_buildcache: boolean }> {
  return JSON.parse(readFileSync(file, 'utf8')).database.installs;
}

function expectCode(code: ErrorCode) {
  return (error: unknown) => error instanceof BuildcacheError && error.code === code;
}

describe('indexMirror', () => {
  for (const signed of [false, true]) {
    test(`writes the index and its hash from ${signed ? 'signed' : 'unsigned'} specfiles`, async (t) => {
      const cache = await makeCache(t, signed);
      const report = await indexMirror({ mirror: await openMirror(cache.folder), jobs: 2 });
      const bytes = readFileSync(cache.index);
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      assert.equal(readFileSync(`${cache.index}.hash`, 'utf8'), sha256);
      const { packages, records, size, unreadable, keys } = report;
      assert.deepEqual(
        { packages, records, size, sha256: report.sha256, unreadable, keys },
        {
          packages: 2,
          records: 3,
          size: bytes.length,
          sha256,
          unreadable: [],
          keys: undefined,
        },
      );
      const records_ = Object.entries(installsOf(cache.index)).map(([hash, record]) => [
        hash.slice(0, 3),
        record.ref_count,
        record.in_buildcache,
      ]);
      assert.deepEqual(records_.sort(), [
        ['bas', 1, true],
        ['gcc', 2, false],
        ['top', 0, true],
      ]);
      assert.ok(
        !readdirSync(cache.folder).some((name) => name.startsWith('.')),
        'something temporary is left',
      );
    });
  }

  test('a specfile that cannot be read is a warning that names it, and is left out', async (t) => {
    const cache = await makeCache(t);
    const root = join(cache.folder, 'build_cache');
    const top = readFileSync(join(cache.folder, cache.get('top').specfile), 'utf8');
    const broken = {
      'truncated-aaa.spec.json': top.slice(0, 100),
      'signed-aaa.spec.json.sig': top,
      'empty-aaa.spec.json': '',
      'other-aaa.spec.json': top,
      'layout-aaa.spec.json': top.replace('"buildcache_layout_version":1', '"buildcache_layout_version":9'),
      'cyclic-aaa.spec.json': '{"spec":{"_meta":{"version":4},"nodes":[]}}',
    };
    for (const [name, text] of Object.entries(broken)) writeFileSync(join(root, name), text);
    mkdirSync(join(root, 'folder-aaa.spec.json'));
    writeFileSync(join(root, 'notes.json'), 'no specfile');
    const warnings: ProgressEvent[] = [];
    const report = await indexMirror(
      { mirror: await openMirror(cache.folder) },
      { onProgress: (event) => warnings.push(event) },
    );
    const names = [...Object.keys(broken), 'folder-aaa.spec.json'].sort();
    assert.deepEqual(
      report.unreadable.map(({ location }) => location),
      names.map((name) => join(root, name)),
    );
    assert.equal(report.packages, 2);
    for (const name of names) {
      const told = warnings.some((event) => event.type === 'warning' && event.message.includes(name));
      assert.ok(told, name);
    }
  });

  test('when no specfile can be read, the old index stays', async (t) => {
    const cache = await makeCache(t);
    await indexMirror({ mirror: await openMirror(cache.folder) });
    const before = readFileSync(cache.index);
    for (const { specfile } of cache.packages.values()) writeFileSync(join(cache.folder, specfile), 'x');
    await assert.rejects(
      indexMirror({ mirror: await openMirror(cache.folder) }),
      expectCode('metadata-syntax'),
    );
    assert.deepEqual(readFileSync(cache.index), before);
  });

  test('a mirror without packages gets an empty index; one that is not there is an error', async (t) => {
    const folder = temporaryFolder(t);
    const { packages } = await indexMirror({ mirror: await openMirror(folder) });
    assert.equal(packages, 0);
    assert.deepEqual(installsOf(join(folder, 'build_cache/index.json')), {});
    const absent = await openMirror(join(folder, 'absent'));
    await assert.rejects(indexMirror({ mirror: absent }), expectCode('mirror-unreachable'));
    const web = await openMirror('http://127.0.0.1:1/');
    await assert.rejects(indexMirror({ mirror: web }), expectCode('mirror-read-only'));
    await web.cache.close?.();
  });

  test('a mirror with nothing but packages of layout 3 gets no other index', async (t) => {
    const folder = temporaryFolder(t);
    const manifest = join(folder, 'v3/manifests/spec/base/base-1.0-x.spec.manifest.json');
    mkdirSync(dirname(manifest), { recursive: true });
    writeFileSync(manifest, '{}');
    await assert.rejects(indexMirror({ mirror: await openMirror(folder) }), expectCode('metadata-invalid'));
    assert.deepEqual(readdirSync(folder), ['v3']);
    rmSync(manifest);
    await buildCache(folder, STACK, { kind: 'manifest', index: false });
    const { indexes } = await indexMirror({ mirror: await openMirror(folder) });
    assert.deepEqual(
      indexes.map(({ location, packages }) => [location, packages]),
      [[join(folder, 'v3/manifests/index/index.manifest.json'), 2]],
    );
    assert.deepEqual(readdirSync(folder).sort(), ['blobs', 'v3']);
  });

  test('each layout that has packages gets its index, with its keys', async (t) => {
    const folder = temporaryFolder(t);
    await buildCache(folder, STACK, { index: false });
    await buildCache(folder, [{ name: 'other' }], { kind: 'manifest', index: false });
    const report = await indexMirror({ mirror: await openMirror(folder), keys: true });
    assert.deepEqual(
      report.indexes.map(({ packages, records }) => [packages, records]),
      [
        [1, 1],
        [2, 3],
      ],
    );
    assert.equal(report.packages, 1);
    assert.equal(Object.keys(installsOf(join(folder, 'build_cache/index.json'))).length, 3);
    assert.ok(existsSync(join(folder, 'v3/manifests/key/keys.manifest.json')));
    assert.ok(existsSync(join(folder, 'build_cache/_pgp/index.json')));
    const { database } = JSON.parse(indexBlob(folder)) as { database: { version: string } };
    assert.equal(database.version, '8');
  });

  test('replaces the hash before the index: readers never stay with an old one', async (t) => {
    const cache = await makeCache(t);
    const order: string[] = [];
    const mirror = await watchedMirror(cache.folder, (object) => {
      const commit = object.commit.bind(object);
      object.commit = async (path, condition) => {
        const facts = await commit(path, condition);
        order.push(path);
        return facts;
      };
    });
    await indexMirror({ mirror });
    assert.deepEqual(order, ['build_cache/index.json.hash', 'build_cache/index.json']);
  });

  test('a failure while the index is written keeps the old one', async (t) => {
    const cache = await makeCache(t);
    await indexMirror({ mirror: await openMirror(cache.folder) });
    const before = readFileSync(cache.index);
    rmSync(join(cache.folder, cache.get('top').specfile));
    const mirror = await watchedMirror(cache.folder, (object) => {
      object.write = () => Promise.reject(new MirrorError('mirror-full', 'full'));
    });
    await assert.rejects(indexMirror({ mirror }), expectCode('mirror-full'));
    assert.deepEqual(readFileSync(cache.index), before);
    assert.deepEqual(readdirSync(cache.folder), ['build_cache']);
  });

  test('ends with the signal', async (t) => {
    const cache = await makeCache(t);
    const reason = new Error('enough');
    const mirror = await openMirror(cache.folder);
    await assert.rejects(indexMirror({ mirror }, { signal: AbortSignal.abort(reason) }), reason);
    assert.throws(() => readFileSync(cache.index));
  });

  test('with keys: names every key, and leaves out what does not hold the key of its name', async (t) => {
    const cache = await makeCache(t);
    const [good, other] = [await makeKey(), await makeKey()];
    const folder = join(cache.folder, 'build_cache/_pgp');
    mkdirSync(folder);
    const fingerprint = good.getFingerprint().toUpperCase();
    writeFileSync(join(folder, `${fingerprint}.pub`), good.toPublic().armor());
    writeFileSync(join(folder, `${other.getFingerprint().toUpperCase()}.pub`), good.toPublic().armor());
    writeFileSync(join(folder, `${'AB'.repeat(20)}.pub`), 'broken');
    writeFileSync(join(folder, 'readme.txt'), 'no key');
    const warnings: string[] = [];
    const onProgress = (event: ProgressEvent) =>
      void warnings.push(event.type === 'warning' ? event.code : event.type);
    const { keys } = await indexMirror(
      { mirror: await openMirror(cache.folder), keys: true },
      { onProgress },
    );
    assert.deepEqual(keys?.fingerprints, [fingerprint]);
    assert.deepEqual(warnings.sort(), ['key-mismatch', 'key-unreadable']);
    assert.equal(readFileSync(join(folder, 'index.json'), 'utf8'), `{"keys":{"${fingerprint}":{}}}`);
  });
});

test('indexMirror: parsed, index and key index equal those of Spack for the same specfiles', {
  skip: FIXTURES === undefined && 'REGRAFT_FIXTURES is not set',
}, async (t) => {
  for (const name of [
    'caches/padded-signed',
    'caches/layout0-unsigned',
    '../fixtures-v2v3/caches/layout2-signed',
  ]) {
    const folder = temporaryFolder(t);
    cpSync(join(FIXTURES ?? '', name), folder, {
      recursive: true,
      filter: (file) => !file.endsWith('.spack'),
    });
    chmodSync(folder, 0o755);
    const parse = (file: string) => JSON.parse(readFileSync(join(folder, 'build_cache', file), 'utf8'));
    const expected = parse('index.json');
    const expectedKeys = name.includes('unsigned') ? { keys: {} } : parse('_pgp/index.json');
    await indexMirror({ mirror: await openMirror(folder), keys: true });
    assert.deepEqual(parse('index.json'), expected);
    assert.deepEqual(parse('_pgp/index.json'), expectedKeys);
  }
});

test('indexMirror: of layout 3, parsed, index and key index equal those of Spack for the same manifests', {
  skip: FIXTURES === undefined && 'REGRAFT_FIXTURES is not set',
}, async (t) => {
  for (const name of ['layout3-signed', 'layout3-unsigned', 'layout3-padded-signed']) {
    const folder = temporaryFolder(t);
    cpSync(join(FIXTURES ?? '', '../fixtures-v2v3/caches', name), folder, { recursive: true });
    chmodSync(folder, 0o755);
    const expected = JSON.parse(indexBlob(folder));
    const keys = join(folder, 'v3/manifests/key/keys.manifest.json');
    const expectedKeys = existsSync(keys) ? readFileSync(keys, 'utf8') : undefined;
    await indexMirror({ mirror: await openMirror(folder), keys: true });
    assert.deepEqual(JSON.parse(indexBlob(folder)), expected, name);
    if (expectedKeys !== undefined) assert.equal(readFileSync(keys, 'utf8'), expectedKeys);
  }
});

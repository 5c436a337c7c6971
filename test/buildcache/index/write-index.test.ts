import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { parsePackageIndex } from '../../../src/buildcache/index/package-index.js';
import { IndexBuilder, type IndexSpool } from '../../../src/buildcache/index/write-index.js';
import { parseSpecfile } from '../../../src/buildcache/specfile/specfile.js';
import { extractClearsigned } from '../../../src/signature/clearsign/clearsign.js';
import { parseSpecDictionary } from '../../../src/spec/json/spec-json.js';
import type { JsonObject, Spec } from '../../../src/spec/spec.js';
import { buildSpec, hashOf } from '../../store/spec-builder.js';

const FIXTURES = process.env.REGRAFT_FIXTURES;

/** A spool in memory that overwrites what it lent before. */
class MemorySpool implements IndexSpool {
  #bytes = Buffer.alloc(0);
  #lent = new Uint8Array(0);

  append(bytes: Uint8Array): number {
    const offset = this.#bytes.length;
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    return offset;
  }

  read(offset: number, length: number): Uint8Array {
    this.#lent.fill(0x78);
    this.#lent = Uint8Array.from(this.#bytes.subarray(offset, offset + length));
    return this.#lent;
  }
}

function builderOf(specs: readonly Spec[]): IndexBuilder {
  const builder = new IndexBuilder(new MemorySpool());
  for (const spec of specs) builder.add(spec);
  return builder;
}

function write(specs: readonly Spec[]): string {
  return Buffer.concat([...builderOf(specs).chunks()].map((chunk) => Buffer.from(chunk))).toString();
}

function installsOf(specs: readonly Spec[]) {
  const { database } = JSON.parse(write(specs));
  return database.installs as Record<string, { spec: JsonObject; ref_count: number; in_buildcache: boolean }>;
}

const STACK = {
  top: { dependencies: ['middle:build,link', 'base:run', 'tool:build'] },
  middle: { dependencies: ['base'] },
  base: {},
  tool: { dependencies: ['base'] },
} as const;

test('IndexBuilder counts build, link and run edges of all records', () => {
  const installs = installsOf([buildSpec(STACK)]);
  const counts = Object.entries(installs).map(([hash, record]) => [
    hash,
    record.ref_count,
    record.in_buildcache,
  ]);
  assert.deepEqual(Object.fromEntries(counts.map(([hash, ...rest]) => [hash, rest])), {
    [hashOf('base')]: [3, false],
    [hashOf('middle')]: [1, false],
    [hashOf('tool')]: [1, false],
    [hashOf('top')]: [0, true],
  });
});

test('IndexBuilder does not count an edge twice that several specfiles tell of', () => {
  const { base, middle } = STACK;
  const specs = [buildSpec({ middle, base }), buildSpec(STACK), buildSpec({ base }), buildSpec(STACK)];
  const installs = installsOf(specs);
  assert.equal(installs[hashOf('base')]?.ref_count, 3);
  const builder = builderOf(specs);
  assert.deepEqual([builder.packageCount, builder.recordCount], [3, 4]);
});

test('IndexBuilder writes the same bytes whatever the order, compact, in the order of the keys of Spack', () => {
  const { base, middle } = STACK;
  const specs = [buildSpec(STACK), buildSpec({ middle, base }), buildSpec({ base })];
  const expected = write(specs);
  const orders = fc.shuffledSubarray(specs, { minLength: specs.length });
  fc.assert(
    fc.property(orders, (order) => assert.equal(write(order), expected)),
    { seed: 1, numRuns: 12 },
  );
  assert.equal(expected, JSON.stringify(JSON.parse(expected)));
  assert.match(expected, /^\{"database":\{"version":"7","installs":\{"base/);
  for (const record of Object.values(JSON.parse(expected).database.installs)) {
    assert.deepEqual(Object.keys(record as object), ['spec', 'ref_count', 'in_buildcache']);
  }
});

test('IndexBuilder writes the same for each call of chunks', () => {
  const builder = builderOf([buildSpec(STACK)]);
  const bytes = () => Buffer.concat([...builder.chunks()].map((chunk) => Buffer.from(chunk)));
  assert.deepEqual(bytes(), bytes());
});

test("IndexBuilder believes a package's own specfile, not those of others", () => {
  const own = buildSpec({ base: {} });
  const lie = buildSpec({ top: { dependencies: ['base'] }, base: { dependencies: ['middle'] }, middle: {} });
  for (const order of [
    [own, lie],
    [lie, own],
  ]) {
    const installs = installsOf(order);
    assert.equal(installs[hashOf('base')]?.spec.dependencies, undefined);
    assert.equal(installs[hashOf('middle')]?.ref_count, 0);
    assert.equal(installs[hashOf('base')]?.ref_count, 1);
  }
});

test('IndexBuilder: an index of nothing', () => {
  assert.equal(write([]), '{"database":{"version":"7","installs":{}}}');
});

test('IndexBuilder keeps externals as records', () => {
  const installs = installsOf([buildSpec({ top: { dependencies: ['mpi'] }, mpi: { external: '/usr' } })]);
  assert.deepEqual(installs[hashOf('mpi')]?.spec.external, {
    path: '/usr',
    module: null,
    extra_attributes: {},
  });
  assert.equal(installs[hashOf('mpi')]?.in_buildcache, false);
});

test('IndexBuilder writes old formats as 4, and everything as 5 where a node of format 5 is', () => {
  const node = { version: '1', arch: { platform: 'linux', platform_os: 'x', target: 'y' }, parameters: {} };
  const compiler = { name: 'gcc', version: '12' };
  const old = parseSpecDictionary({ spec: [{ old: { ...node, compiler, hash: hashOf('old') } }] }, 'old');
  const recent = parseSpecDictionary(
    {
      spec: {
        _meta: { version: 5 },
        nodes: [{ name: 'new', ...node, hash: hashOf('new'), annotations: { original_specfile_version: 5 } }],
      },
    },
    'new',
  );
  const four = installsOf([old]);
  assert.deepEqual([four[hashOf('old')]?.spec.name, four[hashOf('old')]?.spec.compiler], ['old', compiler]);
  const five = write([old, recent]);
  const index = parsePackageIndex(Buffer.from(five), 'x');
  assert.equal(index.version, 8);
  assert.deepEqual(index.get(hashOf('old'))?.node.compiler, compiler);
  const { spec } = JSON.parse(five).database.installs[hashOf('old')];
  assert.deepEqual(spec.annotations, { original_specfile_version: 4, compiler: 'gcc@=12' });
  assert.equal(write([recent, old]), five);
});

const skip = FIXTURES === undefined && 'REGRAFT_FIXTURES is not set';

test('IndexBuilder: parsed, the index of every cache of the fixtures equals the reference’s', {
  skip,
}, () => {
  let compared = 0;
  for (const caches of ['caches', '../fixtures-v2v3/caches'].map((name) => join(FIXTURES ?? '', name))) {
    for (const cache of readdirSync(caches).filter((name) => !name.startsWith('layout3'))) {
      const folder = join(caches, cache, 'build_cache');
      const specs = readdirSync(folder)
        .filter((name) => /\.spec\.json(\.sig)?$/.test(name))
        .map((name) => {
          const bytes = readFileSync(join(folder, name));
          return parseSpecfile(name.endsWith('.sig') ? extractClearsigned(bytes, name) : bytes, name).spec;
        });
      const expected = JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8'));
      assert.deepEqual(JSON.parse(write(specs)), expected, cache);
      compared++;
    }
  }
  assert.equal(compared, 11);
});

test('IndexBuilder: version 8, from the spec blobs of layout 3, equals the index of Spack 1.1', {
  skip,
}, () => {
  for (const cache of ['layout3-signed', 'layout3-unsigned', 'layout3-padded-signed']) {
    const root = join(FIXTURES ?? '', '../fixtures-v2v3/caches', cache);
    const blob = (digest: string) => readFileSync(join(root, 'blobs/sha256', digest.slice(0, 2), digest));
    const manifests = join(root, 'v3/manifests');
    const specs = readdirSync(join(manifests, 'spec'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.json'))
      .map((name) => {
        const bytes = readFileSync(join(manifests, 'spec', name));
        const text = cache.includes('unsigned') ? bytes : extractClearsigned(bytes, name);
        const { data } = JSON.parse(Buffer.from(text).toString());
        const { checksum } = data.find((each: { mediaType: string }) =>
          each.mediaType.includes('spack.spec'),
        );
        return parseSpecfile(gunzipSync(blob(checksum)), name).spec;
      });
    const { data } = JSON.parse(readFileSync(join(manifests, 'index/index.manifest.json'), 'utf8'));
    const expected = JSON.parse(blob(data[0].checksum).toString());
    assert.deepEqual(JSON.parse(write(specs)), expected, cache);
  }
});

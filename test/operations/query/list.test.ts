import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parsePackageIndex } from '../../../src/buildcache/index/package-index.js';
import { type MetadataError, UsageError } from '../../../src/core/errors.js';
import { PackageCatalog } from '../../../src/mirror/index/package-catalog.js';
import { openMirror } from '../../../src/mirror/open-mirror.js';
import { listPackages } from '../../../src/operations/query/list.js';
import { hashOf, nodeJson } from '../../mirror/index/index-text.js';

const FIXTURES = process.env.REGRAFT_FIXTURES;

const MIRROR = await openMirror('/mirror');

interface Sketch {
  readonly name: string;
  readonly letter: string;
  readonly version?: string;
  readonly target?: string;
  readonly compiler?: string;
  readonly parameters?: object;
  readonly broken?: boolean;
}

function catalogOf(...sketches: readonly Sketch[]): PackageCatalog {
  const installs = Object.fromEntries(
    sketches.map(
      ({ name, letter, version, target = 'x86_64', compiler = '12.2.0', parameters = {}, broken }) => {
        const node = {
          ...nodeJson(name, hashOf(letter), version),
          arch: { platform: 'linux', platform_os: 'debian12', target },
          compiler: { name: 'gcc', version: compiler },
          parameters,
        };
        const spec = broken ? { name } : node;
        return [hashOf(letter), { spec, ref_count: 0, in_buildcache: true }];
      },
    ),
  );
  const text = JSON.stringify({ database: { version: '7', installs } });
  return new PackageCatalog([{ mirror: MIRROR, index: parsePackageIndex(Buffer.from(text), 'index') }]);
}

const CATALOG = catalogOf(
  { name: 'zlib', letter: 'a', version: '1.2.11' },
  { name: 'zlib', letter: 'b', version: '1.2.9', compiler: '13.1.0' },
  { name: 'zlib', letter: 'c', version: '1.3', parameters: { shared: true, build: 'x' } },
  { name: 'curl', letter: 'd', version: '8.0', target: 'x86_64_v3' },
);

function list(...queries: readonly string[]): string[] {
  return listPackages({ catalog: CATALOG, queries }).map(({ node }) => `${node.name}@${node.version}`);
}

test('listPackages sorts by architecture, compiler, name and version, numbers as numbers', () => {
  assert.deepEqual(list(), ['zlib@1.2.11', 'zlib@1.3', 'zlib@1.2.9', 'curl@8.0']);
  assert.deepEqual(listPackages({ catalog: CATALOG, queries: [] })[0]?.mirrors, [MIRROR.cache.url]);
});

test('listPackages: name, version ranges, hash, architecture, compiler, variants', () => {
  for (const [query, expected] of [
    ['zlib', ['zlib@1.2.11', 'zlib@1.3', 'zlib@1.2.9']],
    ['zlib@1.2:1.2', ['zlib@1.2.11', 'zlib@1.2.9']],
    ['zlib@1.2.10:', ['zlib@1.2.11', 'zlib@1.3']],
    ['zlib@=1.3', ['zlib@1.3']],
    ['/bb', ['zlib@1.2.9']],
    [`zlib/${hashOf('a')}`, ['zlib@1.2.11']],
    ['zlib/d', []],
    ['arch=linux-debian12-x86_64_v3', ['curl@8.0']],
    ['target=x86_64_v3', ['curl@8.0']],
    ['%gcc@13', ['zlib@1.2.9']],
    ['zlib%gcc@12', ['zlib@1.2.11', 'zlib@1.3']],
    ['+shared', ['zlib@1.3']],
    ['zlib~shared', []],
    ['build=x', ['zlib@1.3']],
    ['absent', []],
  ] as const) {
    assert.deepEqual(list(query), expected, query);
  }
  assert.deepEqual(list('curl', '/bb', 'curl@8'), ['zlib@1.2.9', 'curl@8.0']);
});

test('listPackages refuses files and what is no spec', () => {
  for (const query of ['x.spec.json', './spack.lock']) {
    assert.throws(
      () => list(query),
      (error: unknown) => error instanceof UsageError && error.code === 'usage',
    );
  }
  assert.throws(
    () => list('@@'),
    (error: unknown) => error instanceof UsageError && error.code === 'spec-syntax',
  );
});

test('listPackages leaves out what no index describes properly, and tells', () => {
  const catalog = catalogOf({ name: 'zlib', letter: 'a' }, { name: 'curl', letter: 'b', broken: true });
  const told: MetadataError[] = [];
  const onUnreadable = (error: MetadataError) => void told.push(error);
  const found = listPackages({ catalog, queries: [], onUnreadable });
  assert.deepEqual(
    found.map(({ hash }) => hash),
    [hashOf('a')],
  );
  assert.equal(told.length, 1);
  assert.match(told[0]?.message ?? '', new RegExp(hashOf('b')));
  assert.deepEqual(listPackages({ catalog, queries: ['zlib', 'curl'] }).length, 1);
});

test('listPackages knows the compilers of format 5, also where their record is missing', {
  skip: FIXTURES === undefined && 'REGRAFT_FIXTURES is not set',
}, () => {
  const root = join(FIXTURES ?? '', '../fixtures-v2v3/caches/layout3-signed');
  const manifest = JSON.parse(readFileSync(join(root, 'v3/manifests/index/index.manifest.json'), 'utf8'));
  const digest: string = manifest.data[0].checksum;
  const bytes = readFileSync(join(root, 'blobs/sha256', digest.slice(0, 2), digest));
  const listIn = (content: Uint8Array) => {
    const index = parsePackageIndex(content, 'blob');
    const catalog = new PackageCatalog([{ mirror: MIRROR, index }]);
    return listPackages({ catalog, queries: [] }).map(({ node }) => node.name);
  };
  const names = listIn(bytes);
  assert.equal(names[0], 'newdata', 'packages without a compiler come first');
  const document = JSON.parse(bytes.toString());
  for (const [hash, { spec }] of Object.entries<{ spec: { name: string } }>(document.database.installs)) {
    if (spec.name === 'gcc') delete document.database.installs[hash];
  }
  assert.deepEqual(listIn(Buffer.from(JSON.stringify(document))).sort(), [...names].sort());
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePackageIndex } from '../../../src/buildcache/index/package-index.js';
import { MetadataError } from '../../../src/core/errors.js';
import { PackageCatalog } from '../../../src/mirror/index/package-catalog.js';
import { openMirror } from '../../../src/mirror/open-mirror.js';
import { hashOf, indexText, nodeJson } from './index-text.js';

const index = (text: string) => parsePackageIndex(Buffer.from(text), 'index');
const first = await openMirror('/first');
const second = await openMirror('/second');

const catalog = new PackageCatalog([
  { mirror: first, index: index(indexText({ zlib: 'a', curl: 'b' })) },
  { mirror: second, index: index(indexText({ zlib: 'a', cmake: 'c' }, '7', { version: '2.0' })) },
]);

test('PackageCatalog.find names the mirrors in order', () => {
  const zlib = catalog.find(hashOf('a'));
  assert.deepEqual(zlib?.mirrors, [first, second]);
  assert.deepEqual([zlib?.name, zlib?.node.version], ['zlib', '1.0']);
  assert.deepEqual(catalog.find(hashOf('c'))?.mirrors, [second]);
  assert.equal(catalog.find(hashOf('d')), undefined);
});

test('PackageCatalog.entries has each package once, and can be limited to a name', () => {
  assert.deepEqual(
    [...catalog.entries()].map(({ name }) => name),
    ['zlib', 'curl', 'cmake'],
  );
  assert.deepEqual(
    [...catalog.entries('cmake')].map(({ hash }) => hash),
    [hashOf('c')],
  );
  assert.deepEqual(
    [...catalog.nodes()].map(({ name }) => name),
    ['zlib', 'curl', 'cmake'],
  );
  assert.deepEqual(
    [...catalog.withHashPrefix('bb')].map(({ name }) => name),
    ['curl'],
  );
});

test('PackageCatalog offers what is in a build cache, and knows the nodes of the rest', () => {
  const withExternal = new PackageCatalog([
    { mirror: first, index: index(indexText({ gcc: 'g' }, '7', { inBuildcache: false })) },
  ]);
  assert.equal(withExternal.find(hashOf('g')), undefined);
  assert.deepEqual([...withExternal.entries()], []);
  assert.equal(withExternal.node(hashOf('g'))?.name, 'gcc');
  assert.equal(withExternal.node(hashOf('h')), undefined);
});

test('PackageCatalog takes the node from the next mirror when the first describes it wrongly', () => {
  const broken = JSON.stringify({
    database: { version: '7', installs: { [hashOf('a')]: { spec: { name: 'zlib' }, in_buildcache: true } } },
  });
  const good = { mirror: second, index: index(indexText({ zlib: 'a' })) };
  const both = new PackageCatalog([{ mirror: first, index: index(broken) }, good]);
  assert.equal(both.find(hashOf('a'))?.node.version, '1.0');
  const alone = new PackageCatalog([{ mirror: first, index: index(broken) }]);
  assert.throws(() => alone.find(hashOf('a'))?.node, MetadataError);
  assert.equal(alone.find(hashOf('a'))?.name, 'zlib');
});

test('PackageCatalog.remember adds a package that an index does not have', () => {
  const node = catalog.node(hashOf('a'));
  assert.ok(node);
  const found = { ...node, name: 'found', hash: hashOf('f') };
  const own = new PackageCatalog([{ mirror: first, index: index(indexText({ zlib: 'a' })) }]);
  own.remember(second, found);
  own.remember(second, found);
  own.remember(first, found);
  assert.deepEqual(own.find(hashOf('f'))?.mirrors, [second, first]);
  assert.deepEqual(
    [...own.entries()].map(({ name }) => name),
    ['zlib', 'found'],
  );
  own.remember(second, node);
  assert.deepEqual(own.find(hashOf('a'))?.mirrors, [first, second]);
});

test('PackageCatalog does not stumble over names that are properties of objects', () => {
  const text = `{"database":{"version":"7","installs":{"${hashOf('a')}":${JSON.stringify({
    spec: nodeJson('__proto__', hashOf('a')),
    in_buildcache: true,
  })}}}}`;
  const odd = new PackageCatalog([{ mirror: first, index: index(text) }]);
  assert.equal(odd.find(hashOf('a'))?.name, '__proto__');
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { UsageError } from '../../../src/core/errors.js';
import {
  completeHashOf,
  matchQuery,
  parseSpecQuery,
  requireOneMatch,
} from '../../../src/spec/query/spec-query.js';
import type { DagHash, SpecNode } from '../../../src/spec/spec.js';
import { FIXTURES, hashOf, link, needsFixtures, node4, readSpecs, spec4 } from '../spec-samples.js';

const spec = spec4(
  node4('tool', 'a', [link('zlib', 'b'), link('cmake', 'd')]),
  node4('zlib', 'b', [], { version: '1.2.13' }),
  node4('cmake', 'd', [link('ncurses', 'bc')]),
  node4('ncurses', 'bc'),
);
const other = spec4(node4('zlib', 'c', [], { version: '1.3', parameters: { shared: true } }));
const candidates: SpecNode[] = [...spec.nodes.values(), other.root];

function found(text: string, lookup?: (hash: DagHash) => SpecNode | undefined): string[] {
  return matchQuery(parseSpecQuery(text), candidates, lookup).map(({ hash }) => hash.slice(0, 2));
}

test('parseSpecQuery tells files from specs', () => {
  const files: [string, string][] = [
    ['x.spec.json', 'specfile'],
    ['dir/x.spec.json.sig', 'specfile'],
    ['./x.json', 'specfile'],
    ['/abs/x.json', 'specfile'],
    ['spack.lock', 'lockfile'],
    ['env/spack.lock', 'lockfile'],
    ['./my.lock', 'lockfile'],
  ];
  for (const [text, format] of files) {
    const query = parseSpecQuery(` ${text} `);
    assert.deepEqual(
      [query.type, query.type === 'file' && query.format, query.type === 'file' && query.path],
      ['file', format, text],
    );
  }
  for (const text of ['zlib', 'zlib@1.2', '/abc', 'builtin.json', 'zlib@1.2/abc', 'zlib+shared ^cmake']) {
    assert.equal(parseSpecQuery(text).type, 'constraint', text);
  }
  for (const text of ['', '  ', 'zlib@', '/', '/ABC', '/a1', `/${'a'.repeat(33)}`, 'zlib/0']) {
    assert.throws(() => parseSpecQuery(text), { code: 'spec-syntax' }, text);
  }
});

test('completeHashOf gives a hash only where it is whole', () => {
  assert.equal(completeHashOf(parseSpecQuery(`/${hashOf('q')}`)), hashOf('q'));
  assert.equal(completeHashOf(parseSpecQuery(`zlib@1/${hashOf('q')}`)), hashOf('q'));
  for (const text of ['/qq', 'zlib', 'x.spec.json'])
    assert.equal(completeHashOf(parseSpecQuery(text)), undefined);
});

test('matchQuery finds by hash, name, version, constraint and dependency', () => {
  assert.deepEqual(found('zlib'), ['bb', 'cc']);
  assert.deepEqual(found('zlib@1.2'), ['bb']);
  assert.deepEqual(found('zlib@1.3/c'), ['cc']);
  assert.deepEqual(found('zlib@1.2/c'), []);
  assert.deepEqual(found('/b'), ['bb', 'bc']);
  assert.deepEqual(found('/bb'), ['bb']);
  assert.deepEqual(found('+shared'), ['cc']);
  assert.deepEqual(found('^zlib'), []);
  const lookup = (hash: DagHash): SpecNode | undefined => spec.nodes.get(hash);
  assert.deepEqual(found('^zlib', lookup), ['aa']);
  assert.deepEqual(found('^ncurses', lookup), ['aa', 'dd']);
  assert.throws(() => matchQuery(parseSpecQuery('spack.lock'), candidates), TypeError);
});

test('requireOneMatch gives the one, or says that there is none, or which there are', () => {
  const choose = (text: string): SpecNode =>
    requireOneMatch(parseSpecQuery(text), matchQuery(parseSpecQuery(text), candidates));
  assert.equal(choose('tool'), spec.root);
  const twice = requireOneMatch(parseSpecQuery('tool'), [spec.root, { ...spec.root }]);
  assert.equal(twice.hash, spec.root.hash);
  assert.throws(() => choose('perl'), {
    name: 'UsageError',
    code: 'spec-not-found',
    message: /Cannot find "perl"/,
  });
  assert.throws(
    () => choose('zlib'),
    (error: UsageError) => {
      assert.equal(error.code, 'spec-ambiguous');
      assert.deepEqual(error.data.candidates, [
        'zlib@1.2.13/bbbbbbb %gcc@12.2.0 arch=linux-debian12-x86_64',
        'zlib@1.3/ccccccc %gcc@12.2.0 arch=linux-debian12-x86_64',
      ]);
      return error.message.includes('\n  zlib@1.3/ccccccc %gcc@12.2.0');
    },
  );
});

test('an ambiguous query shows ten candidates and counts the rest', () => {
  const letters = [...'abcdefghijklmnop'];
  const many = letters.map((letter) => spec4(node4('zlib', letter)).root);
  assert.throws(
    () => requireOneMatch(parseSpecQuery('zlib'), many),
    (error: UsageError) =>
      /16 match/.test(error.message) &&
      /and 6 more/.test(error.message) &&
      (error.data.candidates as string[]).length === 16,
  );
});

test('each package of the fixtures is found by every name that it has', needsFixtures, () => {
  const nodes = [...readSpecs(`${FIXTURES}/specs`).values()].map(({ root }) => root);
  for (const { name, version, hash } of nodes) {
    for (const text of [
      name,
      `${name}@${version}`,
      `/${hash}`,
      `/${hash.slice(0, 5)}`,
      `${name}@${version}/${hash.slice(0, 7)}`,
    ]) {
      assert.deepEqual(
        matchQuery(parseSpecQuery(text), nodes).map((node) => node.hash),
        [hash],
        text,
      );
    }
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { UsageError } from '../../src/core/errors.js';
import { parseSpecDictionary } from '../../src/spec/json/spec-json.js';
import { expandPath, Projections, SPACK_1_PROJECTION } from '../../src/spec/projection.js';
import { FIXTURES, FIXTURES_V2V3, needsFixtures, node4, readJson, readSpecs, spec4 } from './spec-samples.js';
import { vectors } from './spec-vectors.js';

/** The reference prints "." for a path without components, which would be the root of the store. */
const EMPTY_PATH = '.';

test('expandPath gives the paths of the reference, but never an empty one', () => {
  const spec = parseSpecDictionary(vectors.specfile, 'vectors');
  for (const [template, expected] of Object.entries(vectors.paths)) {
    const expand = (): string => expandPath(template, spec.root, spec);
    if (expected === null || expected === EMPTY_PATH) assert.throws(expand, { code: 'projection' }, template);
    else assert.equal(expand(), expected, template);
  }
});

test('expandPath never leaves the root, whatever the spec holds', () => {
  const unit = fc.constantFrom('.', '..', '/', '\\', ' ', 'a', 'ü', '😀', '\0', '~', '-');
  const version = fc.string({ unit, maxLength: 4 }).filter((text) => !text.includes('\0'));
  fc.assert(
    fc.property(
      version,
      fc.constantFrom('{version}', 'x/{version}', '{name}/{version}/{hash}', '{version}{version}'),
      (text, template) => {
        const { root } = spec4(node4('x', 'a', [], { version: text }));
        let path: string;
        try {
          path = expandPath(template, root);
        } catch (error) {
          assert.ok(error instanceof UsageError && error.code === 'projection');
          return;
        }
        assert.match(path, /^[A-Za-z0-9_.-]+(?:\/[A-Za-z0-9_.-]+)*$/);
        assert.ok(path.split('/').every((component) => component !== '.' && component !== '..'));
      },
    ),
    { seed: 3, numRuns: 500 },
  );
  const { root } = spec4(node4('x', 'a', [], { version: '..' }));
  for (const template of [
    '/{name}',
    '../{name}',
    '{version}',
    '{name}/{version}/y',
    '',
    '.',
    '/',
    '{namespace/x}',
  ]) {
    assert.throws(() => expandPath(template, root), { code: 'projection' }, template);
  }
});

test('expandPath replaces a character by one underscore, and keeps "+" where Spack 1 does', () => {
  const { root } = spec4(
    node4('x', 'a', [], { version: 'git.main=1.0', parameters: { shared: true, odd: 'ü😀' } }),
  );
  assert.equal(expandPath('{version}{variants.shared}', root), 'git.main_1.0_shared');
  assert.equal(
    expandPath('{version}{variants.shared}', root, undefined, { keepPlus: true }),
    'git.main_1.0+shared',
  );
  assert.equal(expandPath('{variants.odd.value}', root), '__');
});

test('Projections takes the first constraint that fits, else "all", in lower case', () => {
  const spec = spec4(node4('zlib', 'a', [], { parameters: { shared: true } }));
  const path = (...entries: [string, string][]): string => new Projections(entries).pathOf(spec.root, spec);
  assert.equal(
    path(['all', 'A/{NAME}'], ['zlib@2:', 'b'], ['zlib+shared', 'C/{Version}'], ['zlib', 'd']),
    'c/1.0',
  );
  assert.equal(path(['cmake', 'b'], ['all', '{name}']), 'zlib');
  assert.equal(path(['all', '{hash:7}-x']), 'aaaaaaa-x');
  assert.throws(() => path(['cmake', 'b']), { code: 'projection', message: /no projection fits/ });
  assert.throws(() => path(['zlib@', 'b']), { code: 'spec-syntax' });
});

test('Projections shortens hashes to install_hash_length', () => {
  const spec = spec4(node4('zlib', 'a'));
  const short = (template: string): string =>
    new Projections([['all', template]], { hashLength: 5 }).pathOf(spec.root, spec);
  assert.equal(short('{name}-{HASH}'), 'zlib-aaaaa');
  assert.throws(() => short('{name}-{hash:7}'), { code: 'projection' });
  assert.throws(() => short('{name}'), { code: 'projection' });
  assert.equal(
    Projections.default({ hashLength: 7 }).pathOf(spec.root, spec),
    'linux-debian12-x86_64/gcc-12.2.0/zlib-1.0-aaaaaaa',
  );
});

test('projected paths are those in the databases of the fixtures', needsFixtures, () => {
  const check = (file: string, root: string, specs: string, projections: Projections): number => {
    const { installs } = readJson(file).database as { installs: Record<string, { path: string }> };
    let count = 0;
    for (const spec of readSpecs(specs).values()) {
      const record = installs[spec.root.hash];
      if (record === undefined || record.path === null) continue;
      count++;
      assert.equal(`${root}/${projections.pathOf(spec.root, spec)}`, record.path);
    }
    return count;
  };
  const normal = Projections.default();
  assert.equal(
    check(`${FIXTURES}/stores/a/index.json`, '/tmp/golden-store-a/opt', `${FIXTURES}/specs`, normal),
    9,
  );
  const [d, f] = ['d-from-unpadded-signed', 'f-from-layout3-signed'];
  const short = new Projections([['all', '{name}/{hash:7}']]);
  assert.ok(check(`${FIXTURES}/golden/${d}/db-index.json`, '/tmp/gd/opt', `${FIXTURES}/specs`, short) > 4);
  const newer = new Projections([['all', SPACK_1_PROJECTION]], { keepPlus: true });
  assert.ok(
    check(
      `${FIXTURES_V2V3}/golden/${f}/db-index.json`,
      '/tmp/golden-f/opt',
      `${FIXTURES_V2V3}/specs`,
      newer,
    ) > 4,
  );
});

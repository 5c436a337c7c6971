import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { runHere } from '../helpers/program-run.js';
import { temporaryFolder } from '../store/temporary-folder.js';

const FIXTURES = process.env.REGRAFT_FIXTURES;

describe('regraft list', { skip: FIXTURES === undefined && 'REGRAFT_FIXTURES is not set' }, () => {
  for (const name of ['unpadded-signed', 'padded-signed']) {
    it(`prints ${name} as spack buildcache list does`, async (test) => {
      const folder = temporaryFolder(test);
      const golden = readFileSync(join(FIXTURES ?? '', `golden/list-${name}.txt`), 'utf8');
      const outputs = golden.split(/^\$ spack buildcache list (.*)\n/m).slice(1);
      assert.equal(outputs.length, 8);
      // The last one lists another machine's architecture, and so nothing.
      for (let i = 0; i < 6; i += 2) {
        // All architectures is what we always list.
        const flag = outputs[i]?.replace('a', '') ?? '';
        const { out, err, exitCode } = await runHere(
          ['list', flag, '-m', join(FIXTURES ?? '', 'caches', name)],
          { folder },
        );
        assert.deepEqual([err, exitCode], ['', 0]);
        assert.equal(out, outputs[i + 1], flag);
      }
    });
  }

  it('has an empty line between groups', async (test) => {
    const cache = join(FIXTURES ?? '', '../fixtures-v2v3/caches/layout2-signed');
    const { out } = await runHere(['list', '-m', cache], { folder: temporaryFolder(test) });
    const headings = out.split('\n').filter((line) => line.startsWith('-- '));
    const gaps = out.split('\n\n').length - 1;
    assert.equal(gaps, headings.length - 1);
  });
});

/** What Spack 1.1.0 lists; compilers of the older packages stand in their annotations, those of the newer ones are dependencies. */
const ON_LAYOUT_3: readonly (readonly [query: string, packages: string])[] = [
  ['toolgamma %gcc@12', 'toolgamma@2.1'],
  ['toolgamma %c=gcc', 'toolgamma@2.1'],
  ['toolgamma %gcc@13', ''],
  ['toolgamma %libalpha', ''],
  ['toolgamma ^libalpha', 'toolgamma@2.1'],
  ['newtop ^newleaf@2', 'newtop@3'],
  ['newtop ^newleaf@1', 'newtop@3'],
  ['newtop ^newleaf@3', ''],
  ['newtop %newleaf@1', 'newtop@3'],
  ['newtop %gcc@12.2', 'newtop@3'],
  ['newtop %cxx=gcc', ''],
  ['newtop %libalpha', ''],
  ['newleaf %gcc', 'newleaf@1.0 newleaf@2.0'],
  ['newleaf@2 %gcc@12', 'newleaf@2.0'],
  ['newleaf %c=gcc@12', 'newleaf@1.0 newleaf@2.0'],
  ['newdata %gcc', ''],
  ['%c=gcc ^newleaf', 'newtop@3'],
  ['^ldkit', 'interpuser@1.0'],
];

describe('short specs of packages of Spack 1.x', {
  skip: FIXTURES === undefined && 'REGRAFT_FIXTURES is not set',
}, () => {
  const fixtures = join(FIXTURES ?? '', '../fixtures-v2v3');
  const mirror = join(fixtures, 'caches/layout3-signed');

  async function place(test: TestContext) {
    const folder = temporaryFolder(test);
    const root = join(folder, 'opt');
    mkdirSync(join(root, '.spack-db'), { recursive: true });
    const database = readFileSync(join(fixtures, 'stores/a/index-v8.json'));
    writeFileSync(join(root, '.spack-db/index.json'), database);
    const run = (...args: string[]) => runHere(args, { folder });
    const names = async (...args: string[]) => {
      const { out, exitCode } = await run('--json', ...args);
      const { packages } = JSON.parse(out) as { packages: { name: string; version: string }[] };
      assert.equal(exitCode, packages.length === 0 ? 3 : 0, args.join(' '));
      return packages
        .map(({ name, version }) => `${name}@${version}`)
        .sort()
        .join(' ');
    };
    return { root, run, names };
  }

  it('list finds them in the index of layout 3', async (test) => {
    const { names } = await place(test);
    for (const [query, expected] of ON_LAYOUT_3)
      assert.equal(await names('list', query, '-m', mirror), expected, query);
  });

  it('find and check find them in a database of version 8', async (test) => {
    const { root, run, names } = await place(test);
    for (const [query, expected] of ON_LAYOUT_3) {
      assert.equal(await names('find', query, '--root', root), expected, query);
      const { out, exitCode } = await run('check', query, '-m', mirror, '--root', root);
      if (expected.includes(' ')) assert.equal(exitCode, 2, query);
      else if (expected === '') assert.equal(exitCode, 3, query);
      else assert.deepEqual([exitCode, out], [0, 'nothing is missing\n'], query);
    }
  });
});

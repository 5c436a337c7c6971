import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { EXIT } from '../../src/cli/exit-code.js';
import { buildCache } from '../helpers/cache-builder.js';
import { runHere } from '../helpers/program-run.js';

const folder = mkdtempSync(join(tmpdir(), 'regraft-cli-bench-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const run = (...args: string[]) => runHere(['bench', ...args], { folder });

describe('regraft bench install', () => {
  it('measures engines on packages, and leaves nothing behind', async () => {
    const cache = await buildCache(join(folder, 'mirror'), [
      { name: 'lib' },
      { name: 'app', dependencies: ['lib'] },
    ]);
    const stores = join(folder, 'stores');
    mkdirSync(stores);
    const where = ['--mirror', cache.folder, '--folder', stores, '--no-check-signature'];
    const { exitCode, out, err } = await run(
      'install',
      'app',
      ...where,
      '--rounds',
      '2',
      '--engine',
      'js',
      'wasm',
    );
    assert.deepEqual([exitCode, err], [EXIT.done, '']);
    assert.match(out, /^engine +wall +CPU +wall relative to the first$/m);
    assert.match(out, /^js +[\d.]+ ms ± [\d.]+ % +[\d.]+ ms ± [\d.]+ % +1\.00$/m);
    assert.match(out, /^wasm +[\d.]+ ms /m);
    assert.deepEqual(readdirSync(stores), []);
  });

  it('fails with the error of a package that cannot be installed', async () => {
    const cache = await buildCache(join(folder, 'spoilt'), [
      { name: 'bad', spoilTarball: () => Buffer.from('no') },
    ]);
    const { exitCode, err } = await run(
      'install',
      'bad',
      '--mirror',
      cache.folder,
      '--no-check-signature',
      '--engine',
      'js',
    );
    assert.equal(exitCode, EXIT.verification);
    assert.match(err, /code: checksum-mismatch/);
  });
});

describe('regraft bench relocate', () => {
  const tree = join(folder, 'tree');
  mkdirSync(tree);
  writeFileSync(join(tree, 'script'), '#!/old/prefix/bin/sh\n');

  it('prints a document, and changes nothing', async () => {
    const args = ['relocate', tree, '--map', '/old/prefix=/new', '--rounds', '1', '--engine', 'js', '--json'];
    const { exitCode, out } = await run(...args);
    assert.equal(exitCode, EXIT.done);
    const { rounds, engines } = JSON.parse(out);
    assert.equal(rounds, 1);
    assert.equal(engines[0].engine, 'js');
    assert.equal(engines[0].wall.count, 1);
    assert.equal(engines[0].ratio.median, 1);
    assert.equal(readFileSync(join(tree, 'script'), 'utf8'), '#!/old/prefix/bin/sh\n');
  });

  it('refuses what is no directory, and no rounds', async () => {
    const map = ['--map', '/old=/new'];
    assert.equal((await run('relocate', join(tree, 'script'), ...map)).exitCode, EXIT.usage);
    assert.equal((await run('relocate', tree, ...map, '--rounds', '0')).exitCode, EXIT.usage);
  });
});

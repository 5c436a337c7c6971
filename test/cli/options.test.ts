import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { buildCache } from '../helpers/cache-builder.js';
import { MirrorServer } from '../helpers/mirror-server.js';
import { runHere } from '../helpers/program-run.js';
import { temporaryFolder } from '../store/temporary-folder.js';

describe('openMirrors', () => {
  it('tells once of a mirror that is left alone, without its password', async (test) => {
    const folder = temporaryFolder(test);
    const sketches = [{ name: 'base' }, { name: 'top', dependencies: ['base'] }];
    const { folder: good } = await buildCache(join(folder, 'good'), sketches);
    const server = await MirrorServer.start();
    test.after(() => server.close());
    // Without a pause between the attempts.
    server.failNext(1000, 503, { 'retry-after': '0' });
    const bad = `http://user:s3cret@127.0.0.1:${server.port}/`;
    const args = [
      'install',
      'top',
      '--no-check-signature',
      '--root',
      join(folder, 'opt'),
      '-m',
      bad,
      '-m',
      good,
    ];
    const environment = { REGRAFT_FAILURES_IN_ROW: '2' };
    const { exitCode, out, err } = await runHere(args, { folder, environment });
    assert.equal(exitCode, 0, err);
    const told = err.split('\n').filter((line) => line.includes('left alone'));
    assert.equal(told.length, 1, err);
    assert.match(
      told[0] ?? '',
      /it failed 2 times in a row, and is left alone for this run: .* answered 503/,
    );
    assert.ok(!`${out}${err}`.includes('s3cret'));
    assert.ok(server.requests.length <= 8, `${server.requests.length} requests`);
  });

  it('refuses settings that are no numbers', async (test) => {
    const folder = temporaryFolder(test);
    const environment = { REGRAFT_LOWEST_RATE: 'fast' };
    const { exitCode, err } = await runHere(['list', '-m', folder], { folder, environment });
    assert.equal(exitCode, 2);
    assert.match(err, /Cannot use "fast" in REGRAFT_LOWEST_RATE: it is not a number of at least 0/);
  });
});

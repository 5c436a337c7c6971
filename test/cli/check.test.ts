import assert from 'node:assert/strict';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { hashFor } from '../helpers/cache-builder.js';
import { checkCode, publishPlace } from '../helpers/publish-place.js';

describe('regraft check', () => {
  it('says what is missing, with exit code 1 and Spack’s report', async (test) => {
    const { folder, cache, run } = await publishPlace(test, true);
    const store = ['--root', join(folder, 'opt')];
    await run('install', 'top', '--no-check-signature', '--mirror', cache.folder, ...store);
    const all = await run('check', 'top', 'base', '--mirror', cache.folder, ...store);
    assert.deepEqual([all.exitCode, all.out], [0, 'nothing is missing\n']);
    rmSync(join(cache.folder, cache.get('base').specfile));
    const output = join(folder, 'report.json');
    const some = await run(
      'check',
      'top',
      `/${hashFor('base')}`,
      '--output',
      output,
      '--mirror',
      cache.folder,
      ...store,
    );
    assert.equal(some.exitCode, 1, some.err);
    assert.match(some.out, /lacks 1 package:\n {2}base@1\.0%gcc@12\.2\.0\+shared/);
    const [[url, report]] = Object.entries(JSON.parse(readFileSync(output, 'utf8'))) as [
      [string, { mirrorUrl: string; rebuildSpecs: { hash: string }[] }],
    ];
    assert.equal(report.mirrorUrl, url);
    assert.deepEqual(
      report.rebuildSpecs.map(({ hash }) => hash),
      [hashFor('base')],
    );
    const json = await run('check', 'base', '--json', '--mirror', cache.folder, ...store);
    assert.deepEqual(Object.keys(JSON.parse(json.out)), [url]);
    checkCode(await run('check', 'absent', '--mirror', cache.folder, ...store), 3, 'spec-not-found');
    const unwritable = await run(
      'check',
      'base',
      '-o',
      join(folder, 'absent/x'),
      '--mirror',
      cache.folder,
      ...store,
    );
    checkCode(unwritable, 2, 'usage');
  });
});

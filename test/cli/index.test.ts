import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { checkCode, publishPlace } from '../helpers/publish-place.js';

describe('regraft index', () => {
  it('writes the index, and says what is in it', async (test) => {
    const { cache, run } = await publishPlace(test);
    const file = join(cache.folder, 'build_cache/index.json');
    rmSync(file);
    const { out, err, exitCode } = await run('index', cache.folder, '--keys');
    assert.deepEqual([err, exitCode], ['', 0]);
    assert.match(out, /^indexed 2 packages, 0 keys, .* at file:\/\/.*mirror\n$/);
    assert.equal(Object.keys(JSON.parse(readFileSync(file, 'utf8')).database.installs).length, 2);
    const listed = await run('list', '--json', '--mirror', cache.folder);
    assert.deepEqual(
      JSON.parse(listed.out).packages.map((each: { name: string }) => each.name),
      ['base', 'top'],
    );
  });

  it('warns of a specfile that it cannot read, and fails where it cannot write', async (test) => {
    const { folder, cache, run } = await publishPlace(test);
    writeFileSync(join(cache.folder, 'build_cache/broken-aaa.spec.json'), '{');
    const { out, err, exitCode } = await run('index', cache.folder);
    assert.equal(exitCode, 0);
    assert.match(err, /^warning: Left out: Cannot read ".*broken-aaa\.spec\.json": it is not JSON\n$/);
    assert.match(out, /2 packages, 1 specfile left out/);
    const report = JSON.parse((await run('index', cache.folder, '--json')).out);
    assert.deepEqual(
      [report.packages, report.unreadable.length, report.unreadable[0].error.code],
      [2, 1, 'metadata-syntax'],
    );
    checkCode(await run('index', 'http://127.0.0.1:1/'), 1, 'mirror-read-only');
    checkCode(await run('index', join(folder, 'absent')), 1, 'mirror-unreachable');
  });
});

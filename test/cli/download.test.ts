import assert from 'node:assert/strict';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { checkCode, publishPlace } from '../helpers/publish-place.js';

describe('regraft download', () => {
  it('puts verified files into a folder', async (test) => {
    const { folder, cache, keyFile, run } = await publishPlace(test, true);
    const out = join(folder, 'out');
    const args = ['download', 'top', '--path', out, '--mirror', cache.folder];
    checkCode(await run(...args), 4, 'signature-unknown-key');
    assert.equal(existsSync(out), false);
    const { exitCode, out: text } = await run(...args, '--keyring', keyFile);
    assert.equal(exitCode, 0);
    assert.match(text, /^downloaded top@1\.0\/top.* from file:/);
    const names = readdirSync(out, { recursive: true, encoding: 'utf8' }).filter((name) =>
      /\.(spack|sig)$/.test(name),
    );
    assert.equal(names.length, 2);
    rmSync(join(cache.folder, cache.get('top').tarball));
    checkCode(await run(...args, '--no-check-signature'), 3, 'mirror-not-found');
    checkCode(await run('download', 'absent', '--path', out, '--mirror', cache.folder), 3, 'spec-not-found');
  });
});

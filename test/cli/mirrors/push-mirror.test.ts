import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import * as openpgp from 'openpgp';
import { runHere } from '../../helpers/program-run.js';
import { checkCode, publishPlace } from '../../helpers/publish-place.js';

describe('regraft push with a key', () => {
  it('publishes signed packages and the key that verifies them', async (test) => {
    const { folder, cache, keyFile, fingerprint, run } = await publishPlace(test);
    const store = ['--root', join(folder, 'opt')];
    await run('install', 'top', '--no-check-signature', '--mirror', cache.folder, ...store);
    const target = join(folder, 'target');
    mkdirSync(target);
    const push = (...args: readonly string[]) => run('push', 'top', '--mirror', target, ...store, ...args);
    checkCode(await push(), 2, 'key-missing');
    assert.deepEqual(readdirSync(target), []);
    const pushed = await push('--key', keyFile, '--update-index');
    assert.equal(pushed.exitCode, 0, pushed.err);
    const names = readdirSync(join(target, 'build_cache'));
    assert.equal(names.filter((name) => name.endsWith('.spec.json.sig')).length, 2);
    assert.equal(names.filter((name) => name.endsWith('.spec.json')).length, 0);
    const keys = JSON.parse(readFileSync(join(target, 'build_cache/_pgp/index.json'), 'utf8'));
    assert.deepEqual(keys, { keys: { [fingerprint]: {} } });
    const other = ['--mirror', target, '--root', join(folder, 'o')];
    checkCode(await run('install', 'top', ...other), 4, 'signature-unknown-key');
    const trusted = await run('keys', 'fetch', '--mirror', target, '--trust', fingerprint);
    assert.equal(trusted.exitCode, 0, trusted.err);
    const installed = await run('install', 'top', ...other);
    assert.equal(installed.exitCode, 0, installed.err);
    assert.match(installed.out, /signature verified/);
  });

  it('takes the passphrase from a file or the environment', async (test) => {
    const { folder, cache, key, run } = await publishPlace(test);
    const store = ['--root', join(folder, 'opt')];
    await run('install', 'base', '--no-check-signature', '--mirror', cache.folder, ...store);
    const keyFile = join(folder, 'locked.asc');
    writeFileSync(keyFile, (await openpgp.encryptKey({ privateKey: key, passphrase: 'ge heim' })).armor());
    const target = join(folder, 'target');
    mkdirSync(target);
    const args = ['push', 'base', '--mirror', target, ...store, '--key', keyFile];
    checkCode(await run(...args), 2, 'key-locked');
    writeFileSync(join(folder, 'pass'), 'ge heim\n');
    assert.equal((await run(...args, '--passphrase-file', join(folder, 'pass'))).exitCode, 0);
    const environment = { REGRAFT_PASSPHRASE: 'ge heim' };
    assert.equal((await runHere([...args, '--force'], { folder, environment })).exitCode, 0);
    checkCode(await run(...args, '--passphrase-file', join(folder, 'absent')), 2, 'usage');
  });
});

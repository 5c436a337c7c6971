import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { checkCode, publishPlace } from '../helpers/publish-place.js';
import { layer3Mirror } from '../operations/mirror/layer-3-mirror.js';

describe('regraft keys', () => {
  it('fetches, trusts, lists, untrusts', async (test) => {
    const { folder, key, keyFile, fingerprint, run } = await publishPlace(test);
    const target = join(folder, 'target');
    mkdirSync(target);
    assert.deepEqual((await run('keys', 'list')).out, '');
    checkCode(await run('keys', 'push', '--mirror', target), 2, 'key-missing');
    const pushed = await run('keys', 'push', keyFile, '--mirror', target);
    assert.match(pushed.out, /^published 1 key, indexed 1, at /);
    const shown = await run('keys', 'fetch', '--mirror', target);
    assert.match(
      shown.out,
      new RegExp(
        `\\(untrusted\\)\\n${fingerprint}\\n  Somebody\\n  ed25519, made 2024-01-10, does not expire\\n$`,
      ),
    );
    assert.equal((await run('keys', 'list')).out, '');
    checkCode(await run('keys', 'fetch', '--mirror', target, '--trust', fingerprint.slice(-16)), 2, 'usage');
    checkCode(await run('keys', 'fetch', '--mirror', target, '--trust', 'AB'.repeat(20)), 2, 'key-missing');
    const spaced = fingerprint.replace(/(.{4})/g, '$1 ');
    assert.match((await run('keys', 'fetch', '--mirror', target, '--trust', spaced)).out, /trusted now/);
    const { keys } = JSON.parse((await run('keys', 'list', '--json')).out);
    assert.deepEqual(
      keys.map((each: { fingerprint: string; userIds: unknown; created: string }) => [
        each.fingerprint,
        each.userIds,
        each.created,
      ]),
      [[fingerprint, ['Somebody'], '2024-01-10T00:00:00.000Z']],
    );
    assert.match((await run('keys', 'untrust', fingerprint)).out, /no longer trusted/);
    checkCode(await run('keys', 'untrust', fingerprint), 2, 'key-missing');
    const publicFile = join(folder, 'public.asc');
    writeFileSync(publicFile, key.toPublic().armor());
    assert.match((await run('keys', 'trust', publicFile)).out, new RegExp(`^trusted\\n  ${fingerprint}\\n`));
    checkCode(await run('keys', 'trust', join(folder, 'absent')), 2, 'key-unreadable');
  });

  it('pushes to several mirrors, and tells that gpg is missing', async (test) => {
    const { folder, keyFile, run } = await publishPlace(test);
    const mirrors = ['one', 'two'].map((name) => join(folder, name));
    for (const mirror of mirrors) mkdirSync(mirror);
    await run('keys', 'trust', keyFile);
    const { out } = await run('keys', 'push', '--json', '--mirror', ...mirrors);
    assert.equal(JSON.parse(out).mirrors.length, 2);
    for (const mirror of mirrors) assert.ok(existsSync(join(mirror, 'build_cache/_pgp/index.json')));
    checkCode(await run('keys', 'list', '--gpg'), 4, 'gpg-failed');
  });

  it('pushes in the layout that the mirror has, that was chosen, or that the Spack of the store writes', async (test) => {
    const place = await publishPlace(test);
    const { folder, keyFile, run } = place;
    const layer3 = await layer3Mirror(test, { packages: 1 });
    const store = join(folder, 'data/regraft/opt/.spack-db');
    const storeOf = (version: string) => {
      mkdirSync(store, { recursive: true });
      const database = { version, installs: {} };
      writeFileSync(join(store, 'index.json'), JSON.stringify({ database }));
    };
    const pushed = async (mirror: string, ...args: readonly string[]) => {
      mkdirSync(mirror, { recursive: true });
      const { out, err } = await run('keys', 'push', keyFile, '--mirror', mirror, ...args);
      assert.match(out, /^published 1 key, indexed 1, at /, err);
      const shown = await run('keys', 'fetch', '--json', '--mirror', mirror);
      assert.equal(JSON.parse(shown.out).keys.length, 1);
      return [
        existsSync(join(mirror, 'build_cache/_pgp/index.json')),
        existsSync(join(mirror, 'v3/manifests/key/keys.manifest.json')),
      ];
    };
    const [classic, manifests] = [
      [true, false],
      [false, true],
    ];
    const [none, old, chosen] = ['none', 'old', 'chosen'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    assert.deepEqual(await pushed(layer3.folder), manifests);
    assert.deepEqual(await pushed(none), classic);
    storeOf('7');
    assert.deepEqual(await pushed(chosen, '--layout', '3'), manifests);
    assert.deepEqual(await pushed(chosen), manifests);
    assert.deepEqual(await pushed(old), classic);
    storeOf('8');
    assert.deepEqual(await pushed(join(folder, 'new')), manifests);
    assert.deepEqual(await pushed(place.cache.folder), classic);
    assert.deepEqual(await pushed(old, '--layout', '3'), [true, true]);
    const refused = await run('keys', 'push', keyFile, '--mirror', old, '--layout', '4');
    assert.match(refused.err, /--layout/);
    assert.equal(refused.exitCode, 2);
  });

  it('a key under the name of another is shown as an error, and fails', async (test) => {
    const { folder, key, run } = await publishPlace(test);
    const keys = join(folder, 'target/build_cache/_pgp');
    mkdirSync(keys, { recursive: true });
    writeFileSync(join(keys, 'index.json'), JSON.stringify({ keys: { ['AB'.repeat(20)]: {} } }));
    writeFileSync(join(keys, `${'AB'.repeat(20)}.pub`), key.toPublic().armor());
    checkCode(await run('keys', 'fetch', '--mirror', join(folder, 'target')), 4, 'key-mismatch');
  });
});

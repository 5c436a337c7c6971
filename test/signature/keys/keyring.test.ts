import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import * as openpgp from 'openpgp';
import { SignatureError } from '../../../src/core/errors.js';
import { verifyClearsigned } from '../../../src/signature/clearsign/clearsign.js';
import { defaultTrustedKeysFolder, Keyring } from '../../../src/signature/keys/keyring.js';
import { clearsign, makeKey } from '../temporary-keys.js';

describe('Keyring.load', () => {
  const folder = mkdtempSync(join(tmpdir(), 'regraft-keys-'));
  let one: openpgp.PrivateKey;
  let two: openpgp.PrivateKey;
  let fingerprints: readonly [string, string];
  before(async () => {
    [one, two] = await Promise.all([makeKey(), makeKey({ signingSubkey: true })]);
    fingerprints = [one.getFingerprint().toUpperCase(), two.getFingerprint().toUpperCase()];
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  function write(name: string, ...content: readonly (string | Uint8Array)[]): string {
    const file = join(folder, name);
    writeFileSync(file, Buffer.concat(content.map((part) => Buffer.from(part as string))));
    return file;
  }

  const armored = (key: openpgp.PrivateKey) => key.toPublic().armor();

  test('reads armored and binary files, with one key or several', async () => {
    const files = [
      write('one.pub', armored(one)),
      write(
        'both.pub',
        'a comment\n',
        armored(one),
        '\n\nanother\r\n',
        armored(two).replaceAll('\n', '\r\n'),
      ),
      write('two.gpg', two.toPublic().write()),
      write('both.gpg', two.toPublic().write(), one.toPublic().write()),
      write(
        'block.pub',
        openpgp.armor(
          openpgp.enums.armor.publicKey,
          Buffer.concat([one.toPublic().write(), two.toPublic().write()]),
        ),
      ),
    ];
    const expected = [[0], [0, 1], [1], [1, 0], [0, 1]];
    for (const [i, file] of files.entries()) {
      const { fingerprints: actual } = await Keyring.load({ files: [file] });
      assert.deepEqual(
        actual,
        expected[i]?.map((index) => fingerprints[index]),
        file,
      );
    }
    assert.deepEqual((await Keyring.load({ files })).fingerprints, fingerprints);
  });

  test('takes the public half of a secret key', async () => {
    const { keys } = await Keyring.load({ files: [write('secret.asc', one.armor())] });
    assert.deepEqual(
      keys.map((key) => key.isPrivate()),
      [false],
    );
  });

  test('reads the trusted-keys folder, but not what editors and systems leave there', async () => {
    const trusted = join(folder, 'trusted');
    mkdirSync(join(trusted, 'old'), { recursive: true });
    write('trusted/b.pub', armored(two));
    write('trusted/a.pub', armored(one));
    write('trusted/a.pub~', 'garbage');
    write('trusted/.DS_Store', 'garbage');
    const keyring = await Keyring.load({ trustedKeysFolder: trusted });
    assert.deepEqual(keyring.fingerprints, fingerprints);
    assert.equal(keyring.folder, trusted);
  });

  test('a folder that is not there holds no keys', async () => {
    assert.deepEqual((await Keyring.load({ trustedKeysFolder: join(folder, 'missing') })).fingerprints, []);
    assert.deepEqual((await Keyring.load({})).fingerprints, []);
  });

  test('a file that cannot be used is named', async () => {
    const text = armored(one);
    const files = [
      join(folder, 'missing.pub'),
      folder,
      write('empty.pub', ''),
      write('text.pub', 'not a key'),
      write('cut.pub', text.slice(0, text.length / 2)),
      write('second-cut.pub', text, armored(two).slice(0, 200)),
      write('damaged.pub', text.replace(/\n\n.{8}/, '\n\n!!!!!!!!')),
      write('wrong.pub', text.replace(/\n\n.{8}/, '\n\nAAAAAAAA')),
      write('message.asc', await clearsign('text', one)),
      write('signature.asc', openpgp.armor(openpgp.enums.armor.signature, Uint8Array.of(1, 2, 3))),
      write('zeros.gpg', Buffer.alloc(100)),
      ...[10, 40, 60, 100].map((size) => write(`cut-${size}.gpg`, one.toPublic().write().subarray(0, size))),
      write('html.pub', '<!doctype html><title>404</title>'),
    ];
    for (const file of files) {
      await assert.rejects(Keyring.load({ files: [file] }), (error: unknown) => {
        assert.ok(error instanceof SignatureError && error.code === 'key-unreadable', `${file}: ${error}`);
        assert.equal(error.data.file, file);
        return error.message.includes(file);
      });
    }
    mkdirSync(join(folder, 'broken'));
    write('broken/x.pub', 'not a key');
    await assert.rejects(Keyring.load({ trustedKeysFolder: join(folder, 'broken') }), /x\.pub/);
    await assert.rejects(Keyring.load({ trustedKeysFolder: join(folder, 'text.pub') }), SignatureError);
  });

  test('two copies of a key are merged: a revocation in one counts', async () => {
    const { publicKey } = await openpgp.revokeKey({ key: one, format: 'object' });
    const good = write('good.pub', armored(one));
    const revoked = write('revoked.pub', publicKey.armor());
    const signed = await clearsign('text', one);
    assert.ok(await verifyClearsigned(signed, await Keyring.load({ files: [good] }), 'x'));
    for (const files of [
      [good, revoked],
      [revoked, good],
    ]) {
      const keyring = await Keyring.load({ files });
      assert.deepEqual(keyring.fingerprints, [fingerprints[0]]);
      await assert.rejects(verifyClearsigned(signed, keyring, 'x'), /revoked/);
    }
  });
});

test('defaultTrustedKeysFolder follows the XDG rules', () => {
  assert.equal(defaultTrustedKeysFolder({ XDG_CONFIG_HOME: '/x' }), '/x/regraft/trusted-keys');
  assert.equal(defaultTrustedKeysFolder({ HOME: '/home/me' }), '/home/me/.config/regraft/trusted-keys');
  assert.equal(
    defaultTrustedKeysFolder({ XDG_CONFIG_HOME: 'relative', HOME: '/h' }),
    '/h/.config/regraft/trusted-keys',
  );
});

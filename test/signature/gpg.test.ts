// The user's GnuPG: what it lists, and what it signs. A stand-in plays a gpg that is broken.

import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { SignatureError, type SignatureErrorCode } from '../../src/core/errors.js';
import { verifyClearsigned } from '../../src/signature/clearsign/clearsign.js';
import { exportFromGpg, listGpgKeys, parseSecretKeyList, signWithGpg } from '../../src/signature/gpg.js';
import { Keyring } from '../../src/signature/keys/keyring.js';
import { makeSigner } from '../../src/signature/make-signer.js';
import { GpgHome, NO_GPG } from '../helpers/gpg-home.js';
import { temporaryFolder } from '../mirror/temporary-folder.js';

const FINGERPRINT = 'DF00AC06DD1883B51FEEF66972478A4B7BA1CF8C';

function expectCode(code: SignatureErrorCode, pattern = /./) {
  return (error: unknown) => {
    assert.ok(error instanceof SignatureError, String(error));
    assert.match(error.message, pattern);
    return error.code === code;
  };
}

test('parseSecretKeyList reads keys, their user ids and what they can do', () => {
  const lines = [
    'sec:u:4096:1:72478A4B7BA1CF8C:1704844800:1767225600::u:::scESC:::+:::23::0:',
    `fpr:::::::::${FINGERPRINT}:`,
    'grp:::::::::0123456789012345678901234567890123456789:',
    'uid:u::::1704844800::X::First \\x3a id <a@b>::::::::::0:',
    'uid:u::::1704844800::X::Second\\x1b[31m::::::::::0:',
    'ssb:u:4096:1:AAAAAAAAAAAAAAAA:1704844800::::::e:::+:::23:',
    'fpr:::::::::BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB:',
    'sec:r:255:22:72478A4B7BA1CF8D:1704844800:::u:::sc:::+::ed25519:::0:',
    `fpr:::::::::${FINGERPRINT.replace('DF', 'AA')}:`,
    'sec:e:255:22:72478A4B7BA1CF8E:1704844800:::u:::scSC:::+::ed25519:::0:',
    `fpr:::::::::${FINGERPRINT.replace('DF', 'BB')}:`,
    'sec:u:255:22:72478A4B7BA1CF8F:::',
    'fpr:::::::::not hexadecimal:',
  ];
  const [first, revoked, expired, ...more] = parseSecretKeyList(lines.join('\n'));
  assert.deepEqual(first, {
    fingerprint: FINGERPRINT,
    userIds: ['First : id <a@b>', 'Second\ufffd[31m'],
    created: new Date('2024-01-10'),
    expires: new Date('2026-01-01'),
    revoked: false,
    algorithm: 'rsa4096',
    canSign: true,
  });
  assert.deepEqual([revoked?.canSign, revoked?.revoked, revoked?.algorithm], [false, true, 'ed25519']);
  assert.equal(expired?.canSign, false);
  assert.deepEqual(more, []);
  assert.deepEqual(parseSecretKeyList(''), []);
});

/** A program that answers as the shell commands say. */
function standIn(t: TestContext, commands: string): string {
  const file = join(temporaryFolder(t), 'gpg');
  writeFileSync(file, `#!/bin/sh\n${commands}\n`);
  chmodSync(file, 0o755);
  return file;
}

test('a gpg that fails, hangs up or answers nonsense is a coded error', async (t) => {
  const text = Buffer.from('{}');
  const sign = (program: string) => signWithGpg(text, { program, fingerprint: FINGERPRINT, source: 'x' });
  const absent = join(temporaryFolder(t), 'absent');
  await assert.rejects(listGpgKeys({ program: absent }), expectCode('gpg-failed', /was not found/));
  const failing = standIn(t, 'echo "gpg: no such thing\n\tat all" >&2; exit 2');
  await assert.rejects(listGpgKeys({ program: failing }), expectCode('gpg-failed', /no such thing; at all$/));
  await assert.rejects(sign(standIn(t, 'exit 3')), expectCode('gpg-failed', /exited with 3/));
  await assert.rejects(sign(standIn(t, 'exit 0')), SignatureError);
  await assert.rejects(sign(standIn(t, 'kill -9 $$')), expectCode('gpg-failed'));
  await assert.rejects(
    exportFromGpg('x', { program: standIn(t, 'exit 0') }),
    expectCode('gpg-failed', /no such key/),
  );
  const other =
    '-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n[]\n-----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END PGP SIGNATURE-----';
  await assert.rejects(
    sign(standIn(t, `cat <<'E'\n${other}\nE`)),
    expectCode('gpg-failed', /changed the text/),
  );
});

test('a gpg that waits ends with the signal', async (t) => {
  const program = standIn(t, 'exec sleep 600');
  const reason = new Error('enough');
  const controller = new AbortController();
  const listing = listGpgKeys({ program, signal: controller.signal });
  controller.abort(reason);
  await assert.rejects(listing, reason);
});

describe('GnuPG itself', { skip: NO_GPG }, () => {
  let home: GpgHome;
  let rsa: string;
  let ed25519: string;
  const before_ = process.env.GNUPGHOME;
  before(() => {
    home = new GpgHome();
    process.env.GNUPGHOME = home.folder;
  });
  after(() => {
    if (before_ === undefined) delete process.env.GNUPGHOME;
    else process.env.GNUPGHOME = before_;
    home.remove();
  });

  test('without keys the error says how to make one', async () => {
    for (const key of [undefined, '', 'gpg', 'gpg:x']) {
      await assert.rejects(makeSigner({ key }), (error: SignatureError) => {
        assert.match(error.hint ?? '', /--quick-generate-key.*--key FILE.*--unsigned/);
        return error.code === 'key-missing';
      });
    }
  });

  test('one key is used when gpg is asked for, and only then', async () => {
    rsa = home.makeKey('First <first@example.invalid>', 'rsa2048');
    const { sign, publicKey } = await makeSigner({ key: 'gpg' });
    assert.equal(publicKey.fingerprint, rsa);
    const keyring = await Keyring.fromBytes(publicKey.armored, 'gpg');
    const text = Buffer.from('{\n"a":1\n}');
    const verified = await verifyClearsigned(await sign(text, 'x'), keyring, 'x');
    assert.deepEqual(Buffer.from(verified.text), text);
    await assert.rejects(
      makeSigner({ key: undefined }),
      expectCode('key-ambiguous', new RegExp(`${rsa} First`)),
    );
    await assert.rejects(sign(Buffer.from('x '), 'x'), expectCode('text-not-signable'));
  });

  test('of several keys one must be named: by its fingerprint, its end, or a user id', async () => {
    ed25519 = home.makeKey('Second <second@example.invalid>', 'ed25519', 'geheim');
    await assert.rejects(
      makeSigner({ key: 'gpg' }),
      expectCode('key-ambiguous', new RegExp(`${rsa} First[^]*${ed25519} Second`)),
    );
    await assert.rejects(makeSigner({ key: 'gpg:example' }), expectCode('key-ambiguous'));
    await assert.rejects(
      makeSigner({ key: 'gpg:third' }),
      expectCode('key-missing', /gpg has no key "third"/),
    );
    for (const id of [rsa, rsa.slice(-16), `0x${rsa.slice(-8)}`, 'FIRST@example', 'First']) {
      assert.equal((await makeSigner({ key: `gpg:${id}` })).publicKey.fingerprint, rsa);
    }
  });

  test('a passphrase that is given is used, in place of the question of the agent', async () => {
    await assert.rejects(
      makeSigner({ key: `gpg:${ed25519}`, passphrase: 'falsch' }),
      expectCode('gpg-failed'),
    );
    const { sign, publicKey } = await makeSigner({ key: `gpg:${ed25519}`, passphrase: 'geheim' });
    const keyring = await Keyring.fromBytes(publicKey.armored, 'gpg');
    await verifyClearsigned(await sign(Buffer.from('x')), keyring, 'x');
  });

  test('several texts can be signed at the same time', async () => {
    const { sign, publicKey } = await makeSigner({ key: `gpg:${rsa}` });
    const keyring = await Keyring.fromBytes(publicKey.armored, 'gpg');
    const texts = Array.from({ length: 6 }, (_, i) => Buffer.from(`text ${i}`));
    const signed = await Promise.all(texts.map((text) => sign(text)));
    for (const [i, each] of signed.entries()) {
      assert.deepEqual(Buffer.from((await verifyClearsigned(each, keyring, 'x')).text), texts[i]);
    }
  });

  test('a key id that looks like an option is none', async () => {
    await assert.rejects(exportFromGpg('--version'), expectCode('gpg-failed', /no such key/));
  });
});

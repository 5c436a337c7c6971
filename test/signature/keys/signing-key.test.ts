import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import * as openpgp from 'openpgp';
import { SignatureError, type SignatureErrorCode } from '../../../src/core/errors.js';
import { verifyClearsigned } from '../../../src/signature/clearsign/clearsign.js';
import { readSigningKey } from '../../../src/signature/keys/signing-key.js';
import { makeSigner } from '../../../src/signature/make-signer.js';
import { temporaryFolder } from '../../mirror/temporary-folder.js';
import { keyringOf } from '../temporary-keys.js';

const TEXT = Buffer.from('{\n"a":1\n}');

/** A kind of key that GnuPG 2.2 knows. */
async function makeKey(options: { passphrase?: string; lifetime?: number; date?: Date } = {}) {
  const { privateKey } = await openpgp.generateKey({
    type: 'ecc',
    curve: 'ed25519Legacy',
    userIDs: [{ name: 'Somebody' }],
    format: 'object',
    ...(options.passphrase !== undefined && { passphrase: options.passphrase }),
    ...(options.lifetime !== undefined && { keyExpirationTime: options.lifetime }),
    ...(options.date && { date: options.date }),
  });
  return privateKey;
}

const fingerprintOf = (key: openpgp.Key) => key.getFingerprint().toUpperCase();

function expectCode(code: SignatureErrorCode, pattern = /./) {
  return (error: unknown) =>
    error instanceof SignatureError && error.code === code && pattern.test(error.message);
}

test('makeSigner signs with armored and binary key files, and gives the public key', async (t) => {
  const folder = temporaryFolder(t);
  const key = await makeKey();
  for (const [name, content] of [
    ['armored', key.armor()],
    ['binary', key.write()],
    ['with#mark', key.armor()],
  ] as const) {
    const file = join(folder, name);
    writeFileSync(file, content);
    const { sign, publicKey } = await makeSigner({ key: file });
    const { text, fingerprint } = await verifyClearsigned(await sign(TEXT), await keyringOf(key), 'x');
    assert.deepEqual([Buffer.from(text), fingerprint], [TEXT, fingerprintOf(key)]);
    assert.equal(publicKey.fingerprint, fingerprintOf(key));
    const published = await openpgp.readKey({ armoredKey: Buffer.from(publicKey.armored).toString() });
    assert.equal(published.isPrivate(), false);
    assert.equal(fingerprintOf(published), fingerprintOf(key));
    assert.doesNotMatch(Buffer.from(publicKey.armored).toString(), /PRIVATE/);
  }
});

test('makeSigner unlocks a key with its passphrase, and says what is wrong without', async (t) => {
  const file = join(temporaryFolder(t), 'key');
  const key = await makeKey({ passphrase: 'geheim ü' });
  writeFileSync(file, key.armor());
  const { sign } = await makeSigner({ key: file, passphrase: 'geheim ü' });
  await verifyClearsigned(await sign(TEXT), await keyringOf(key), 'x');
  await assert.rejects(makeSigner({ key: file }), expectCode('key-locked', /protected by a passphrase/));
  for (const passphrase of ['', 'geheim'])
    await assert.rejects(
      makeSigner({ key: file, passphrase }),
      expectCode('key-locked', /passphrase is wrong/),
    );
});

test('makeSigner: several keys and none chosen lists them; one can be chosen', async (t) => {
  const file = join(temporaryFolder(t), 'keys');
  const keys = [await makeKey(), await makeKey()];
  writeFileSync(file, keys.map((key) => key.armor()).join('\n'));
  await assert.rejects(makeSigner({ key: file }), (error: SignatureError) => {
    assert.equal(error.code, 'key-ambiguous');
    for (const key of keys)
      assert.ok(error.message.includes(`\n  ${fingerprintOf(key)} Somebody`), error.message);
    assert.match(error.hint ?? '', /#FINGERPRINT/);
    assert.equal((error.data.keys as unknown[]).length, 2);
    return true;
  });
  for (const key of keys) {
    for (const id of [fingerprintOf(key), fingerprintOf(key).slice(-16).toLowerCase()]) {
      const { publicKey } = await makeSigner({ key: `${file}#${id}` });
      assert.equal(publicKey.fingerprint, fingerprintOf(key));
    }
  }
  await assert.rejects(makeSigner({ key: `${file}#DEADBEEF` }), (error: SignatureError) => {
    assert.equal(error.code, 'key-missing');
    return error.message.includes(fingerprintOf(keys[0] as openpgp.Key));
  });
});

test('readSigningKey refuses keys that cannot sign, before anything is packed', async (t) => {
  const folder = temporaryFolder(t);
  const write = (name: string, content: string | Uint8Array) => {
    writeFileSync(join(folder, name), content);
    return { file: join(folder, name) };
  };
  const expired = await makeKey({ lifetime: 1, date: new Date('2020-01-01') });
  await assert.rejects(
    readSigningKey(write('expired', expired.armor())),
    expectCode('key-unusable', /expired/),
  );
  const publicOnly = (await makeKey()).toPublic().armor();
  await assert.rejects(
    readSigningKey(write('public', publicOnly)),
    expectCode('key-unusable', /only public keys/),
  );
  const revoked = await openpgp.revokeKey({ key: await makeKey(), format: 'object' });
  await assert.rejects(
    readSigningKey(write('revoked', revoked.privateKey.armor())),
    expectCode('key-unusable', /revoked/),
  );
});

test('readSigningKey answers broken key files with a coded error', async (t) => {
  const folder = temporaryFolder(t);
  const armored = (await makeKey()).armor();
  const lines = armored.split('\n');
  const cases: readonly (string | Uint8Array)[] = [
    '',
    'x',
    '\0'.repeat(100),
    armored.slice(0, armored.length / 2),
    lines.filter((_, i) => i !== 4).join('\n'),
    armored.replace('PRIVATE KEY BLOCK-----\n', 'MESSAGE-----\n'),
    '-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n-----END PGP PRIVATE KEY BLOCK-----\n',
    '-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nAAAA\n-----END PGP PRIVATE KEY BLOCK-----\n',
    Buffer.from((await makeKey()).write()).subarray(0, 60),
  ];
  for (const [i, content] of cases.entries()) {
    const file = join(folder, String(i));
    writeFileSync(file, content);
    await assert.rejects(readSigningKey({ file }), (error: SignatureError) => {
      assert.ok(error instanceof SignatureError, String(i));
      return error.code === 'key-unreadable' || error.code === 'key-unusable';
    });
  }
  mkdirSync(join(folder, 'folder'));
  await assert.rejects(
    readSigningKey({ file: join(folder, 'folder') }),
    expectCode('key-unreadable', /EISDIR/),
  );
  await assert.rejects(
    readSigningKey({ file: join(folder, 'absent') }),
    expectCode('key-unreadable', /ENOENT/),
  );
});

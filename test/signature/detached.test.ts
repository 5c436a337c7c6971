import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import * as openpgp from 'openpgp';
import { SignatureError, type SignatureErrorCode } from '../../src/core/errors.js';
import { verifyDetached } from '../../src/signature/detached.js';
import type { Keyring } from '../../src/signature/keys/keyring.js';
import { keyringOf, makeKey, SIGNED, signDetached } from './temporary-keys.js';

const DATA = Buffer.from('{"spec":\r\n []} \n');

describe('verifyDetached', () => {
  let key: openpgp.PrivateKey;
  let keyring: Keyring;
  let armored: Buffer;
  before(async () => {
    key = await makeKey();
    keyring = await keyringOf(key);
    armored = await signDetached(DATA, key);
  });

  const refused = (signature: Uint8Array, code: SignatureErrorCode, data: Uint8Array = DATA) =>
    assert.rejects(verifyDetached(data, signature, keyring, 'the file'), (error: unknown) => {
      assert.ok(error instanceof SignatureError, String(error));
      assert.equal(error.code, code, error.message);
      return error.message.includes('the file');
    });

  test('accepts armored and binary signatures', async () => {
    const { data } = await openpgp.unarmor(armored.toString());
    for (const signature of [armored, Buffer.from(data as Uint8Array), Buffer.from(`\n${armored}\n`)]) {
      const { fingerprint } = await verifyDetached(DATA, signature, keyring, 'x');
      assert.equal(fingerprint, key.getFingerprint().toUpperCase());
    }
  });

  test('accepts a signature of a text, for which line ends do not count', async () => {
    const message = await openpgp.createMessage({ text: 'a\nb' });
    const signature = Buffer.from(
      await openpgp.sign({ message, signingKeys: key, detached: true, date: SIGNED }),
    );
    assert.ok(await verifyDetached(Buffer.from('a\r\nb'), signature, keyring, 'x'));
    await refused(signature, 'signature-invalid', Buffer.from('a\nb '));
  });

  test('refuses other data, byte for byte', async () => {
    for (const data of ['', '{"spec":\n []} \n', `${DATA}x`, DATA.subarray(1)]) {
      await refused(armored, 'signature-invalid', Buffer.from(data as string));
    }
  });

  test('refuses unknown keys, several blocks, other blocks and garbage', async () => {
    const other = await signDetached(DATA, await makeKey());
    await refused(other, 'signature-unknown-key');
    await refused(Buffer.from(''), 'signature-missing');
    await refused(Buffer.from(' \n'), 'signature-missing');
    await refused(Buffer.concat([armored, armored]), 'signature-malformed');
    await refused(Buffer.from(key.toPublic().armor()), 'signature-malformed');
    await refused(armored.subarray(0, 100), 'signature-malformed');
    await refused(Buffer.from('no signature at all'), 'signature-malformed');
    await refused(Buffer.alloc(64), 'signature-malformed');
  });
});

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import * as openpgp from 'openpgp';
import { SignatureError, type SignatureErrorCode } from '../../../src/core/errors.js';
import { extractClearsigned, verifyClearsigned } from '../../../src/signature/clearsign/clearsign.js';
import { Keyring } from '../../../src/signature/keys/keyring.js';
import { clearsign, keyringOf, makeKey, SIGNED } from '../temporary-keys.js';

const TEXT = '{"a":1,\n"- b": "x"}\n-dash\nlast';
const DAY = 24 * 3600;

function refusedAs(code: SignatureErrorCode, reason?: RegExp) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof SignatureError, String(error));
    assert.equal(error.code, code, error.message);
    if (reason !== undefined) assert.match(error.message, reason);
    return true;
  };
}

describe('verifyClearsigned', () => {
  let key: openpgp.PrivateKey;
  let other: openpgp.PrivateKey;
  let rsa: openpgp.PrivateKey;
  let keyring: Keyring;
  let signed: Buffer;
  before(async () => {
    [key, other, rsa] = await Promise.all([makeKey(), makeKey(), makeKey({ type: 'rsa' })]);
    keyring = await keyringOf(key);
    signed = await clearsign(TEXT, key);
  });

  test('returns the signed text and the signer', async () => {
    const verified = await verifyClearsigned(signed, keyring, 'x');
    assert.equal(Buffer.from(verified.text).toString(), TEXT);
    assert.equal(verified.fingerprint, key.getFingerprint().toUpperCase());
    assert.equal(verified.userId, 'Run-time Key <test@example.invalid>');
    assert.equal(verified.signedAt.getTime(), SIGNED.getTime());
  });

  test('accepts CR-LF, and blanks that were added to line ends', async () => {
    const crlf = Buffer.from(signed.toString().replaceAll('\n', '\r\n'));
    assert.equal(Buffer.from((await verifyClearsigned(crlf, keyring, 'x')).text).toString(), TEXT);
    const blanks = Buffer.from(signed.toString().replace('"x"}', '"x"} \t'));
    assert.equal(Buffer.from((await verifyClearsigned(blanks, keyring, 'x')).text).toString(), TEXT);
  });

  test('accepts RSA, and a signing subkey', async () => {
    await verifyClearsigned(await clearsign(TEXT, rsa), await keyringOf(rsa), 'x');
    const withSubkey = await makeKey({ signingSubkey: true });
    const { fingerprint } = await verifyClearsigned(
      await clearsign(TEXT, withSubkey),
      await keyringOf(other, withSubkey),
      'x',
    );
    assert.equal(fingerprint, withSubkey.getFingerprint().toUpperCase());
  });

  test('a change of one character of the text makes it invalid', async () => {
    const content = signed.toString();
    const start = content.indexOf('\n\n') + 2;
    const end = content.indexOf('-----BEGIN PGP SIGNATURE');
    for (let i = start; i < end - 1; i += 3) {
      if (content[i] === '\n' || content[i] === '-' || content[i - 1] === '-') continue;
      const changed = Buffer.from(`${content.slice(0, i)}@${content.slice(i + 1)}`);
      await assert.rejects(verifyClearsigned(changed, keyring, 'x'), refusedAs('signature-invalid'));
    }
  });

  test('an unknown key is named, with what to do', async () => {
    const refused = verifyClearsigned(signed, await keyringOf(other), 'the file');
    await assert.rejects(refused, (error: SignatureError) => {
      refusedAs('signature-unknown-key', /the file/)(error);
      assert.equal(error.data.fingerprint, key.getFingerprint().toUpperCase());
      assert.equal(error.data.keyId, key.getKeyID().toHex().toUpperCase());
      return /--keyring/.test(error.hint ?? '');
    });
    const empty = await Keyring.load({ trustedKeysFolder: '/nonexistent/keys' });
    await assert.rejects(verifyClearsigned(signed, empty, 'x'), (error: SignatureError) => {
      return refusedAs('signature-unknown-key')(error) && /nonexistent\/keys/.test(error.hint ?? '');
    });
  });

  test('several signatures: one by a trusted key is enough, a bad one by a trusted key is too many', async () => {
    const both = await clearsign(TEXT, [other, key]);
    assert.equal(
      (await verifyClearsigned(both, keyring, 'x')).fingerprint,
      key.getFingerprint().toUpperCase(),
    );
    assert.ok(await verifyClearsigned(both, await keyringOf(other), 'x'));
    assert.ok(await verifyClearsigned(both, await keyringOf(key, other), 'x'));
    // The other's signature over another text, spliced in beside a good one.
    const mixed = await splice(signed, await clearsign('another text', other));
    assert.ok(await verifyClearsigned(mixed, keyring, 'x'));
    await assert.rejects(
      verifyClearsigned(mixed, await keyringOf(key, other), 'x'),
      refusedAs('signature-invalid'),
    );
    await assert.rejects(
      verifyClearsigned(mixed, await keyringOf(other), 'x'),
      refusedAs('signature-invalid'),
    );
  });

  test('hundreds of signatures are refused unread', async () => {
    const { signature } = await partsOf(signed);
    const many = rebuild(signed, Buffer.concat(Array.from({ length: 300 }, () => signature)));
    await assert.rejects(verifyClearsigned(many, keyring, 'x'), refusedAs('signature-malformed', /300/));
  });

  test('a key that had expired when it signed is refused, one that expired later is not', async () => {
    const created = new Date(SIGNED.getTime() - 10 * DAY * 1000);
    const brief = await makeKey({ created, lifetime: 20 * DAY });
    const ring = await keyringOf(brief);
    assert.ok(await verifyClearsigned(await clearsign(TEXT, brief), ring, 'x'));
    const late = await forcedSignature(brief, new Date(SIGNED.getTime() + 30 * DAY * 1000));
    await assert.rejects(verifyClearsigned(late, ring, 'x'), refusedAs('signature-invalid', /expired/));
  });

  test('a signature from before its key, or from the future, is refused', async () => {
    const early = await forcedSignature(key, new Date('2023-01-01'));
    await assert.rejects(verifyClearsigned(early, keyring, 'x'), refusedAs('signature-invalid'));
    const future = await forcedSignature(key, new Date(Date.now() + 3 * DAY * 1000));
    await assert.rejects(verifyClearsigned(future, keyring, 'x'), refusedAs('signature-invalid', /future/));
  });

  test('a key whose expiry was prolonged after it signed is accepted', async () => {
    const brief = await makeKey({ created: new Date(SIGNED.getTime() - DAY * 1000), lifetime: 2 * DAY });
    const content = await clearsign(TEXT, brief);
    const date = new Date(SIGNED.getTime() + 30 * DAY * 1000);
    const { privateKey } = await openpgp.reformatKey({
      privateKey: brief,
      userIDs: [{ name: 'Run-time Key' }],
      date,
      keyExpirationTime: 0,
      format: 'object',
    });
    assert.ok(await verifyClearsigned(content, await keyringOf(privateKey), 'x'));
  });

  test('a compromised key is refused whenever it signed, a retired one only afterwards', async () => {
    const revoke = async (flag: openpgp.enums.reasonForRevocation) => {
      const { publicKey } = await openpgp.revokeKey({
        key,
        reasonForRevocation: { flag },
        date: new Date(SIGNED.getTime() + DAY * 1000),
        format: 'object',
      });
      return keyringOf(publicKey);
    };
    const compromised = await revoke(openpgp.enums.reasonForRevocation.keyCompromised);
    await assert.rejects(
      verifyClearsigned(signed, compromised, 'x'),
      refusedAs('signature-invalid', /revoked/),
    );
    const retired = await revoke(openpgp.enums.reasonForRevocation.keyRetired);
    assert.ok(await verifyClearsigned(signed, retired, 'x'));
    const later = await forcedSignature(key, new Date(SIGNED.getTime() + 2 * DAY * 1000));
    await assert.rejects(verifyClearsigned(later, retired, 'x'), refusedAs('signature-invalid', /revoked/));
  });

  test('SHA-1 and short RSA keys are refused', async () => {
    const sha1 = await clearsignWithSha1(TEXT, rsa);
    await assert.rejects(
      verifyClearsigned(sha1, await keyringOf(rsa), 'x'),
      refusedAs('signature-invalid', /SHA1/),
    );
    const short = await makeKey({ type: 'rsa', bits: 1024 });
    const content = await clearsign(TEXT, short, { config: { minRSABits: 1024 } });
    await assert.rejects(
      verifyClearsigned(content, await keyringOf(short), 'x'),
      refusedAs('signature-invalid'),
    );
  });

  test('our demands hold although a host program loosens the library', async () => {
    const { rejectMessageHashAlgorithms } = openpgp.config;
    const sha1 = await clearsignWithSha1(TEXT, rsa);
    const ring = await keyringOf(rsa);
    openpgp.config.rejectMessageHashAlgorithms = new Set();
    try {
      await assert.rejects(verifyClearsigned(sha1, ring, 'x'), refusedAs('signature-invalid', /SHA1/));
    } finally {
      openpgp.config.rejectMessageHashAlgorithms = rejectMessageHashAlgorithms;
    }
  });

  test('a signature of a file does not count as one of a text', async () => {
    const message = await openpgp.createMessage({ binary: Buffer.from(TEXT.replaceAll('\n', '\r\n')) });
    const binary = await openpgp.sign({
      message,
      signingKeys: key,
      detached: true,
      date: SIGNED,
      format: 'binary',
    });
    await assert.rejects(
      verifyClearsigned(rebuild(signed, binary), keyring, 'x'),
      refusedAs('signature-invalid', /text/),
    );
  });

  test('armor without a signature in it is malformed', async () => {
    const publicKey = key.toPublic().write();
    for (const packets of [
      Uint8Array.of(1, 2, 3),
      Uint8Array.of(0),
      Buffer.alloc(1000, 0xff),
      publicKey,
      new Uint8Array(3),
    ]) {
      await assert.rejects(
        verifyClearsigned(rebuild(signed, packets), keyring, 'x'),
        refusedAs('signature-malformed'),
      );
    }
  });

  test('every damage to the signature packet is a SignatureError', async () => {
    const { signature } = await partsOf(signed);
    for (let i = 0; i < signature.length; i++) {
      const damaged = Buffer.from(signature);
      damaged[i] = (damaged[i] ?? 0) ^ 0x55;
      const outcome = await verifyClearsigned(rebuild(signed, damaged), keyring, 'x').catch(
        (error: unknown) => error,
      );
      // Unhashed facts, such as the issuer's key id, are not protected; anything else must fail.
      if (!(outcome instanceof SignatureError))
        assert.equal(Buffer.from((outcome as { text: Uint8Array }).text).toString(), TEXT);
    }
    for (let length = 1; length < signature.length; length++) {
      const cut = rebuild(signed, signature.subarray(0, length));
      await assert.rejects(verifyClearsigned(cut, keyring, 'x'), SignatureError);
    }
  });

  test('what is not clearsigned is signature-missing', async () => {
    await assert.rejects(verifyClearsigned(Buffer.from('{}'), keyring, 'x'), refusedAs('signature-missing'));
    assert.throws(() => extractClearsigned(Buffer.from('{}'), 'x'), refusedAs('signature-missing'));
  });

  test('extractClearsigned returns the same text without a key', async () => {
    assert.equal(Buffer.from(extractClearsigned(signed, 'x')).toString(), TEXT);
  });
});

/** Signs at any date: the library itself refuses to sign with a key that is not valid then. */
async function forcedSignature(key: openpgp.PrivateKey, date: Date): Promise<Buffer> {
  return signPacket(TEXT, key, date, openpgp.enums.hash.sha512);
}

async function clearsignWithSha1(text: string, key: openpgp.PrivateKey): Promise<Buffer> {
  return signPacket(text, key, SIGNED, openpgp.enums.hash.sha1);
}

/** The library's types leave out the last parameters. */
interface Signing {
  sign(key: unknown, data: unknown, date: Date, detached: boolean, config: openpgp.Config): Promise<void>;
}

async function signPacket(
  text: string,
  key: openpgp.PrivateKey,
  date: Date,
  hash: openpgp.enums.hash,
): Promise<Buffer> {
  const packet = new openpgp.SignaturePacket();
  const { keyPacket } = key;
  packet.signatureType = openpgp.enums.signature.text;
  packet.hashAlgorithm = hash;
  packet.publicKeyAlgorithm = keyPacket.algorithm as unknown as openpgp.enums.publicKey;
  const [literal] = (await openpgp.createMessage({ text })).packets;
  await (packet as unknown as Signing).sign(keyPacket, literal, date, true, {
    ...openpgp.config,
    nonDeterministicSignaturesViaNotation: false,
  });
  const list = new openpgp.PacketList<openpgp.SignaturePacket>();
  list.push(packet);
  return rebuild(await clearsign(text, key), list.write());
}

/** The signature packets of a clearsigned text. */
async function partsOf(content: Buffer): Promise<{ signature: Buffer }> {
  const armor = content.subarray(content.indexOf('-----BEGIN PGP SIGNATURE'));
  const { data } = await openpgp.unarmor(armor.toString());
  return { signature: Buffer.from(data as Uint8Array) };
}

/** The same text over other signature packets. */
function rebuild(content: Buffer, packets: Uint8Array): Buffer {
  const head = content.subarray(0, content.indexOf('-----BEGIN PGP SIGNATURE')).toString();
  const body = (
    Buffer.from(packets)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  ).join('\n');
  return Buffer.from(`${head}-----BEGIN PGP SIGNATURE-----\n\n${body}\n-----END PGP SIGNATURE-----\n`);
}

async function splice(content: Buffer, more: Buffer): Promise<Buffer> {
  return rebuild(
    content,
    Buffer.concat([(await partsOf(content)).signature, (await partsOf(more)).signature]),
  );
}

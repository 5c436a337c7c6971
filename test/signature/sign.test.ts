import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import * as openpgp from 'openpgp';
import { SignatureError, type SignatureErrorCode } from '../../src/core/errors.js';
import { extractClearsigned, verifyClearsigned } from '../../src/signature/clearsign/clearsign.js';
import { LONGEST_LINE } from '../../src/signature/clearsign/clearsign-writer.js';
import { Keyring } from '../../src/signature/keys/keyring.js';
import { requireSigningKey, signClearsigned } from '../../src/signature/sign.js';
import { GpgHome, NO_GPG } from '../helpers/gpg-home.js';
import { keyringOf, makeKey } from './temporary-keys.js';

const FIXTURES = process.env.REGRAFT_FIXTURES;

/** Texts with everything that a clearsigned form could spoil; what is read back has one final newline. */
const TEXTS: readonly string[] = [
  '{\n"spec":{\n"_meta":{\n"version":4\n}\n}\n}',
  'ends in a newline\n',
  'ends in two\n\n',
  '\n\nstarts with two',
  '- dash\n-dash\n--\n-----BEGIN PGP SIGNATURE-----\n-----BEGIN PGP SIGNED MESSAGE-----\n-',
  '- - escaped twice\n - not at the start',
  'From here\nfrom there\n.\n..',
  'Hash: SHA1\n\nno header',
  'ü €  \ufeff \u{1f600}',
  '\ufeffbyte order mark',
  'a\rb\fc\vd\u0085e\u2028f',
  'inner  blanks\tand\ttabs',
  'x'.repeat(LONGEST_LINE),
  `-${'x'.repeat(LONGEST_LINE - 1)}`,
  '',
  '\n',
];

function expectCode(code: SignatureErrorCode) {
  return (error: unknown) => error instanceof SignatureError && error.code === code;
}

const bytes = (text: string) => Buffer.from(text);
const withoutFinalNewline = (text: string) => text.replace(/\n$/, '');

describe('signClearsigned', () => {
  test('what it signs verifies, and is read back as it was', async () => {
    const key = await makeKey();
    const keyring = await keyringOf(key);
    for (const text of TEXTS) {
      const signed = await signClearsigned(bytes(text), { key });
      const { text: covered, fingerprint } = await verifyClearsigned(signed, keyring, 'x');
      assert.equal(Buffer.from(covered).toString(), withoutFinalNewline(text));
      assert.equal(fingerprint, key.getFingerprint().toUpperCase());
    }
  });

  test('any text is read back, or refused', async () => {
    const key = await makeKey();
    const keyring = await keyringOf(key);
    const piece = fc.constantFrom(
      '-',
      ' ',
      '\t',
      '\n',
      '\r',
      '\r\n',
      'x',
      '-----BEGIN PGP SIGNATURE-----',
      'é',
      '\0',
    );
    const property = fc.asyncProperty(fc.array(piece, { maxLength: 24 }), async (pieces) => {
      const text = pieces.join('');
      const isRefused = /[ \t\r](?:\n|$)|\0/.test(text);
      const signed = await signClearsigned(bytes(text), { key }).catch((error: unknown) => error);
      if (isRefused) return assert.ok(expectCode('text-not-signable')(signed), JSON.stringify(text));
      const covered = await verifyClearsigned(signed as Uint8Array, keyring, 'x');
      assert.equal(Buffer.from(covered.text).toString(), withoutFinalNewline(text));
    });
    await fc.assert(property, { seed: 20240115, numRuns: 150 });
  });

  test('refuses what GnuPG would cut or change, and names the line', async () => {
    const key = await makeKey();
    for (const text of ['a\nb \nc', 'a\nb\t', 'a\n\0', 'a\nb\r\nc', `a\n${'x'.repeat(LONGEST_LINE + 1)}`]) {
      await assert.rejects(
        signClearsigned(bytes(text), { key, source: 'some file' }),
        (error: SignatureError) => {
          assert.equal(error.code, 'text-not-signable');
          assert.equal(error.data.line, 2);
          return /"some file"/.test(error.message);
        },
      );
    }
    await assert.rejects(
      signClearsigned(Uint8Array.of(0x61, 0xff), { key }),
      expectCode('text-not-signable'),
    );
  });

  test('refuses keys that have expired', async () => {
    const created = new Date('2020-01-01');
    const key = await makeKey({ created, lifetime: 86_400 });
    await assert.rejects(signClearsigned(bytes('x'), { key }), expectCode('key-unusable'));
    await assert.rejects(requireSigningKey(key), expectCode('key-unusable'));
    await requireSigningKey(key, new Date('2020-01-01T12:00:00Z')).catch((error: SignatureError) => {
      // Valid then; what remains is that GnuPG 2.2 does not know this kind of key.
      assert.match(error.message, /GnuPG 2.2/);
    });
  });

  test('requireSigningKey refuses what GnuPG 2.2 does not know', async () => {
    const userIDs = [{ name: 'x' }];
    for (const options of [
      { type: 'curve25519' as const },
      { type: 'rsa' as const, rsaBits: 2048, config: { v6Keys: true } },
    ]) {
      const { privateKey } = await openpgp.generateKey({ ...options, userIDs, format: 'object' });
      await assert.rejects(
        requireSigningKey(privateKey),
        expectCode('key-unusable'),
        JSON.stringify(options),
      );
    }
    for (const options of [
      { type: 'ecc' as const, curve: 'ed25519Legacy' as const },
      { type: 'rsa' as const, rsaBits: 2048 },
      { type: 'ecc' as const, curve: 'nistP384' as const },
    ]) {
      const { privateKey } = await openpgp.generateKey({ ...options, userIDs, format: 'object' });
      await requireSigningKey(privateKey);
    }
  });
});

describe('signClearsigned and GnuPG', { skip: NO_GPG }, () => {
  let home: GpgHome;
  const fingerprints: string[] = [];
  before(() => {
    home = new GpgHome();
    for (const algorithm of ['rsa2048', 'ed25519', 'nistp384'] as const) {
      fingerprints.push(home.makeKey(`${algorithm} <${algorithm}@example.invalid>`, algorithm));
    }
  });
  after(() => home.remove());

  async function eachKey(
    use: (key: openpgp.PrivateKey, keyring: Keyring, fingerprint: string) => Promise<void>,
  ) {
    for (const fingerprint of fingerprints) {
      const armoredKey = home.exportSecret(fingerprint).toString();
      const key = await openpgp.readPrivateKey({ armoredKey });
      await use(key, await Keyring.fromBytes(home.exportPublic(fingerprint), 'gpg'), fingerprint);
    }
  }

  test('GnuPG verifies what we sign, and gives back the exact text', async () => {
    await eachKey(async (key) => {
      for (const text of TEXTS) {
        const signed = await signClearsigned(bytes(text), { key });
        const verified = home.run(['--status-fd', '1', '--verify'], signed);
        assert.equal(verified.status, 0, verified.stderr);
        assert.match(verified.stdout.toString(), /GOODSIG/);
        const { status, stdout, stderr } = home.run(['--decrypt'], signed);
        assert.equal(status, 0, stderr);
        assert.equal(stdout.toString(), `${withoutFinalNewline(text)}\n`);
      }
    });
  });

  test('GnuPG writes the same form', async () => {
    await eachKey(async (key, _keyring, fingerprint) => {
      for (const text of TEXTS) {
        const ours = await signClearsigned(bytes(text), { key });
        const args = ['--digest-algo', 'SHA512', '--local-user', fingerprint, '--clearsign'];
        const theirs = home.run(args, bytes(text)).stdout;
        const form = (signed: Uint8Array) =>
          Buffer.from(signed)
            .toString('latin1')
            .split(/\n(?=-----BEGIN PGP SIGNATURE-----\n)/)[0];
        assert.equal(form(ours), form(theirs));
      }
    });
  });

  test('we verify what GnuPG signs', async () => {
    await eachKey(async (_key, keyring, fingerprint) => {
      for (const text of TEXTS) {
        const signed = home.run(['--local-user', fingerprint, '--clearsign'], bytes(text)).stdout;
        const verified = await verifyClearsigned(signed, keyring, 'x');
        assert.equal(Buffer.from(verified.text).toString(), withoutFinalNewline(text));
        assert.equal(verified.fingerprint, fingerprint);
      }
    });
  });

  test('beyond the longest line GnuPG cuts', () => {
    const long = bytes('x'.repeat(LONGEST_LINE + 1));
    const signed = home.run(['--clearsign'], long).stdout;
    assert.notEqual(home.run(['--decrypt'], signed).stdout.toString(), `${long}\n`);
  });
});

test('signClearsigned signs every specfile of the fixtures as it is', {
  skip: FIXTURES === undefined && 'REGRAFT_FIXTURES is not set',
}, async () => {
  const folder = join(FIXTURES ?? '', 'caches/unpadded-signed/build_cache');
  const key = await makeKey();
  const keyring = await keyringOf(key);
  const names = readdirSync(folder).filter((name) => name.endsWith('.sig'));
  assert.equal(names.length, 9);
  for (const name of names) {
    const text = extractClearsigned(readFileSync(join(folder, name)), name);
    const verified = await verifyClearsigned(await signClearsigned(text, { key }), keyring, name);
    assert.deepEqual(Buffer.from(verified.text), Buffer.from(text));
  }
});

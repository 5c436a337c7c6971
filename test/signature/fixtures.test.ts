// Everything that was signed for the fixtures, and what was broken on purpose.

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { SignatureError } from '../../src/core/errors.js';
import { verifyClearsigned } from '../../src/signature/clearsign/clearsign.js';
import { verifyDetached } from '../../src/signature/detached.js';
import { Keyring } from '../../src/signature/keys/keyring.js';

const FIXTURES = process.env.REGRAFT_FIXTURES;
const FINGERPRINT = 'DF00AC06DD1883B51FEEF66972478A4B7BA1CF8C';

/** Cases of `negative/caches` that a signature check must refuse; in all others the signature is good. */
const REFUSED: Readonly<Record<string, string>> = {
  'forged-block-before-good-block': 'signature-malformed',
  'good-block-before-forged-block': 'signature-malformed',
  'two-signed-blocks': 'signature-malformed',
  'unsigned-text-before-signed-block': 'signature-malformed',
  'signed-by-unknown-key': 'signature-unknown-key',
  'signed-checksum-edited': 'signature-invalid',
  'signed-json-edited': 'signature-invalid',
};

describe('signed fixtures', { skip: FIXTURES === undefined && 'REGRAFT_FIXTURES is not set' }, () => {
  const fixtures = FIXTURES ?? '';
  let keyring: Keyring;
  before(async () => {
    keyring = await Keyring.load({ files: [join(fixtures, 'keys', 'fixture-key.pub')] });
  });

  test('every signed specfile of the good caches verifies, and is JSON', async () => {
    const files = ['caches', '../fixtures-v2v3/caches'].flatMap((folder) =>
      signedFiles(join(fixtures, folder)),
    );
    assert.ok(files.length >= 40, String(files.length));
    for (const file of files) {
      const { text, fingerprint, userId } = await verifyClearsigned(readFileSync(file), keyring, file);
      assert.equal(fingerprint, FINGERPRINT);
      assert.match(userId ?? '', /for tests only/);
      assert.ok(JSON.parse(Buffer.from(text).toString()).spec, file);
    }
  });

  test('signed manifests of layout 3 verify', async () => {
    const root = join(fixtures, '../fixtures-v2v3/caches/layout3-signed/v3/manifests/spec');
    const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.json'),
    );
    assert.ok(files.length > 10);
    for (const name of files) {
      const { text } = await verifyClearsigned(readFileSync(join(root, name)), keyring, name);
      assert.equal(JSON.parse(Buffer.from(text).toString()).version, 3);
    }
  });

  test('broken caches are refused as they must be, and only those', async () => {
    const root = join(fixtures, 'negative/caches');
    const seen = new Set<string>();
    for (const name of readdirSync(root)) {
      for (const file of signedFiles(root, name)) {
        const outcome = await verifyClearsigned(readFileSync(file), keyring, file).catch(
          (error: unknown) => error,
        );
        const code = outcome instanceof SignatureError ? outcome.code : undefined;
        assert.equal(code, REFUSED[name], `${name}: ${outcome}`);
        seen.add(name);
      }
    }
    for (const name of Object.keys(REFUSED)) assert.ok(seen.has(name), name);
  });

  test('CR-LF makes no difference to the text', async () => {
    const [crlf = ''] = signedFiles(join(fixtures, 'negative/caches'), 'signed-crlf');
    const [plain = ''] = signedFiles(join(fixtures, 'negative/caches'), 'tarball-missing');
    const texts = await Promise.all(
      [crlf, plain].map(async (file) => (await verifyClearsigned(readFileSync(file), keyring, file)).text),
    );
    assert.ok(readFileSync(crlf).includes('\r\n'));
    assert.deepEqual(
      JSON.parse(Buffer.from(texts[0] ?? []).toString()),
      JSON.parse(Buffer.from(texts[1] ?? []).toString()),
    );
  });

  test('the detached signatures inside of layout 0 tarballs verify', async () => {
    const root = join(fixtures, 'caches/layout0-signed/build_cache');
    const archives = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.spack'),
    );
    assert.ok(archives.length >= 8);
    for (const name of archives) {
      const members = readOuterTar(readFileSync(join(root, name)));
      const [specName = ''] = [...members.keys()].filter((member) => member.endsWith('.spec.json'));
      const spec = members.get(specName) ?? Buffer.alloc(0);
      const signature = members.get(`${specName}.asc`) ?? Buffer.alloc(0);
      assert.equal((await verifyDetached(spec, signature, keyring, name)).fingerprint, FINGERPRINT);
      const changed = Buffer.concat([spec, Buffer.from(' ')]);
      await assert.rejects(verifyDetached(changed, signature, keyring, name), SignatureError);
    }
  });

  test('the other key is in no keyring by itself', async () => {
    const other = await Keyring.load({ files: [join(fixtures, 'keys', 'other-key.pub')] });
    const [file = ''] = signedFiles(join(fixtures, 'caches'), 'unpadded-signed');
    await assert.rejects(verifyClearsigned(readFileSync(file), other, file), (error: SignatureError) => {
      return error.code === 'signature-unknown-key' && error.data.fingerprint === FINGERPRINT;
    });
  });
});

function signedFiles(root: string, only?: string): readonly string[] {
  return readdirSync(root)
    .filter((name) => only === undefined || name === only)
    .map((name) => join(root, name, 'build_cache'))
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)))
    .filter((file) => file.endsWith('.sig'));
}

/** The files of a plain tar (ustar, POSIX), enough of a reader for three members with short names. */
function readOuterTar(bytes: Buffer): ReadonlyMap<string, Buffer> {
  const members = new Map<string, Buffer>();
  let longName: string | undefined;
  for (let at = 0; at + 512 <= bytes.length && bytes[at] !== 0; ) {
    const text = (start: number, end: number) =>
      bytes.toString('latin1', at + start, at + end).replace(/\0.*/s, '');
    const size = Number.parseInt(text(124, 136), 8);
    const content = bytes.subarray(at + 512, at + 512 + size);
    const type = text(156, 157);
    if (type === 'x') longName = /path=([^\n]*)/.exec(content.toString('latin1'))?.[1];
    else if (type === 'L') longName = content.toString('latin1').replace(/\0.*/s, '');
    else {
      members.set(longName ?? text(0, 100), content);
      longName = undefined;
    }
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return members;
}

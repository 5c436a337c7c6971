import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { SignatureError } from '../../../src/core/errors.js';
import { Keyring } from '../../../src/signature/keys/keyring.js';
import {
  type PublicKey,
  readNamedPublicKey,
  readPublicKeys,
} from '../../../src/signature/keys/public-key.js';
import { TrustedKeys } from '../../../src/signature/keys/trusted-keys.js';
import { temporaryFolder } from '../../mirror/temporary-folder.js';
import { makeKey } from '../temporary-keys.js';

async function makePublicKey(): Promise<PublicKey> {
  const [key] = await readPublicKeys(Buffer.from((await makeKey()).armor()), 'x');
  assert.ok(key);
  return key;
}

const code = (wanted: string) => (error: unknown) => error instanceof SignatureError && error.code === wanted;

test('TrustedKeys.add makes a key trusted, and nothing else', async (t) => {
  const folder = join(temporaryFolder(t), 'deep', 'trusted-keys');
  const trusted = new TrustedKeys(folder);
  assert.deepEqual(await trusted.list(), []);
  const keys = [await makePublicKey(), await makePublicKey()];
  for (const key of keys) await trusted.add(key);
  for (const key of keys) await trusted.add(key);
  const fingerprints = keys.map((key) => key.fingerprint).sort();
  assert.deepEqual(
    readdirSync(folder).sort(),
    fingerprints.map((each) => `${each}.pub`),
  );
  assert.equal(statSync(folder).mode & 0o777, 0o700);
  assert.deepEqual((await trusted.list()).map((key) => key.fingerprint).sort(), fingerprints);
  assert.deepEqual(
    [...(await Keyring.load({ trustedKeysFolder: folder })).fingerprints].sort(),
    fingerprints,
  );
});

test('TrustedKeys.remove removes the file, or only the key from a file with others', async (t) => {
  const folder = temporaryFolder(t);
  const trusted = new TrustedKeys(folder);
  const [first, second, third] = [await makePublicKey(), await makePublicKey(), await makePublicKey()];
  writeFileSync(join(folder, 'team.asc'), Buffer.concat([first.armored, second.armored]));
  await trusted.add(first);
  await trusted.add(third);
  const spaced = first.fingerprint.toLowerCase().replace(/(.{4})/g, '$1 ');
  assert.deepEqual(
    [...(await trusted.remove(spaced))].sort(),
    [join(folder, `${first.fingerprint}.pub`), join(folder, 'team.asc')].sort(),
  );
  const left = (await trusted.list()).map(({ fingerprint, file }) => [fingerprint, file]).sort();
  assert.deepEqual(
    left,
    [
      [second.fingerprint, join(folder, 'team.asc')],
      [third.fingerprint, join(folder, `${third.fingerprint}.pub`)],
    ].sort(),
  );
  await assert.rejects(trusted.remove(first.fingerprint), code('key-missing'));
  await assert.rejects(trusted.remove(second.fingerprint.slice(-16)), code('key-missing'));
});

test('TrustedKeys names a file that it cannot read or change', async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'file'), '');
  const below = new TrustedKeys(join(folder, 'file', 'keys'));
  await assert.rejects(below.add(await makePublicKey()), code('key-unreadable'));
  const broken = new TrustedKeys(join(folder, 'keys'));
  mkdirSync(broken.folder);
  writeFileSync(join(broken.folder, 'broken.asc'), 'no key');
  await assert.rejects(broken.list(), (error: SignatureError) => error.message.includes('broken.asc'));
  assert.deepEqual(readdirSync(broken.folder), ['broken.asc']);
  chmodSync(broken.folder, 0o700);
});

test('readNamedPublicKey takes the one key that the name says', async () => {
  const [first, second] = [await makePublicKey(), await makePublicKey()];
  const both = Buffer.concat([first.armored, second.armored]);
  const found = await readNamedPublicKey(first.armored, first.fingerprint.toLowerCase(), 'x');
  assert.equal(found.fingerprint, first.fingerprint);
  assert.deepEqual(
    [found.facts.userIds, found.facts.revoked, found.facts.algorithm],
    [['Run-time Key <test@example.invalid>'], false, 'ed25519'],
  );
  assert.equal(found.facts.created.toISOString(), '2024-01-10T00:00:00.000Z');
  for (const bytes of [second.armored, both]) {
    await assert.rejects(readNamedPublicKey(bytes, first.fingerprint, 'x'), code('key-mismatch'));
  }
  await assert.rejects(readNamedPublicKey(Buffer.from('x'), first.fingerprint, 'x'), code('key-unreadable'));
});

test('readPublicKeys takes the public part of secret keys, and each key once', async () => {
  const key = await makeKey();
  const bytes = Buffer.from(`${key.armor()}\n${key.toPublic().armor()}`);
  const keys = await readPublicKeys(bytes, 'x');
  assert.equal(keys.length, 1);
  assert.doesNotMatch(Buffer.from(keys[0]?.armored ?? '').toString(), /PRIVATE/);
});

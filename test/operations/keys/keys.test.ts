import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { BuildcacheError, type ErrorCode } from '../../../src/core/errors.js';
import { openMirror } from '../../../src/mirror/open-mirror.js';
import { fetchKeys } from '../../../src/operations/keys/keys.js';
import { publishKeys } from '../../../src/operations/keys/publish-keys.js';
import { readKeysToPublish, trustKeyFiles } from '../../../src/operations/keys/trust-keys.js';
import { type PublicKey, readPublicKeys } from '../../../src/signature/keys/public-key.js';
import { TrustedKeys } from '../../../src/signature/keys/trusted-keys.js';
import { MirrorServer } from '../../helpers/mirror-server.js';
import { makeKey } from '../../signature/temporary-keys.js';
import { temporaryFolder } from '../../store/temporary-folder.js';

async function makePublicKey(): Promise<PublicKey> {
  const [key] = await readPublicKeys(Buffer.from((await makeKey()).armor()), 'x');
  assert.ok(key);
  return key;
}

function expectCode(code: ErrorCode) {
  return (error: unknown) => error instanceof BuildcacheError && error.code === code;
}

async function place(t: TestContext) {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'mirror'));
  const mirror = await openMirror(join(folder, 'mirror'));
  return {
    folder,
    mirror,
    keys: join(folder, 'mirror/build_cache/_pgp'),
    trustedKeys: new TrustedKeys(join(folder, 'trusted')),
  };
}

test('publishKeys of many at once ends with all of their keys', async (t) => {
  const folder = temporaryFolder(t);
  const keys = await Promise.all(Array.from({ length: 6 }, makePublicKey));
  const open = () => openMirror(folder, { layout: 3 });
  await Promise.all(keys.map(async (key) => publishKeys({ mirror: await open(), keys: [key] })));
  const { cache } = await open();
  const named = (await cache.keys.list()).map(({ fingerprint }) => fingerprint.toUpperCase());
  assert.deepEqual(named.sort(), keys.map(({ fingerprint }) => fingerprint).sort());
});

test('publishKeys writes keys and their index, and keeps those of others', async (t) => {
  const { mirror, keys } = await place(t);
  const [first, second] = [await makePublicKey(), await makePublicKey()];
  await publishKeys({ mirror, keys: [first] });
  const { fingerprints } = await publishKeys({ mirror, keys: [second] });
  const both = [first.fingerprint, second.fingerprint].sort();
  assert.deepEqual([...fingerprints].sort(), both);
  assert.deepEqual(Object.keys(JSON.parse(readFileSync(join(keys, 'index.json'), 'utf8')).keys), both);
  assert.deepEqual(readdirSync(keys).sort(), [...both.map((each) => `${each}.pub`), 'index.json'].sort());
  assert.doesNotMatch(readFileSync(join(keys, `${first.fingerprint}.pub`), 'utf8'), /PRIVATE/);
});

test('fetchKeys shows what mirrors have, and trusts only what is named', async (t) => {
  const { folder, mirror, trustedKeys } = await place(t);
  const [first, second] = [await makePublicKey(), await makePublicKey()];
  await publishKeys({ mirror, keys: [first, second] });
  const server = await MirrorServer.start({ folder: join(folder, 'mirror') });
  t.after(() => server.close());
  const mirrors = [mirror, await openMirror(server.url, { environment: {} })];
  const shown = await fetchKeys({ mirrors, trustedKeys });
  assert.deepEqual(
    shown.map(({ trust }) => trust),
    Array(4).fill('untrusted'),
  );
  assert.deepEqual(
    shown.map(({ mirror: url }) => url),
    [mirror.cache.url, mirror.cache.url, server.url, server.url],
  );
  assert.deepEqual(shown[0]?.facts?.userIds, ['Run-time Key <test@example.invalid>']);
  assert.deepEqual(await trustedKeys.list(), []);
  const fetched = await fetchKeys({ mirrors, trustedKeys, trust: [first.fingerprint.toLowerCase()] });
  assert.deepEqual(
    fetched.map(({ fingerprint, trust }) => [fingerprint === first.fingerprint, trust]).sort(),
    [
      [true, 'trusted-now'],
      [true, 'trusted'],
      [false, 'untrusted'],
      [false, 'untrusted'],
    ].sort(),
  );
  assert.deepEqual(
    (await trustedKeys.list()).map(({ fingerprint }) => fingerprint),
    [first.fingerprint],
  );
  for (const each of mirrors) await each.cache.close?.();
});

test('fetchKeys: a key of another name is not trusted, whatever was asked for', async (t) => {
  const { mirror, keys, trustedKeys } = await place(t);
  const [wanted, other] = [await makePublicKey(), await makePublicKey()];
  mkdirSync(keys, { recursive: true });
  writeFileSync(
    join(keys, 'index.json'),
    JSON.stringify({ keys: { [wanted.fingerprint]: {}, ['AB'.repeat(20)]: {} } }),
  );
  for (const content of [
    other.armored,
    Buffer.concat([wanted.armored, other.armored]),
    Buffer.from('no key'),
    Buffer.alloc(0),
  ]) {
    writeFileSync(join(keys, `${wanted.fingerprint}.pub`), content);
    const shown = await fetchKeys({ mirrors: [mirror], trustedKeys });
    assert.ok(
      ['key-mismatch', 'key-unreadable'].includes(shown[0]?.error?.code ?? ''),
      shown[0]?.error?.code,
    );
    assert.equal(shown[1]?.error?.code, 'mirror-not-found');
    const trust = fetchKeys({ mirrors: [mirror], trustedKeys, trust: [wanted.fingerprint] });
    await assert.rejects(
      trust,
      (error: unknown) => expectCode('key-mismatch')(error) || expectCode('key-unreadable')(error),
    );
    assert.deepEqual(await trustedKeys.list(), []);
  }
});

test('fetchKeys: no key index is no keys; a broken one, and a key that nobody has, are errors', async (t) => {
  const { mirror, keys, trustedKeys } = await place(t);
  assert.deepEqual(await fetchKeys({ mirrors: [mirror], trustedKeys }), []);
  await assert.rejects(
    fetchKeys({ mirrors: [mirror], trustedKeys, trust: ['AB'.repeat(20)] }),
    expectCode('key-missing'),
  );
  mkdirSync(keys, { recursive: true });
  for (const [text, code] of [
    ['{', 'metadata-syntax'],
    ['{"keys":{"../../x":{}}}', 'metadata-invalid'],
    ['{"keys":[]}', 'metadata-invalid'],
    [' '.repeat((1 << 20) + 1), 'metadata-too-large'],
  ] as const) {
    writeFileSync(join(keys, 'index.json'), text);
    await assert.rejects(fetchKeys({ mirrors: [mirror], trustedKeys }), expectCode(code), code);
  }
});

test('fetchKeys: a key file of any size does not fill the memory', async (t) => {
  const { mirror, keys, trustedKeys } = await place(t);
  const fingerprint = 'AB'.repeat(20);
  mkdirSync(keys, { recursive: true });
  writeFileSync(join(keys, 'index.json'), JSON.stringify({ keys: { [fingerprint]: {} } }));
  writeFileSync(join(keys, `${fingerprint}.pub`), Buffer.alloc((16 << 20) + 1));
  const [key] = await fetchKeys({ mirrors: [mirror], trustedKeys });
  assert.equal(key?.error?.code, 'metadata-too-large');
});

test('trustKeyFiles trusts all keys of all files, or none', async (t) => {
  const { folder, trustedKeys } = await place(t);
  const [first, second] = [await makePublicKey(), await makePublicKey()];
  const good = join(folder, 'good.asc');
  writeFileSync(good, Buffer.concat([first.armored, second.armored]));
  await assert.rejects(
    trustKeyFiles([good, join(folder, 'absent')], trustedKeys),
    expectCode('key-unreadable'),
  );
  assert.deepEqual(await trustedKeys.list(), []);
  assert.equal((await trustKeyFiles([good], trustedKeys)).length, 2);
  assert.equal((await trustedKeys.list()).length, 2);
});

test('readKeysToPublish: files, trusted keys by their fingerprints, all trusted keys', async (t) => {
  const { folder, trustedKeys } = await place(t);
  await assert.rejects(readKeysToPublish([], trustedKeys), expectCode('key-missing'));
  const [first, second, third] = [await makePublicKey(), await makePublicKey(), await makePublicKey()];
  await trustedKeys.add(first);
  await trustedKeys.add(second);
  const file = join(folder, 'third.asc');
  writeFileSync(file, third.armored);
  const named = async (names: readonly string[]) =>
    (await readKeysToPublish(names, trustedKeys)).map((key) => key.fingerprint);
  assert.deepEqual((await named([])).sort(), [first.fingerprint, second.fingerprint].sort());
  assert.deepEqual(await named([file, first.fingerprint.toLowerCase(), file]), [
    third.fingerprint,
    first.fingerprint,
  ]);
  await assert.rejects(named(['AB'.repeat(20)]), expectCode('key-unreadable'));
});

// Repositories of a real registry, over http and TLS, for everybody and with logins.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { IMAGE_MANIFEST } from '../../src/transport/oci/media-types.js';
import type { Repository } from '../../src/transport/oci/repository.js';
import { CuttingProxy } from '../helpers/cutting-proxy.js';
import { digestOf } from '../helpers/fake-registry.js';
import { NO_OCI_REGISTRY, type OciRegistry, PASSWORD, startOciRegistry } from '../helpers/oci-registry.js';
import { temporaryFolder } from '../store/temporary-folder.js';
import { collect, recordingRetry } from '../transport/http/recording-retry.js';
import { expectError } from '../transport/oci/fake-place.js';

const skip = NO_OCI_REGISTRY;
const CONFIG = Buffer.from('{}');
const LARGE = randomBytes(40 << 20);

async function upload({ blobs }: Repository, bytes: Uint8Array, digest = digestOf(bytes)): Promise<void> {
  const pending = await blobs.begin();
  try {
    for (let offset = 0; offset < bytes.length; offset += 1 << 20)
      await pending.write(bytes.subarray(offset, offset + (1 << 20)));
    await pending.commit(digest);
  } finally {
    await pending.discard();
  }
}

async function read({ blobs }: Repository, digest: string, start = 0): Promise<Buffer> {
  return (await collect((await blobs.open(digest, { start })).body)).bytes;
}

function manifestOf(blobs: readonly Buffer[], more: object = {}): Buffer {
  const describe = (bytes: Buffer) => ({
    mediaType: 'application/x',
    digest: digestOf(bytes),
    size: bytes.length,
  });
  const layers = blobs.map(describe);
  return Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: IMAGE_MANIFEST,
      config: describe(CONFIG),
      layers,
      ...more,
    }),
  );
}

function put({ manifests }: Repository, tag: string, bytes: Buffer) {
  return manifests.put(tag, { bytes, mediaType: IMAGE_MANIFEST });
}

async function all(tags: AsyncIterable<string>): Promise<string[]> {
  const found: string[] = [];
  for await (const tag of tags) found.push(tag);
  return found.sort();
}

for (const withTls of [false, true])
  for (const login of [undefined, 'basic', 'bearer'] as const)
    test(`a registry ${withTls ? 'with TLS' : 'over http'} takes and gives back what a package has, with ${login ?? 'no'} login`, {
      skip,
    }, async (t) => {
      const registry = startOciRegistry(t, { login, withTls });
      const repository = registry.open('some/cache');
      assert.deepEqual(await all(repository.tags()), []);
      assert.equal(await repository.manifests.get('tag'), undefined);
      for (const bytes of [Buffer.alloc(0), CONFIG, LARGE]) {
        await upload(repository, bytes);
        assert.equal((await repository.blobs.stat(digestOf(bytes)))?.size, bytes.length);
        assert.deepEqual(await read(repository, digestOf(bytes)), bytes);
      }
      await upload(repository, LARGE);
      const start = LARGE.length - 1000;
      assert.deepEqual(await read(repository, digestOf(LARGE), start), LARGE.subarray(start));
      await assert.rejects(put(repository, 'tag', manifestOf([randomBytes(9)])), expectError('blob-missing'));
      const bytes = manifestOf([LARGE]);
      const digest = digestOf(bytes);
      assert.deepEqual(await put(repository, 'tag', bytes), { digest, isReferrer: false });
      for (const reference of ['tag', digest]) {
        assert.deepEqual((await repository.manifests.get(reference))?.bytes, bytes);
        assert.deepEqual(await repository.manifests.resolve(reference), { digest });
      }
      assert.deepEqual(await all(repository.tags()), ['tag']);
      const other = registry.open('other/cache');
      assert.equal(await other.blobs.mount(digestOf(LARGE), 'some/cache'), true);
      assert.equal(await other.blobs.mount(digestOf(Buffer.from('none')), 'some/cache'), false);
      assert.equal((await other.blobs.stat(digestOf(LARGE)))?.size, LARGE.length);
    });

test('a blob that is called by a wrong name is refused', { skip }, async (t) => {
  const repository = startOciRegistry(t).open('some/cache');
  for (const bytes of [CONFIG, LARGE])
    await assert.rejects(
      upload(repository, bytes, digestOf(Buffer.from('x'))),
      expectError('checksum-mismatch'),
    );
});

test('a range at the end, and behind it, is answered at once', { skip, timeout: 20_000 }, async (t) => {
  const repository = startOciRegistry(t).open('some/cache');
  for (const bytes of [Buffer.alloc(40_000), LARGE]) {
    await upload(repository, bytes);
    const begun = performance.now();
    assert.equal((await read(repository, digestOf(bytes), bytes.length)).length, 0);
    await assert.rejects(read(repository, digestOf(bytes), bytes.length + 1), expectError('mirror-range'));
    await repository.blobs.stat(digestOf(bytes));
    assert.ok(performance.now() - begun < 1000);
  }
});

test('more tags than a page has are all listed', { skip }, async (t) => {
  const repository = startOciRegistry(t).open('some/cache');
  await upload(repository, CONFIG);
  const tags = Array.from({ length: 1203 }, (_, i) => `t${i}`);
  const bytes = manifestOf([]);
  for (let i = 0; i < tags.length; i += 16)
    await Promise.all(tags.slice(i, i + 16).map((tag) => put(repository, tag, bytes)));
  assert.deepEqual(await all(repository.tags()), tags.sort());
});

test('what refers to a manifest is found, written by several at once', { skip }, async (t) => {
  const registry = startOciRegistry(t);
  const repository = registry.open('some/cache');
  await upload(repository, CONFIG);
  const subject = manifestOf([]);
  await put(repository, 'tag', subject);
  const digest = digestOf(subject);
  assert.deepEqual(await repository.referrers(digest, 'x/y'), []);
  const named = { mediaType: IMAGE_MANIFEST, digest, size: subject.length };
  const written = await Promise.all(
    Array.from({ length: 4 }, async (_, i) => {
      const bytes = manifestOf([], { subject: named, artifactType: 'x/y', annotations: { i: `${i}` } });
      return (await put(registry.open('some/cache'), digestOf(bytes), bytes)).digest;
    }),
  );
  const found = await repository.referrers(digest, 'x/y');
  assert.deepEqual(found.map((each) => each.digest).sort(), written.sort());
  assert.deepEqual(await repository.referrers(digest, 'x/z'), []);
});

test('what is there can be removed, or the registry says that it does not do that', { skip }, async (t) => {
  const repository = startOciRegistry(t).open('some/cache');
  await upload(repository, CONFIG);
  const bytes = manifestOf([]);
  for (const tag of ['a', 'b']) await put(repository, tag, bytes);
  const isRemoved = await repository.manifests.remove('a').then(
    () => true,
    (error) => {
      assert.ok(expectError('mirror-no-delete')(error), String(error));
      return false;
    },
  );
  assert.deepEqual(await all(repository.tags()), isRemoved ? ['b'] : ['a', 'b']);
  for (let time = 0; time < 2; time++) {
    await repository.manifests.remove(digestOf(bytes));
    await repository.blobs.remove(digestOf(CONFIG));
  }
  assert.equal(await repository.manifests.get('b'), undefined);
  assert.equal(await repository.blobs.stat(digestOf(CONFIG)), undefined);
});

async function throughProxy(t: import('node:test').TestContext, registry: OciRegistry) {
  const proxy = await CuttingProxy.start(registry.port);
  t.after(() => proxy.close());
  const port = Number(new URL(proxy.url).port);
  return { proxy, repository: registry.open('some/cache', { retry: recordingRetry() }, port) };
}

test('an upload whose connection is cut goes on', { skip, timeout: 60_000 }, async (t) => {
  const registry = startOciRegistry(t);
  for (const after of [1000, 10 << 20, 17 << 20, 36 << 20]) {
    const { proxy, repository } = await throughProxy(t, registry);
    const bytes = randomBytes(40 << 20);
    proxy.cutSendingAfter(after);
    await upload(repository, bytes);
    assert.deepEqual(await read(repository, digestOf(bytes)), bytes);
    const small = randomBytes(1 << 20);
    proxy.cutSendingAfter(Math.min(after, 500_000));
    await upload(repository, small);
    assert.deepEqual(await read(repository, digestOf(small)), small);
  }
});

test('a download whose connection is cut goes on', { skip, timeout: 60_000 }, async (t) => {
  const registry = startOciRegistry(t);
  const { proxy, repository } = await throughProxy(t, registry);
  await upload(repository, LARGE);
  proxy.cutAfter(20 << 20);
  assert.deepEqual(await read(repository, digestOf(LARGE)), LARGE);
  assert.ok(proxy.received < 45 << 20, String(proxy.received));
});

for (const login of ['basic', 'bearer'] as const)
  test(`without the right ${login} login there is an error that says so, and no end of requests`, {
    skip,
    timeout: 60_000,
  }, async (t) => {
    const registry = startOciRegistry(t, { login });
    const wrong = [undefined, { accessPair: { id: 'me', secret: 'wrong' } }];
    for (const connection of wrong) {
      const repository = registry.open('some/cache', { connection });
      await assert.rejects(repository.manifests.get('tag'), expectError('mirror-login-failed'));
      await assert.rejects(repository.blobs.stat(digestOf(CONFIG)), expectError('mirror-login-failed'));
      await assert.rejects(all(repository.tags()), expectError('mirror-login-failed'));
      await assert.rejects(upload(repository, CONFIG), expectError('mirror-login-failed'));
    }
  });

test('somebody who may only read reads, and is told that he may not write', {
  skip,
  timeout: 60_000,
}, async (t) => {
  const registry = startOciRegistry(t, { login: 'bearer' });
  await upload(registry.open('some/cache'), CONFIG);
  const before = registry.tokensAsked().length;
  const reader = registry.open('some/cache', {
    connection: { accessPair: { id: 'reader', secret: PASSWORD } },
  });
  assert.deepEqual(await read(reader, digestOf(CONFIG)), CONFIG);
  await assert.rejects(upload(reader, Buffer.from('new')), expectError('mirror-login-failed', /401/));
  await assert.rejects(reader.manifests.remove('x'), expectError('mirror-login-failed', /401/));
  assert.deepEqual(await read(reader, digestOf(CONFIG)), CONFIG);
  assert.ok(registry.tokensAsked().length - before < 8);
});

test('tokens that end in the middle of a push are renewed', { skip, timeout: 60_000 }, async (t) => {
  // Services count whole seconds: a token of two lasts one at least.
  const registry = startOciRegistry(t, { login: 'bearer', expires: 2 });
  const repository = registry.open('some/cache');
  const end = performance.now() + 5000;
  for (let count = 0; performance.now() < end || count < 3; count++)
    await Promise.all(Array.from({ length: 4 }, (_, i) => upload(repository, Buffer.from(`${count} ${i}`))));
  const asked = registry.tokensAsked().length;
  assert.ok(asked >= 3 && asked < 12, String(asked));
});

test('a token of identity is exchanged for others', { skip }, async (t) => {
  const registry = startOciRegistry(t, { login: 'bearer' });
  const form = { grant_type: 'password', username: 'me', password: PASSWORD, access_type: 'offline' };
  const answer = await fetch(registry.realm, { method: 'POST', body: new URLSearchParams(form) });
  const { refresh_token: identitytoken } = (await answer.json()) as { refresh_token: string };
  const home = temporaryFolder(t);
  const auths = { [`127.0.0.1:${registry.port}`]: { auth: '', identitytoken } };
  writeFileSync(join(home, 'config.json'), JSON.stringify({ auths }));
  const environment = { HOME: home, DOCKER_CONFIG: home };
  const repository = registry.open('some/cache', { connection: undefined, environment });
  await upload(repository, CONFIG);
  assert.deepEqual(await read(repository, digestOf(CONFIG)), CONFIG);
});

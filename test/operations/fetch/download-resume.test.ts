// Downloads that go on where another one was interrupted.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { hostTag } from '../../../src/host/process-id.js';
import { IndexClient } from '../../../src/mirror/index/index-client.js';
import { openMirror } from '../../../src/mirror/open-mirror.js';
import { download } from '../../../src/operations/fetch/download.js';
import { resolveSpecs } from '../../../src/operations/query/resolve-specs.js';
import { JsEngine } from '../../../src/relocation/engines/js.js';
import { Keyring } from '../../../src/signature/keys/keyring.js';
import { openObjectStore } from '../../../src/transport/open-store.js';
import { buildCache, type CacheOptions } from '../../helpers/cache-builder.js';
import { MirrorServer } from '../../helpers/mirror-server.js';
import { SeededRandom } from '../../helpers/seeded-random.js';
import { type UnsteadyAnswer, UnsteadyObject } from '../../helpers/unsteady-object.js';
import { temporaryFolder } from '../../store/temporary-folder.js';
import { recordingRetry } from '../../transport/http/recording-retry.js';

const DEAD = 2 ** 22 + 7;

async function place(test: TestContext, options: CacheOptions = {}) {
  const folder = temporaryFolder(test);
  const random = new SeededRandom(5);
  const noise = Buffer.from(Uint8Array.from({ length: 300_000 }, () => random.below(256)));
  const sketch = { name: 'top', members: [{ name: 'share/noise', body: noise }] };
  const cache = await buildCache(join(folder, 'cache'), [sketch], options);
  const tarball = cache.get('top').tarball;
  const bytes = readFileSync(join(cache.folder, tarball));
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const servers: MirrorServer[] = [];
  test.after(() => Promise.all(servers.map((server) => server.close())));
  const serve = async (answers: readonly UnsteadyAnswer[]) => {
    const object = new UnsteadyObject(bytes, answers);
    const server = await MirrorServer.start({ folder: cache.folder });
    servers.push(server.handle(`/${tarball}`, object.handler));
    return object;
  };
  const parts = join(folder, 'out', '.regraft-tmp');
  const keep = (name: string, content: Uint8Array) => {
    mkdirSync(parts, { recursive: true });
    writeFileSync(join(parts, name), content);
    return join(parts, name);
  };
  const left = () => (existsSync(parts) ? readdirSync(parts) : []);
  const out = () => readFileSync(join(folder, 'out', tarball.replace(/^build_cache\//, '')));
  return { folder, servers, bytes, sha256, serve, keep, left, out };
}

async function run({ folder, servers }: { folder: string; servers: readonly MirrorServer[] }) {
  const mirrors = await Promise.all(
    servers.map(({ url }) => openMirror(url, { retry: recordingRetry(2), environment: {} })),
  );
  try {
    const { catalog } = await new IndexClient({ cacheFolder: join(folder, 'index'), mirrors }).load();
    const { packages } = await download({
      specs: await resolveSpecs({ queries: ['top'], catalog, mirrors }),
      mirrors,
      catalog,
      destination: openObjectStore(join(folder, 'out')),
      keyring: await Keyring.load({}),
      checkSignature: false,
      engine: new JsEngine(),
      temporaryFolder: folder,
    });
    return packages.map(({ outcome, error }) =>
      error === undefined ? outcome : `${outcome} (${error.code})`,
    );
  } finally {
    await Promise.all(mirrors.map(({ cache }) => cache.close?.()));
  }
}

describe('download', () => {
  for (const kind of ['classic', 'manifest'] as const) {
    it(`goes on where a network failed in the run before, from a ${kind} mirror`, async (test) => {
      const context = await place(test, { kind });
      const { bytes, sha256, serve, left, out } = context;
      const cutAt = Math.floor(bytes.length * 0.6);
      const object = await serve([{ cutAt }, { cutAt }, { tag: '"other"' }]);
      assert.deepEqual(await run(context), ['failed (mirror-truncated)']);
      assert.deepEqual(left(), [`part-${sha256}`]);
      assert.deepEqual(await run(context), ['downloaded']);
      assert.deepEqual(object.asked, [undefined, `bytes=${cutAt}-`, `bytes=${cutAt}-`]);
      assert.ok(out().equals(bytes));
      assert.deepEqual(left(), []);
    });
  }

  const NAMES: Readonly<Record<string, (sha256: string) => string>> = {
    'a killed process left': (sha256) => `part-${sha256}-${DEAD}-${hostTag()}01234567`,
    'an interrupted process left': (sha256) => `part-${sha256}`,
  };
  for (const [name, nameOf] of Object.entries(NAMES)) {
    it(`takes up what ${name}`, async (test) => {
      const context = await place(test);
      const { bytes, sha256, serve, keep, left, out } = context;
      keep(nameOf(sha256), bytes.subarray(0, 200_000));
      const object = await serve([{}]);
      assert.deepEqual(await run(context), ['downloaded']);
      assert.deepEqual(object.asked, ['bytes=200000-']);
      assert.ok(out().equals(bytes));
      assert.deepEqual(left(), []);
    });
  }

  it('takes up what lacked nothing but its name', async (test) => {
    const context = await place(test);
    const { bytes, sha256, serve, keep, out } = context;
    keep(`part-${sha256}`, bytes);
    const object = await serve([{}]);
    assert.deepEqual(await run(context), ['downloaded']);
    assert.equal(object.sent, 0);
    assert.ok(out().equals(bytes));
  });

  it('leaves alone what a living process writes', async (test) => {
    const context = await place(test);
    const { bytes, sha256, serve, keep, left, out } = context;
    const name = `part-${sha256}-${process.pid}-${hostTag()}01234567`;
    keep(name, bytes.subarray(0, 1000));
    const object = await serve([{}]);
    assert.deepEqual(await run(context), ['downloaded']);
    assert.deepEqual(object.asked, [undefined]);
    assert.ok(out().equals(bytes));
    assert.deepEqual(left(), [name]);
  });

  for (const [name, content] of [
    ['is damaged', (bytes: Buffer) => Buffer.alloc(1000, bytes[5])],
    ['is longer than the file', (bytes: Buffer) => Buffer.concat([bytes, bytes])],
  ] as const) {
    it(`begins anew where what is left ${name}`, async (test) => {
      const context = await place(test);
      const { bytes, sha256, serve, keep, left, out } = context;
      keep(`part-${sha256}`, content(bytes));
      const object = await serve([{}]);
      assert.deepEqual(await run(context), ['downloaded']);
      assert.equal(object.asked.length, 2);
      assert.equal(object.asked[1], undefined);
      assert.ok(out().equals(bytes));
      assert.deepEqual(left(), []);
    });
  }

  it('goes on at the next mirror when one fails for good', async (test) => {
    const context = await place(test);
    const { bytes, serve, left, out } = context;
    const broken = await serve([{ cutAt: 100_000 }]);
    const healthy = await serve([{}]);
    assert.deepEqual(await run(context), ['downloaded']);
    assert.equal(broken.sent, 100_000);
    assert.deepEqual(healthy.asked, ['bytes=100000-']);
    assert.ok(out().equals(bytes));
    assert.deepEqual(left(), []);
  });

  it('removes what nobody took up for weeks', async (test) => {
    const context = await place(test);
    const { serve, keep, left } = context;
    const old = keep(`part-${'a'.repeat(64)}`, Buffer.alloc(10));
    const recent = `part-${'b'.repeat(64)}`;
    keep(recent, Buffer.alloc(10));
    utimesSync(old, 1e9, 1e9);
    await serve([{}]);
    assert.deepEqual(await run(context), ['downloaded']);
    assert.deepEqual(left(), [recent]);
  });
});

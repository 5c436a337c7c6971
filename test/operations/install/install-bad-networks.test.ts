// Installations over networks that break off, stall, and bring the wrong bytes.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { ProgressEvent } from '../../../src/core/progress.js';
import type { Clock } from '../../../src/transport/steady/clock.js';
import { buildCache } from '../../helpers/cache-builder.js';
import { checkNothingLeft, outcomes, runInstall } from '../../helpers/install-run.js';
import { type Handler, MirrorServer } from '../../helpers/mirror-server.js';
import { SeededRandom } from '../../helpers/seeded-random.js';
import { type UnsteadyAnswer, UnsteadyObject } from '../../helpers/unsteady-object.js';
import { temporaryFolder } from '../../store/temporary-folder.js';

/** All time is over at once. */
const IMPATIENT: Clock = {
  now: () => 0,
  after: (_, callback) => {
    const soon = setImmediate(callback);
    return () => clearImmediate(soon);
  },
};

/** Serves one cache on several servers, with a package that does not compress. */
async function mirrors(test: TestContext, count: number) {
  const folder = temporaryFolder(test);
  const random = new SeededRandom(7);
  const noise = Buffer.from(Uint8Array.from({ length: 2_000_000 }, () => random.below(256)));
  const cache = await buildCache(join(folder, 'cache'), [
    {
      name: 'top',
      members: [
        { name: 'share/noise', body: noise },
        { name: 'share/rest', body: 'the end' },
      ],
    },
  ]);
  const servers: MirrorServer[] = [];
  for (let i = 0; i < count; i++) servers.push(await MirrorServer.start({ folder: cache.folder }));
  test.after(() => Promise.all(servers.map((server) => server.close())));
  const tarball = cache.get('top').tarball;
  const bytes = readFileSync(join(cache.folder, tarball));
  const warnings: string[] = [];
  const onProgress = (event: ProgressEvent) => {
    if (event.type === 'warning') warnings.push(event.code);
  };
  const run = (hedge: Partial<Parameters<typeof runInstall>[0]['hedge']> = {}) =>
    runInstall({ folder, queries: ['top'], mirrors: servers.map(({ url }) => url), hedge }, { onProgress });
  const serve = (i: number, answer: readonly UnsteadyAnswer[] | Handler): UnsteadyObject => {
    const object = new UnsteadyObject(bytes, typeof answer === 'function' ? [{}] : answer);
    servers[i]?.handle(`/${tarball}`, typeof answer === 'function' ? answer : object.handler);
    return object;
  };
  return { folder, bytes, warnings, run, serve };
}

describe('install over bad networks', () => {
  it('goes on with a tarball that was cut at 60 %, and keeps what was unpacked', async (test) => {
    const { folder, bytes, run, serve } = await mirrors(test, 1);
    const cutAt = Math.floor(bytes.length * 0.6);
    const object = serve(0, [{ tag: '"a"', cutAt }, { tag: '"a"' }]);
    const report = await run();
    assert.deepEqual(outcomes(report), ['top: installed']);
    assert.deepEqual(object.asked, [undefined, `bytes=${cutAt}-`]);
    assert.ok(object.sent - cutAt <= 0.45 * bytes.length, `${object.sent - cutAt} bytes more`);
    checkNothingLeft(folder);
  });

  it('begins once more with a tarball that was replaced meanwhile', async (test) => {
    const { bytes, run, serve } = await mirrors(test, 1);
    const object = serve(0, [{ tag: '"a"', cutAt: bytes.length >> 1 }, { tag: '"b"' }]);
    assert.deepEqual(outcomes(await run()), ['top: installed']);
    assert.deepEqual(object.asked, [undefined, `bytes=${bytes.length >> 1}-`, undefined]);
  });

  it('gives up a tarball that is replaced again and again', async (test) => {
    const { folder, run, serve } = await mirrors(test, 1);
    let tag = 0;
    const object = serve(0, (request, response) => {
      const other = new UnsteadyObject(Buffer.alloc(1000), [{ tag: `"${tag++}"`, cutAt: 500 }]);
      return other.handler(request, response);
    });
    assert.equal(object.sent, 0);
    assert.deepEqual(outcomes(await run()), ['top: failed (mirror-changed)']);
    assert.equal(tag, 4);
    checkNothingLeft(folder);
  });

  for (const [name, encode] of [
    ['is only labelled as encoded', (bytes: Buffer) => bytes],
    ['the server compresses once more', gzipSync],
  ] as const) {
    it(`takes a tarball that ${name}`, async (test) => {
      const { bytes, run, serve } = await mirrors(test, 1);
      const object = serve(0, [{ bytes: encode(bytes), headers: { 'content-encoding': 'gzip' } }]);
      assert.deepEqual(outcomes(await run()), ['top: installed']);
      assert.equal(object.asked.length, 1);
    });
  }

  const stall =
    (bytes: Buffer, sent: number): Handler =>
    (_, response) => {
      response.writeHead(200, { 'content-length': bytes.length });
      response.write(bytes.subarray(0, sent));
    };
  it('lets another mirror take over from one that stalls', async (test) => {
    const { folder, bytes, warnings, run, serve } = await mirrors(test, 2);
    serve(0, stall(bytes, bytes.length >> 1));
    const healthy = serve(1, [{}]);
    assert.deepEqual(outcomes(await run({ clock: IMPATIENT })), ['top: installed']);
    assert.ok(warnings.includes('mirror-took-over'));
    assert.ok(healthy.sent > 0);
    checkNothingLeft(folder);
  });

  it('lets another mirror take over from one that breaks off for good, from the byte where it is', async (test) => {
    const { bytes, warnings, run, serve } = await mirrors(test, 2);
    const cutAt = bytes.length >> 1;
    const broken = serve(0, [{ cutAt }]);
    const healthy = serve(1, [{}]);
    assert.deepEqual(outcomes(await run({ after: 0 })), ['top: installed']);
    assert.equal(broken.asked.length, 3);
    assert.deepEqual(healthy.asked, [`bytes=${cutAt}-`]);
    assert.deepEqual(warnings, ['mirror-took-over']);
  });

  it('asks one mirror alone after two brought wrong bytes together', async (test) => {
    const { bytes, run, serve } = await mirrors(test, 2);
    // The first one breaks off once for good, the second one has other bytes.
    const cutAt = bytes.length >> 1;
    const first = serve(0, [{ cutAt }, { cutAt }, { cutAt }, {}]);
    const second = serve(1, [{ bytes: Buffer.alloc(bytes.length) }]);
    assert.deepEqual(outcomes(await run({ after: 0 })), ['top: installed']);
    assert.deepEqual(second.asked, [`bytes=${cutAt}-`]);
    assert.deepEqual(first.asked.at(-1), undefined);
    assert.equal(first.asked.length, 4);
  });
});

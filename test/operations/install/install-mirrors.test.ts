// Installations from several mirrors, over HTTP, signed, interrupted and aborted.
import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it, type TestContext } from 'node:test';
import type { PrivateKey } from 'openpgp';
import { openMirror } from '../../../src/mirror/open-mirror.js';
import type { Keyring } from '../../../src/signature/keys/keyring.js';
import {
  type BuiltCache,
  buildCache,
  type CacheOptions,
  hashFor,
  type PackageSketch,
} from '../../helpers/cache-builder.js';
import { checkNothingLeft, installedIn, outcomes, recordsOf, runInstall } from '../../helpers/install-run.js';
import { MirrorServer, serveGated, serveTruncated } from '../../helpers/mirror-server.js';
import { settle } from '../../helpers/stream-source.js';
import { keyringOf, makeKey } from '../../signature/temporary-keys.js';
import { temporaryFolder } from '../../store/temporary-folder.js';

let key: PrivateKey;
let otherKey: PrivateKey;
let keyring: Keyring;
before(async () => {
  key = await makeKey();
  otherKey = await makeKey();
  keyring = await keyringOf(key);
});

const TOP: PackageSketch = { name: 'top' };

/** Caches below one folder, by name. */
async function caches(
  test: TestContext,
  sketches: Readonly<Record<string, readonly [Partial<PackageSketch>, CacheOptions?]>>,
): Promise<{ folder: string; built: BuiltCache[] }> {
  const folder = temporaryFolder(test);
  const built: BuiltCache[] = [];
  for (const [name, [sketch, options]] of Object.entries(sketches))
    built.push(await buildCache(join(folder, name), [{ ...TOP, ...sketch }], { key, ...options }));
  return { folder, built };
}

describe('install of signed packages', () => {
  it('takes a good signature, and says that it was verified', async (test) => {
    const { folder, built } = await caches(test, { only: [{}] });
    const report = await runInstall({
      folder,
      queries: ['top'],
      mirrors: built.map((each) => each.folder),
      keyring,
    });
    assert.deepEqual(outcomes(report), ['top: installed']);
    assert.equal(report.packages[0]?.details?.verified, true);
    checkNothingLeft(folder);
  });

  const spoilText = (from: string, to: string) => (text: Buffer) =>
    Buffer.from(text.toString().replace(from, to).toString());
  const cases: Readonly<Record<string, readonly [Partial<PackageSketch>, () => CacheOptions, string]>> = {
    'a key that nobody trusts': [{}, () => ({ key: otherKey }), 'signature-unknown-key'],
    'a text that was changed': [
      { spoilSpecfile: spoilText('"namespace":"fixtures"', '"namespace":"Fixtures"') },
      () => ({}),
      'signature-invalid',
    ],
    'a text without a signature': [
      { spoilSpecfile: () => Buffer.from('{"spec":{}}') },
      () => ({}),
      'signature-missing',
    ],
    'text in front of the block': [
      { spoilSpecfile: (text) => Buffer.concat([Buffer.from('{}\n'), text]) },
      () => ({}),
      'signature-malformed',
    ],
    'two blocks': [
      { spoilSpecfile: (text) => Buffer.concat([text, text]) },
      () => ({}),
      'signature-malformed',
    ],
    'another package under its name': [
      {
        spoilMetadata: (metadata) =>
          JSON.parse(JSON.stringify(metadata).replaceAll(hashFor('top'), hashFor('bottom'))),
      },
      () => ({}),
      'signature-wrong-spec',
    ],
  };
  for (const [name, [sketch, options, code]] of Object.entries(cases)) {
    it(`refuses ${name} before the tarball is fetched: ${code}`, async (test) => {
      const { folder, built } = await caches(test, { only: [sketch, options()] });
      const server = await MirrorServer.start({ folder: built[0]?.folder ?? '' });
      test.after(() => server.close());
      const report = await runInstall({ folder, queries: ['top'], mirrors: [server.url], keyring });
      assert.deepEqual(outcomes(report), [`top: failed (${code})`], report.packages[0]?.error?.message);
      assert.ok(!server.log.some((line) => line.endsWith('.spack')), 'no tarball is asked for');
      checkNothingLeft(folder);
    });
  }

  it('refuses what is not signed, unless the mirror need not be', async (test) => {
    const folder = temporaryFolder(test);
    const cache = await buildCache(join(folder, 'unsigned'), [TOP]);
    const strict = await runInstall({ folder, queries: ['top'], mirrors: [cache.folder], keyring });
    assert.deepEqual(outcomes(strict), ['top: failed (signature-missing)']);
    const mirrors = [await openMirror(cache.folder, { signed: false })];
    const report = await runInstall({ folder, queries: ['top'], mirrors, keyring });
    assert.deepEqual(outcomes(report), ['top: installed']);
    assert.equal(report.packages[0]?.details?.verified, false);
  });
});

describe('install from two mirrors', () => {
  const flaws: Readonly<Record<string, Partial<PackageSketch>>> = {
    'lacks the tarball': { spoilTarball: () => undefined },
    'lacks the specfile': { spoilSpecfile: () => undefined },
    'has a damaged tarball': { spoilTarball: (bytes) => bytes.fill(0xff, 20, 60) },
    'has a tarball that is cut': { spoilTarball: (bytes) => bytes.subarray(0, 200) },
    'has a tarball without buildinfo': {
      spoilArchive: (archive) =>
        Buffer.from(
          archive.toString('latin1').replaceAll('binary_distribution', 'binary_distributiom'),
          'latin1',
        ),
    },
    'has a bad signature': { spoilSpecfile: (text) => Buffer.from(text.toString().replace('gcc', 'GCC')) },
    'has a specfile of HTML': { spoilSpecfile: () => Buffer.from('<!doctype html><p>hello') },
    'has a member that leads out': { members: [{ name: '../x', body: 'x' }] },
  };
  for (const [name, sketch] of Object.entries(flaws)) {
    it(`takes the second when the first ${name}, and warns`, async (test) => {
      const { folder, built } = await caches(test, { first: [sketch], second: [{}] });
      const warnings: string[] = [];
      const report = await runInstall(
        { folder, queries: ['top'], mirrors: built.map((each) => each.folder), keyring },
        { onProgress: (event) => void (event.type === 'warning' && warnings.push(event.message)) },
      );
      assert.deepEqual(outcomes(report), ['top: installed']);
      assert.match(report.packages[0]?.details?.mirror ?? '', /second$/);
      // A mirror that has not got the package at all is nothing to warn of.
      const isAbsent = name === 'lacks the specfile';
      assert.equal(warnings.length, isAbsent ? 0 : 1, warnings.join('\n'));
      if (!isAbsent) assert.match(warnings[0] ?? '', /first/);
      checkNothingLeft(folder);
    });
  }

  it('goes by the order of the mirrors, but signed metadata come first', async (test) => {
    const folder = temporaryFolder(test);
    const unsigned = await buildCache(join(folder, 'unsigned'), [TOP]);
    const signed = await buildCache(join(folder, 'signed'), [TOP], { key });
    const mirrors = [await openMirror(unsigned.folder, { signed: false }), await openMirror(signed.folder)];
    const report = await runInstall({ folder, queries: ['top'], mirrors, keyring });
    assert.match(report.packages[0]?.details?.mirror ?? '', /\/signed$/);
  });

  it('takes a mirror that the index named before one that comes earlier', async (test) => {
    const { folder, built } = await caches(test, { first: [{}, { index: false }], second: [{}] });
    const report = await runInstall({
      folder,
      queries: ['top'],
      mirrors: built.map((each) => each.folder),
      keyring,
    });
    assert.match(report.packages[0]?.details?.mirror ?? '', /second$/);
  });

  it('says everything that was wrong when none can be used', async (test) => {
    const { folder, built } = await caches(test, {
      first: [{ spoilTarball: () => undefined }],
      second: [{}, { key: otherKey }],
    });
    const report = await runInstall({
      folder,
      queries: ['top'],
      mirrors: built.map((each) => each.folder),
      keyring,
    });
    const error = report.packages[0]?.error;
    assert.equal(error?.code, 'signature-unknown-key', 'what the reader must look at first');
    const causes = error?.data.causes as { code: string }[];
    assert.deepEqual(causes.map(({ code }) => code).sort(), ['mirror-not-found', 'signature-unknown-key']);
    checkNothingLeft(folder);
  });
});

describe('install over HTTP', () => {
  async function served(test: TestContext, sketch: Partial<PackageSketch> = {}) {
    const { folder, built } = await caches(test, { only: [sketch] });
    const [cache] = built;
    assert.ok(cache);
    const server = await MirrorServer.start({ folder: cache.folder });
    test.after(() => server.close());
    const tarball = cache.get('top').tarball;
    const bytes = readFileSync(join(cache.folder, tarball));
    const run = (options = {}) =>
      runInstall({ folder, queries: ['top'], mirrors: [server.url], keyring }, options);
    const count = () => server.log.filter((line) => line.endsWith('.spack')).length;
    return { folder, server, path: `/${tarball}`, bytes, run, count };
  }

  it('asks for nothing but the index the second time', async (test) => {
    const { server, run } = await served(test);
    await run();
    server.requests.length = 0;
    const report = await run();
    assert.deepEqual(outcomes(report), ['top: already-installed']);
    assert.deepEqual(
      server.log.filter((line) => !/index(\.manifest)?\.json/.test(line)),
      [],
    );
  });

  it('begins a download again that was cut short', async (test) => {
    const { folder, server, path, bytes, run, count } = await served(test);
    let cuts = 2;
    server.handle(path, (request, response) => {
      if (cuts-- > 0) return serveTruncated(bytes, bytes.length >> 1)(request, response);
      response.writeHead(200, { 'content-length': bytes.length }).end(bytes);
    });
    assert.deepEqual(outcomes(await run()), ['top: installed']);
    assert.equal(count(), 3);
    checkNothingLeft(folder);
  });

  it('gives up in the end, and leaves nothing', async (test) => {
    const { folder, server, path, bytes, run, count } = await served(test);
    server.handle(path, serveTruncated(bytes, bytes.length - 1));
    const report = await run();
    assert.deepEqual(outcomes(report), ['top: failed (mirror-truncated)']);
    assert.ok(count() >= 2 && count() <= 5, `${count()} tries`);
    assert.deepEqual(installedIn(folder), []);
    assert.equal(recordsOf(folder).size, 0);
    checkNothingLeft(folder);
  });

  it('tries again what a server was too busy for', async (test) => {
    const { server, path, bytes, run } = await served(test);
    let busy = 2;
    server.handle(path, (_, response) => {
      if (busy-- > 0) response.writeHead(503).end();
      else response.writeHead(200).end(bytes);
    });
    assert.deepEqual(outcomes(await run()), ['top: installed']);
  });

  it('takes a tarball whose length nobody announced, in small pieces', async (test) => {
    const { server, path, bytes, run } = await served(test);
    server.handle(path, (_, response) => {
      for (let at = 0; at < bytes.length; at += 37) response.write(bytes.subarray(at, at + 37));
      response.end();
    });
    assert.deepEqual(outcomes(await run()), ['top: installed']);
  });

  it('ends with the reason of an abort in the middle of a download, and leaves nothing', async (test) => {
    const { folder, server, path, bytes, run } = await served(test);
    const never = new Promise<never>(() => {});
    server.handle(
      path,
      serveGated(bytes.subarray(0, bytes.length >> 1), bytes.subarray(bytes.length >> 1), never),
    );
    const controller = new AbortController();
    const reason = new Error('stop');
    const onProgress = (event: { type: string }) => {
      // The headers are there, and soon who waits for the rest of the body.
      if (event.type === 'package-started') void settle().then(() => controller.abort(reason));
    };
    await assert.rejects(run({ signal: controller.signal, onProgress }), (error) => error === reason);
    assert.deepEqual(installedIn(folder), []);
    assert.equal(recordsOf(folder).size, 0);
    checkNothingLeft(folder);
    server.handle(path, bytes);
    assert.deepEqual(outcomes(await run()), ['top: installed']);
  });

  it('does nothing when it was aborted before it began', async (test) => {
    const { folder, server, run } = await served(test);
    const reason = new Error('stop');
    await assert.rejects(run({ signal: AbortSignal.abort(reason) }), (error) => error === reason);
    assert.ok(!server.log.some((line) => line.endsWith('.spack')));
    assert.deepEqual(installedIn(folder), []);
  });

  it('works from a mirror whose index is out of date', async (test) => {
    const { folder, run, server } = await served(test);
    await run();
    rmSync(join(folder, 'opt'), { recursive: true });
    writeFileSync(join(folder, 'only', 'build_cache', 'index.json.hash'), '0'.repeat(64));
    server.etag = 'none';
    assert.deepEqual(outcomes(await run()), ['top: installed']);
  });
});

import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { BuildcacheError, MirrorError } from '../../../src/core/errors.js';
import type { Mirror } from '../../../src/mirror/build-cache.js';
import { ClassicCache } from '../../../src/mirror/classic/classic-cache.js';
import { digest } from '../../../src/mirror/index/index-cache.js';
import { IndexClient, type IndexClientOptions } from '../../../src/mirror/index/index-client.js';
import { openMirror } from '../../../src/mirror/open-mirror.js';
import type { DagHash } from '../../../src/spec/spec.js';
import { openObjectStore } from '../../../src/transport/open-store.js';
import {
  MirrorServer,
  redirectTo,
  serveBytes,
  serveStatus,
  serveTruncated,
} from '../../helpers/mirror-server.js';
import { recordingRetry } from '../../transport/http/recording-retry.js';
import { temporaryFolder } from '../temporary-folder.js';
import { hashOf, indexText } from './index-text.js';

const INDEX = '/build_cache/index.json';
const HASH = '/build_cache/index.json.hash';

interface LoadOptions extends Partial<Omit<IndexClientOptions, 'mirrors'>> {
  readonly mirrors?: readonly (Mirror | Promise<Mirror>)[];
}

describe('IndexClient', () => {
  let server: MirrorServer;
  before(async () => {
    server = await MirrorServer.start();
  });
  after(() => server.close());
  beforeEach(() => {
    server.requests.length = 0;
    server.etag = 'strong';
    server.handle(INDEX, indexText({ zlib: 'a' })).handle(HASH, serveStatus(404));
  });

  /** The one layout whose requests are counted here. */
  async function mirror(url = server.url): Promise<Mirror> {
    const store = await openObjectStore(url, { environment: {}, retry: recordingRetry(2) });
    return {
      cache: new ClassicCache({ store, name: undefined, layout: undefined }),
      requiresSignature: true,
    };
  }

  async function load(cacheFolder: string, options: LoadOptions = {}) {
    const mirrors = await Promise.all(options.mirrors ?? [mirror()]);
    const loaded = await new IndexClient({ cacheFolder, ...options, mirrors }).load();
    for (const each of mirrors) await each.cache.close?.();
    return { ...loaded, names: [...loaded.catalog.entries()].map((entry) => entry.name) };
  }

  function takeLog(): readonly string[] {
    const log = [...server.log];
    server.requests.length = 0;
    return log;
  }

  test('an index that the server compresses unasked is decoded, and known by its tag', async (t) => {
    const cache = temporaryFolder(t);
    server.handle(INDEX, (request, response) => {
      const isKnown = request.headers['if-none-match'] === '"z"';
      const facts = { 'content-encoding': 'gzip', etag: '"z"' };
      response.writeHead(isKnown ? 304 : 200, facts).end(isKnown ? '' : gzipSync(indexText({ zlib: 'a' })));
    });
    assert.deepEqual((await load(cache)).names, ['zlib']);
    assert.deepEqual((await load(cache)).names, ['zlib']);
    assert.deepEqual(takeLog(), [`GET ${INDEX}`, `GET ${INDEX}`]);
  });

  test('the first run fetches, the next ones ask with the entity tag', async (t) => {
    const cache = temporaryFolder(t);
    assert.deepEqual((await load(cache)).names, ['zlib']);
    assert.deepEqual(takeLog(), [`GET ${INDEX}`]);
    assert.deepEqual((await load(cache)).names, ['zlib']);
    assert.match(String(server.requests[0]?.headers['if-none-match']), /^"/);
    assert.deepEqual(takeLog(), [`GET ${INDEX}`]);
    server.handle(INDEX, indexText({ zlib: 'a', curl: 'b' }));
    assert.deepEqual((await load(cache)).names, ['zlib', 'curl']);
    assert.deepEqual((await load(cache)).names, ['zlib', 'curl']);
  });

  test('without a strong tag the hash file tells whether the index changed', async (t) => {
    const cache = temporaryFolder(t);
    for (const etag of ['weak', 'none'] as const) {
      server.etag = etag;
      const text = indexText({ zlib: 'a', [etag]: 'b' });
      server.handle(INDEX, text).handle(HASH, digest(text));
      await load(cache, { refresh: true });
      assert.deepEqual(takeLog(), [`GET ${INDEX}`]);
      assert.deepEqual((await load(cache)).names, ['zlib', etag]);
      assert.deepEqual(takeLog(), [`GET ${HASH}`]);
    }
  });

  test('a hash file that is missing, wrong or broken only means another download', async (t) => {
    const cache = temporaryFolder(t);
    server.etag = 'none';
    await load(cache);
    takeLog();
    const answers = [
      '0'.repeat(64),
      'x'.repeat(100_000),
      '',
      serveStatus(404),
      serveStatus(403),
      redirectTo(HASH),
    ];
    for (const answer of [...answers, serveTruncated(Buffer.alloc(64), 3)]) {
      server.handle(HASH, answer);
      assert.deepEqual((await load(cache)).names, ['zlib']);
      assert.equal(takeLog().at(-1), `GET ${INDEX}`);
    }
  });

  test('file mirrors use the hash file', async (t) => {
    const root = temporaryFolder(t);
    const cache = join(temporaryFolder(t), 'deep', 'index');
    mkdirSync(join(root, 'build_cache'));
    const text = indexText({ zlib: 'a' });
    writeFileSync(join(root, INDEX), text);
    writeFileSync(join(root, HASH), digest(text));
    await load(cache, { mirrors: [openMirror(root)] });
    // The index may change as it likes: as long as the hash file does not, the cached one is used.
    writeFileSync(join(root, INDEX), indexText({ curl: 'b' }));
    assert.deepEqual((await load(cache, { mirrors: [openMirror(root)] })).names, ['zlib']);
    writeFileSync(join(root, HASH), '');
    assert.deepEqual((await load(cache, { mirrors: [openMirror(root)] })).names, ['curl']);
  });

  test('an absent index is no error, and drops the cached one', async (t) => {
    const cache = temporaryFolder(t);
    await load(cache);
    server.handle(INDEX, serveStatus(404));
    const { names, indexes, warnings } = await load(cache);
    assert.deepEqual([names, indexes, warnings], [[], [], []]);
    await assert.rejects(
      load(cache, { offline: true }),
      (error: MirrorError) => error.code === 'index-not-cached',
    );
  });

  test('offline makes no request, and needs a cached index', async (t) => {
    const cache = temporaryFolder(t);
    await assert.rejects(load(cache, { offline: true }), (error: MirrorError) => {
      return error.code === 'index-not-cached' && /--offline/.test(error.hint ?? '');
    });
    await load(cache);
    takeLog();
    const { names, warnings } = await load(cache, {
      offline: true,
      mirrors: [mirror(), mirror(`${server.url}/other`)],
    });
    assert.deepEqual(names, ['zlib']);
    assert.deepEqual(
      warnings.map(({ code }) => code),
      ['index-not-cached'],
    );
    assert.deepEqual(takeLog(), []);
    assert.throws(
      () => new IndexClient({ cacheFolder: cache, mirrors: [], offline: true, refresh: true }),
      TypeError,
    );
  });

  test('refresh drops the cached index', async (t) => {
    const cache = temporaryFolder(t);
    await load(cache);
    takeLog();
    await load(cache, { refresh: true });
    assert.equal(server.requests[0]?.headers['if-none-match'], undefined);
    server.handle(INDEX, serveStatus(403));
    await assert.rejects(
      load(cache, { refresh: true }),
      (error: MirrorError) => error.code === 'mirror-http-status',
    );
    await assert.rejects(
      load(cache, { offline: true }),
      (error: MirrorError) => error.code === 'index-not-cached',
    );
  });

  /** Spoils the cached files of one ending, loads, and tells which requests that took. */
  async function loadDamaged(
    cache: string,
    ending: string,
    change: (content: Buffer) => Uint8Array | string,
  ) {
    await load(cache, { refresh: true });
    const names = readdirSync(cache).filter((name) => name.endsWith(ending));
    assert.equal(names.length, 1, ending);
    for (const name of names) {
      const file = join(cache, name);
      const changed = change(readFileSync(file));
      writeFileSync(file, changed);
      // Later than when it was noted where the records lie, whatever the clock's resolution.
      utimesSync(file, 2_000_000_000, 2_000_000_000);
    }
    takeLog();
    assert.deepEqual((await load(cache)).names, ['zlib'], `${ending} ${change}`);
    return server.requests[0]?.headers['if-none-match'];
  }

  test('a corrupt cache is as good as none', async (t) => {
    const cache = temporaryFolder(t);
    const damage: readonly ((content: Buffer) => Uint8Array | string)[] = [
      () => '',
      () => 'garbage',
      () => '{"format":2}\n{}',
      () => 'null\n',
      (content) => content.subarray(0, content.length - 2),
      (content) => Buffer.concat([content.subarray(0, -2), Buffer.from('xx')]),
      () => Buffer.alloc(100_000),
    ];
    const entryDamage: typeof damage = [
      (content) => content.toString().replace('"format":2', '"format":3'),
      (content) => content.toString().replace(server.url, 'http://elsewhere'),
      (content) => content.toString().replace(/"sha256":"[0-9a-f]+"/, '"sha256":"../../x"'),
    ];
    for (const change of [...damage, ...entryDamage]) {
      assert.equal(await loadDamaged(cache, '.entry', change), undefined, String(change));
    }
    for (const change of damage) {
      assert.equal(await loadDamaged(cache, '.json', change), undefined, String(change));
    }
  });

  test('where the records lie is found anew when that is lost, and the index is used', async (t) => {
    const cache = temporaryFolder(t);
    for (const change of [() => '', (content: Buffer) => content.subarray(0, -1), () => Buffer.alloc(500)]) {
      assert.match(String(await loadDamaged(cache, '.places', change)), /^"/, String(change));
      const [name = ''] = readdirSync(cache).filter((each) => each.endsWith('.places'));
      assert.ok(readFileSync(join(cache, name)).length > 100, 'it was not written again');
    }
    // A file that was only touched holds what it held.
    assert.match(String(await loadDamaged(cache, '.json', (content) => content)), /^"/);
  });

  test('a cached index is not read as a whole', async (t) => {
    const cache = temporaryFolder(t);
    await load(cache);
    const [name = ''] = readdirSync(cache).filter((each) => each.endsWith('.json'));
    const { atime, mtime } = statSync(join(cache, name));
    const content = readFileSync(join(cache, name), 'utf8');
    // Broken where no record lies; the time of the change is kept, so nobody has a reason to look.
    writeFileSync(join(cache, name), content.replace('"database"', '"xxxxxxxx"'));
    utimesSync(join(cache, name), atime, mtime);
    const { catalog } = await load(cache);
    assert.equal(catalog.find(hashOf('a'))?.node.name, 'zlib');
  });

  test('mirrors with the same index share it, and it stays until none of them names it', async (t) => {
    const cache = temporaryFolder(t);
    const other = `${server.url}/b`;
    server.handle(`/b${INDEX}`, indexText({ zlib: 'a' }));
    await load(cache, { mirrors: [mirror(), mirror(other)] });
    const endings = () =>
      readdirSync(cache)
        .map((name) => name.replace(/.*\./, ''))
        .sort();
    assert.deepEqual(endings(), ['entry', 'entry', 'json', 'places']);
    server.handle(INDEX, indexText({ curl: 'c' }));
    await load(cache);
    assert.deepEqual(endings(), ['entry', 'entry', 'json', 'json', 'places', 'places']);
    assert.deepEqual((await load(cache, { mirrors: [mirror(other)], offline: true })).names, ['zlib']);
    server.handle(`/b${INDEX}`, serveStatus(404));
    await load(cache, { mirrors: [mirror(other)] });
    assert.deepEqual(endings(), ['entry', 'json', 'places']);
  });

  test('an index that breaks off is fetched again, and leaves nothing behind', async (t) => {
    const cache = temporaryFolder(t);
    const text = Buffer.from(indexText({ zlib: 'a' }));
    let failures = 2;
    const serve = serveBytes(text);
    server.handle(INDEX, (request, response) => {
      if (failures-- > 0) return serveTruncated(text, 20)(request, response);
      return serve(request, response);
    });
    assert.deepEqual((await load(cache)).names, ['zlib']);
    assert.equal(readdirSync(cache).filter((name) => name.endsWith('.temp')).length, 0);
    failures = 9;
    await assert.rejects(
      load(cache, { refresh: true }),
      (error: MirrorError) => error.code === 'mirror-truncated',
    );
    assert.deepEqual(readdirSync(cache), []);
  });

  test('a cache that cannot be written does not matter', async (t) => {
    const file = join(temporaryFolder(t), 'file');
    writeFileSync(file, '');
    assert.deepEqual((await load(join(file, 'below'))).names, ['zlib']);
    assert.deepEqual((await load(join(file, 'below'), { refresh: true })).names, ['zlib']);
  });

  test('within the time to live a mirror is not asked again', async (t) => {
    let now = 1_000_000;
    const one = await mirror();
    const client = new IndexClient({
      cacheFolder: temporaryFolder(t),
      mirrors: [one],
      ttl: 600_000,
      now: () => now,
    });
    await client.load();
    now += 599_999;
    await client.load();
    assert.equal(takeLog().length, 1);
    now += 1;
    await client.load();
    assert.equal(takeLog().length, 1);
    await one.cache.close?.();
  });

  test('failures are remembered where an index is cached, and only there', async (t) => {
    const cache = temporaryFolder(t);
    let now = 1_000_000;
    await load(cache);
    server
      .handle(INDEX, serveStatus(403))
      .handle(`/b${INDEX}`, indexText({ curl: 'b' }))
      .handle(`/c${INDEX}`, serveStatus(403));
    const mirrors = await Promise.all(['', '/b', '/c'].map((path) => mirror(server.url + path)));
    const client = new IndexClient({ cacheFolder: cache, mirrors, now: () => now });
    takeLog();
    const { catalog, warnings } = await client.load();
    assert.deepEqual(
      [...catalog.entries()].map(({ name }) => name),
      ['zlib', 'curl'],
    );
    assert.deepEqual(
      warnings.map((warning) => [warning.code, warning.mirror.cache.name]),
      [
        ['mirror-http-status', mirrors[0]?.cache.name],
        ['mirror-http-status', mirrors[2]?.cache.name],
      ],
    );
    assert.equal(takeLog().length, 3);
    await client.load();
    assert.deepEqual(takeLog(), [`GET /c${INDEX}`]);
    now += 600_001;
    await client.load();
    assert.equal(takeLog().length, 3);
    for (const each of mirrors) await each.cache.close?.();
  });

  test('when every mirror fails the error names every cause', async (t) => {
    server
      .handle(INDEX, serveStatus(403))
      .handle(`/b${INDEX}`, '<!doctype html><p>Not here')
      .handle(`/c${INDEX}`, '{"database":');
    const cache = temporaryFolder(t);
    const mirrors = ['', '/b', '/c'].map((path) => mirror(server.url + path));
    await assert.rejects(load(cache, { mirrors }), (error: MirrorError) => {
      assert.equal(error.code, 'mirror-unreachable');
      const failures = error.data.failures as readonly { code: string }[];
      assert.deepEqual(
        failures.map(({ code }) => code),
        ['mirror-http-status', 'mirror-not-a-buildcache', 'metadata-syntax'],
      );
      assert.match(error.message, /403.*web page.*ends unexpectedly/);
      return true;
    });
    assert.deepEqual(readdirSync(cache), []);
  });

  test('one mirror that fails gives its own error', async (t) => {
    const cases = [
      ['<html>', 'mirror-not-a-buildcache'],
      ['\n\n <?xml version="1.0"?>', 'mirror-not-a-buildcache'],
      ['', 'metadata-syntax'],
      ['[]', 'metadata-invalid'],
      ['{"database":{"version":"7","inst', 'metadata-syntax'],
    ] as const;
    for (const [text, code] of cases) {
      server.handle(INDEX, text);
      await assert.rejects(load(temporaryFolder(t)), (error: BuildcacheError) => error.code === code, code);
    }
    await assert.rejects(
      load(temporaryFolder(t), { mirrors: [openMirror('/nonexistent/mirror')] }),
      (error: MirrorError) => {
        return error.code === 'mirror-unreachable';
      },
    );
  });

  test('an index that is too new is a warning, and offers nothing', async (t) => {
    const cache = temporaryFolder(t);
    server.handle(INDEX, indexText({ zlib: 'a' }, '99'));
    for (let run = 0; run < 2; run++) {
      const { names, warnings } = await load(cache);
      assert.deepEqual(names, []);
      assert.deepEqual(
        warnings.map(({ code }) => code),
        ['index-version-unsupported'],
      );
    }
  });

  test('runs with other mirrors leave the cached index alone, until nobody used it for long', async (t) => {
    const cache = temporaryFolder(t);
    server.handle(`/b${INDEX}`, indexText({ curl: 'b' }));
    await load(cache);
    const first = readdirSync(cache);
    writeFileSync(join(cache, 'notes.txt'), 'not ours');
    writeFileSync(join(cache, `${'0'.repeat(32)}.temp`), 'abandoned');
    writeFileSync(join(cache, `${'0'.repeat(64)}.json`), 'named by nobody');
    const second = { mirrors: [mirror(`${server.url}/b`)] };
    await load(cache, second);
    assert.equal(readdirSync(cache).length, 3 + 3 + 3);
    const old = Date.now() / 1000 - 31 * 24 * 3600;
    for (const name of readdirSync(cache)) utimesSync(join(cache, name), old, old);
    await load(cache, { mirrors: [mirror(`${server.url}/b`)] });
    const left = readdirSync(cache);
    assert.equal(left.length, 3 + 1);
    assert.ok(left.includes('notes.txt') && !left.some((name) => first.includes(name)), left.join());
  });

  test('an aborted signal ends the load with its reason', async (t) => {
    const reason = new Error('enough');
    const one = await mirror();
    const client = new IndexClient({ cacheFolder: temporaryFolder(t), mirrors: [one] });
    await assert.rejects(client.load(AbortSignal.abort(reason)), reason);
    assert.equal((await client.load()).indexes.length, 1);
    await one.cache.close?.();
  });

  test('what is remembered is found by later loads', async (t) => {
    const one = await mirror();
    const client = new IndexClient({ cacheFolder: temporaryFolder(t), mirrors: [one] });
    const { catalog } = await client.load();
    const node = catalog.find(hashOf('a'))?.node;
    assert.ok(node);
    const hash = hashOf('z') as DagHash;
    catalog.remember(one, { ...node, name: 'found', hash });
    assert.equal((await client.load()).catalog.find(hash)?.name, 'found');
    await one.cache.close?.();
  });

  test('no mirrors, no indexes', async (t) => {
    assert.deepEqual((await load(temporaryFolder(t), { mirrors: [] })).indexes, []);
  });
});

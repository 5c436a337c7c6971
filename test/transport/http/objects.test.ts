import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, afterEach, before, describe, test } from 'node:test';
import { MirrorError } from '../../../src/core/errors.js';
import { HttpObjects, type HttpObjectsOptions } from '../../../src/transport/http/objects.js';
import {
  type Handler,
  MirrorServer,
  redirectTo,
  serveBytes,
  serveGated,
  serveStatus,
  serveTruncated,
} from '../../helpers/mirror-server.js';
import { collect, recordingRetry } from './recording-retry.js';

const NO_PROXY = { environment: {} };

function hasCode(code: string, facts: Readonly<Record<string, unknown>> = {}) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof MirrorError, String(error));
    assert.equal(error.code, code);
    for (const [key, value] of Object.entries(facts)) assert.deepEqual(error.data[key], value, key);
    return true;
  };
}

describe('HttpObjects', () => {
  let server: MirrorServer;
  const open: HttpObjects[] = [];

  function storeAt(url: string, options: Partial<HttpObjectsOptions> = {}): HttpObjects {
    const store = new HttpObjects({ ...NO_PROXY, retry: recordingRetry(), ...options, url: new URL(url) });
    open.push(store);
    return store;
  }

  before(async () => {
    server = await MirrorServer.start();
  });
  afterEach(async () => {
    for (const store of open.splice(0)) await store.close();
    server.requests.length = 0;
  });
  after(() => server.close());

  test('open returns the bytes, the size and a strong entity tag', async () => {
    server.handle('/cache/build_cache/index.json', 'hello');
    const object = await storeAt(`${server.url}/cache/`).open('build_cache/index.json');
    assert.equal(object.size, 5);
    assert.match(object.tag ?? '', /^"[0-9a-f]{16}"$/);
    assert.equal(object.location, `${server.url}/cache/build_cache/index.json`);
    assert.equal((await collect(object.body)).bytes.toString(), 'hello');
    assert.equal(server.requests[0]?.headers['accept-encoding'], 'identity');
  });

  test('weak and unquoted entity tags are not reported', async () => {
    const store = storeAt(server.url);
    for (const etag of ['W/"abc"', 'abc', '"a"b"', '']) {
      server.handle('/tag', (_, response) => void response.writeHead(200, { etag }).end('x'));
      const object = await store.open('tag');
      assert.equal(object.tag, undefined, etag);
      await object.body.cancel();
    }
  });

  test('names are percent-encoded, each component by itself', async () => {
    const name = 'a b+c#d?e%f/ü/x@1:2';
    server.handle(`/root/${name}`, 'found');
    const store = storeAt(`${server.url}/root`);
    assert.equal((await collect((await store.open(name)).body)).bytes.toString(), 'found');
    assert.equal(server.requests[0]?.path, '/root/a%20b%2Bc%23d%3Fe%25f/%C3%BC/x%401%3A2');
  });

  test('paths that leave the root are never requested', async () => {
    const store = storeAt(`${server.url}/root`);
    for (const path of ['../secret', 'a/../../b', '/etc/passwd', 'a//b', './a', '', 'a/', 'x\0y', '\ud800']) {
      await assert.rejects(store.open(path), hasCode('mirror-not-found'), path);
    }
    assert.deepEqual(server.log, []);
  });

  test('404 and 410 mean not found, without a retry', async () => {
    const retry = recordingRetry();
    const store = storeAt(server.url, { retry });
    server.handle('/gone', serveStatus(410));
    await assert.rejects(store.open('missing'), hasCode('mirror-not-found', { status: 404 }));
    await assert.rejects(store.open('gone'), hasCode('mirror-not-found', { status: 410 }));
    assert.equal(await store.stat('missing'), undefined);
    assert.equal(await store.stat('gone'), undefined);
    assert.equal(retry.waits.length, 0);
  });

  test('other statuses are errors with status, location and a hint', async () => {
    const store = storeAt(server.url);
    for (const status of [401, 403, 400, 204, 206, 304, 451]) {
      server.handle('/x', serveStatus(status));
      await assert.rejects(
        store.open('x'),
        hasCode('mirror-http-status', { status, location: `${server.url}/x` }),
      );
    }
    server.handle('/x', serveStatus(403));
    await assert.rejects(
      store.stat('x'),
      (error: MirrorError) => error.hint !== undefined && !error.retryable,
    );
  });

  test('stat asks with HEAD, and with GET where the server does not know HEAD', async () => {
    const store = storeAt(server.url);
    server.handle('/there', 'x');
    assert.notEqual(await store.stat('there'), undefined);
    assert.deepEqual(server.log, ['HEAD /there']);
    server.handle('/old', (request, response) => {
      if (request.method === 'HEAD') response.writeHead(405).end();
      else response.end(Buffer.alloc(5_000_000));
    });
    assert.notEqual(await store.stat('old'), undefined);
    assert.deepEqual(server.log.slice(1), ['HEAD /old', 'GET /old']);
  });

  test('stat asks for one byte where HEAD is refused, which tells the size of the whole', async () => {
    const store = storeAt(server.url);
    for (const status of [403, 405, 501]) {
      const refusing =
        (answer: Handler): Handler =>
        (request, response) =>
          request.method === 'HEAD' ? void response.writeHead(status).end() : answer(request, response);
      server.handle(
        '/part',
        refusing((request, response) => {
          assert.equal(request.headers.range, 'bytes=0-0');
          response.writeHead(206, { 'content-range': 'bytes 0-0/5000', etag: '"t"' }).end('x');
        }),
      );
      assert.deepEqual(await store.stat('part'), { size: 5000, tag: '"t"' });
      server.handle('/empty', refusing(serveStatus(416, { 'content-range': 'bytes */0' })));
      assert.deepEqual(await store.stat('empty'), { size: 0, tag: undefined });
      server.handle('/whole', refusing(serveBytes('hello')));
      assert.equal((await store.stat('whole'))?.size, 5);
      server.handle('/absent', refusing(serveStatus(404)));
      assert.equal(await store.stat('absent'), undefined);
      server.handle('/denied', refusing(serveStatus(403)));
      await assert.rejects(store.stat('denied'), hasCode('mirror-http-status', { status: 403 }));
    }
  });

  test('a bucket on the web that denies access has nothing there', async () => {
    const store = storeAt(server.url);
    for (const header of ['x-amz-request-id', 'x-guploader-uploadid']) {
      server.handle('/x', serveStatus(403, { [header]: 'R' }));
      assert.equal(await store.stat('x'), undefined);
      await assert.rejects(store.open('x'), hasCode('mirror-not-found', { status: 403 }));
    }
    assert.deepEqual(server.log.slice(0, 2), ['HEAD /x', 'GET /x'], 'a denial is not asked for again');
  });

  test('open tells the encoding of a body that the server encodes unasked', async () => {
    const store = storeAt(server.url);
    server.handle(
      '/x',
      (_, response) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end('x'),
    );
    const object = await store.open('x');
    assert.equal(object.encoding, 'gzip');
    await object.body.cancel();
  });

  test('open answers not-modified on 304, and the object else', async () => {
    server.handle('/index', 'one');
    const store = storeAt(server.url);
    const { tag = '', body } = await store.open('index');
    await body.cancel();
    assert.equal(await store.open('index', { unlessTag: tag }), 'not-modified');
    server.handle('/index', 'two');
    const changed = await store.open('index', { unlessTag: tag });
    assert.ok(changed !== 'not-modified');
    assert.equal((await collect(changed.body)).bytes.toString(), 'two');
    await assert.rejects(store.open('missing', { unlessTag: tag }), hasCode('mirror-not-found'));
  });

  test('5xx and 429 are tried again, Retry-After is passed on', async () => {
    server.handle('/x', 'at last');
    for (const status of [500, 502, 503, 504, 429, 408]) {
      const retry = recordingRetry();
      server.failNext(3, status, { 'retry-after': '7' });
      const { body } = await storeAt(server.url, { retry }).open('x');
      assert.equal((await collect(body)).bytes.toString(), 'at last');
      assert.deepEqual(
        retry.waits.map(({ attempt, retryAfter }) => [attempt, retryAfter]),
        [1, 2, 3].map((attempt) => [attempt, 7000]),
      );
    }
  });

  test('after the last attempt the status is the error, and a dead server gets one try per request', async () => {
    const retry = recordingRetry(3);
    const store = storeAt(server.url, { retry });
    server.handle('/x', 'fine').failNext(4, 503);
    await assert.rejects(
      store.open('x'),
      (error: MirrorError) => error.retryable && hasCode('mirror-http-status')(error),
    );
    assert.equal(server.requests.length, 3);
    await assert.rejects(store.open('x'), hasCode('mirror-http-status', { status: 503 }));
    assert.equal(server.requests.length, 4);
    await collect((await store.open('x')).body);
    server.failNext(2, 503);
    await collect((await store.open('x')).body);
    assert.equal(retry.waits.length, 4);
  });

  test('501 and 505 are not tried again', async () => {
    const retry = recordingRetry();
    server.handle('/x', serveStatus(501));
    await assert.rejects(
      storeAt(server.url, { retry }).open('x'),
      hasCode('mirror-http-status', { status: 501 }),
    );
    assert.equal(retry.waits.length, 0);
  });

  test('connections that break before the answer are tried again', async () => {
    let broken = 2;
    server.handle('/x', (request, response) => {
      if (broken-- > 0) request.socket.destroy();
      else response.end('ok');
    });
    const retry = recordingRetry();
    const { body } = await storeAt(server.url, { retry }).open('x');
    assert.equal((await collect(body)).bytes.toString(), 'ok');
    assert.equal(retry.waits.length, 2);
  });

  test('a refused connection is unreachable, and retryable', async () => {
    const gone = createServer();
    await new Promise<void>((resolve) => gone.listen(0, '127.0.0.1', resolve));
    const { port } = gone.address() as AddressInfo;
    await new Promise((resolve) => gone.close(resolve));
    const retry = recordingRetry();
    const request = storeAt(`http://127.0.0.1:${port}`, { retry }).open('x');
    await assert.rejects(
      request,
      (error: MirrorError) => error.retryable && hasCode('mirror-unreachable')(error),
    );
    assert.equal(retry.waits.length, 3);
  });

  test('an answer that is not HTTP is unreachable', async () => {
    server.handle('/x', (request) => void request.socket.end('SSH-2.0-OpenSSH_9.6\r\n'));
    await assert.rejects(storeAt(server.url).open('x'), hasCode('mirror-unreachable'));
  });

  test('a server that never answers runs into the time limit', async () => {
    server.handle('/x', () => {});
    const store = storeAt(server.url, { headersTimeout: 50, retry: recordingRetry(1) });
    await assert.rejects(
      store.open('x'),
      hasCode('mirror-unreachable', { reason: 'UND_ERR_HEADERS_TIMEOUT' }),
    );
  });

  test('a body that ends early is truncated, and retryable', async () => {
    const bytes = Buffer.alloc(100_000, 7);
    const store = storeAt(server.url);
    for (const sent of [0, 1, 50_000, 99_999]) {
      server.handle('/x', serveTruncated(bytes, sent));
      const { body } = await store.open('x');
      await assert.rejects(collect(body), (error: MirrorError) => {
        return error.retryable && hasCode('mirror-truncated', { expected: 100_000 })(error);
      });
    }
  });

  test('a chunked body that breaks is truncated', async () => {
    server.handle('/x', (_, response) => {
      response.writeHead(200);
      response.write('some', () => response.destroy());
    });
    const { body, size } = await storeAt(server.url).open('x');
    assert.equal(size, undefined);
    await assert.rejects(collect(body), hasCode('mirror-truncated'));
  });

  test('a body that stalls runs into the time limit', async () => {
    let release = () => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    server.handle('/x', serveGated(Buffer.from('first'), Buffer.from('rest'), gate));
    const { body } = await storeAt(server.url, { bodyTimeout: 50 }).open('x');
    await assert.rejects(
      collect(body),
      (error: MirrorError) => error.retryable && hasCode('mirror-unreachable')(error),
    );
    release();
  });

  test('bodies come in large chunks, whatever the server sends', async () => {
    const bytes = Buffer.alloc(3_000_000, 'regraft');
    server.handle('/x', (_, response) => {
      for (let i = 0; i < bytes.length; i += 1000) response.write(bytes.subarray(i, i + 1000));
      response.end();
    });
    const { bytes: actual, sizes } = await collect((await storeAt(server.url).open('x')).body);
    assert.ok(actual.equals(bytes));
    assert.ok(
      sizes.slice(0, -1).every((size) => size >= 256 * 1024),
      sizes.join(),
    );
  });

  test('a body that nobody reads holds the server back', async () => {
    let written = 0;
    const chunk = Buffer.alloc(1 << 20);
    const total = 64;
    server.handle('/x', async (_, response) => {
      response.writeHead(200, { 'content-length': chunk.length * total });
      for (let i = 0; i < total && !response.destroyed; i++) {
        written++;
        if (!response.write(chunk))
          await new Promise((resolve) => response.once('drain', resolve).once('close', resolve));
      }
      response.end();
    });
    const { body } = await storeAt(server.url).open('x');
    const reader = body.getReader();
    await reader.read();
    // A round trip on another connection gives the server time to send what it can.
    server.handle('/ping', 'pong');
    for (let i = 0; i < 5; i++) await collect((await storeAt(server.url).open('ping')).body);
    assert.ok(written < total, `${written} MiB were sent`);
    await reader.cancel();
  });

  test('an aborted signal ends the request, the body and the pause, with its reason', async () => {
    const reason = new Error('enough');
    const controller = new AbortController();
    server.handle('/never', () => controller.abort(reason));
    await assert.rejects(storeAt(server.url).open('never', { signal: controller.signal }), reason);

    const second = new AbortController();
    server.handle('/half', serveGated(Buffer.alloc(300_000), Buffer.from('x'), new Promise(() => {})));
    const { body } = await storeAt(server.url).open('half', { signal: second.signal });
    const reader = body.getReader();
    await reader.read();
    const pending = reader.read();
    second.abort(reason);
    await assert.rejects(pending, reason);

    const third = new AbortController();
    server.failNext(1, 503);
    const retry = { attempts: 2, wait: async () => third.abort(reason) };
    await assert.rejects(storeAt(server.url, { retry }).open('x', { signal: third.signal }), reason);
    await assert.rejects(storeAt(server.url).open('x', { signal: AbortSignal.abort(reason) }), reason);
  });

  test('redirects are followed, relative ones too', async () => {
    server
      .handle('/a/x', redirectTo('../b/x', 301))
      .handle('/b/x', redirectTo('/c?y=1', 307))
      .handle('/c', 'there');
    const object = await storeAt(`${server.url}/a`).open('x');
    assert.equal((await collect(object.body)).bytes.toString(), 'there');
    assert.match(object.location, /\/c\?redacted-[0-9a-f]{8}$/);
    assert.notEqual(await storeAt(`${server.url}/a`).stat('x'), undefined);
  });

  test('redirects in a circle, or too many, are an error that lists them', async () => {
    server.handle('/p', redirectTo('/q')).handle('/q', redirectTo('/p')).handle('/self', redirectTo('/self'));
    const store = storeAt(server.url);
    await assert.rejects(
      store.open('p'),
      hasCode('mirror-redirect-loop', { visited: [`${server.url}/p`, `${server.url}/q`] }),
    );
    await assert.rejects(store.open('self'), hasCode('mirror-redirect-loop'));
    for (let i = 0; i < 12; i++) server.handle(`/r${i}`, i === 11 ? 'end' : redirectTo(`/r${i + 1}`));
    await assert.rejects(store.open('r0'), hasCode('mirror-redirect-loop'));
    assert.equal((await collect((await store.open('r1')).body)).bytes.toString(), 'end');
  });

  test('redirects to other protocols, or to nowhere, are refused', async () => {
    const store = storeAt(server.url);
    server.handle('/file', redirectTo('file:///etc/passwd')).handle('/ftp', redirectTo('ftp://host/x'));
    await assert.rejects(store.open('file'), hasCode('mirror-protocol'));
    await assert.rejects(store.open('ftp'), hasCode('mirror-protocol'));
    server.handle('/bad', redirectTo('http://[')).handle('/none', serveStatus(302));
    await assert.rejects(store.open('bad'), hasCode('mirror-http-status', { status: 302 }));
    await assert.rejects(store.open('none'), hasCode('mirror-http-status', { status: 302 }));
  });

  test('user and password are sent, but not shown, and not passed on to another server', async () => {
    const other = await MirrorServer.start();
    try {
      other.handle('/x', 'moved');
      server
        .handle('/x', redirectTo(`${other.url}/x`))
        .handle('/y', redirectTo('/z'))
        .handle('/z', 'here');
      const store = storeAt(`http://us%40er:p%3Aw@127.0.0.1:${server.port}/?token=secret`);
      const { body, location } = await store.open('x');
      await collect(body);
      assert.equal(
        server.requests[0]?.headers.authorization,
        `Basic ${Buffer.from('us@er:p:w').toString('base64')}`,
      );
      assert.equal(server.requests[0]?.path, '/x?token=secret');
      assert.equal(other.requests[0]?.headers.authorization, undefined);
      await collect((await store.open('y')).body);
      assert.ok(server.requests.at(-1)?.headers.authorization);
      const error = await store.open('missing').catch((failure: MirrorError) => failure);
      const shown = [
        store.url,
        store.location('x'),
        location,
        JSON.stringify(error),
        (error as Error).message,
      ];
      for (const text of shown) assert.doesNotMatch(text, /secret|p%3Aw|p:w|us%40er/);
    } finally {
      await other.close();
    }
  });

  test('stores that differ only in their query have different URLs', () => {
    assert.notEqual(storeAt(`${server.url}/?a=1`).url, storeAt(`${server.url}/?a=2`).url);
    assert.equal(storeAt(`${server.url}/m/`).url, storeAt(`${server.url}/m`).url);
  });

  test('connections are kept alive', async () => {
    const sockets = new Set<unknown>();
    server.handle('/x', (request, response) => {
      sockets.add(request.socket);
      serveBytes('x')(request, response);
    });
    const store = storeAt(server.url);
    for (let i = 0; i < 5; i++) {
      await collect((await store.open('x')).body);
      await assert.rejects(store.open('missing'), hasCode('mirror-not-found'));
    }
    assert.equal(sockets.size, 1);
  });

  test('close ends unread bodies, and later requests are a mistake of the caller', async () => {
    server.handle('/x', serveGated(Buffer.from('a'), Buffer.from('b'), new Promise(() => {})));
    const store = storeAt(server.url);
    const { body } = await store.open('x');
    await store.close();
    await assert.rejects(collect(body), hasCode('mirror-truncated'));
    await assert.rejects(store.open('x'), TypeError);
    await storeAt(server.url).close();
  });

  test('many requests at once share a signal without a warning', async () => {
    const warnings: string[] = [];
    const listener = (warning: Error): void => void warnings.push(warning.name);
    process.on('warning', listener);
    server.handle('/x', 'x');
    const store = storeAt(server.url);
    const { signal } = new AbortController();
    await Promise.all(
      Array.from({ length: 40 }, async () => collect((await store.open('x', { signal })).body)),
    );
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', listener);
    assert.deepEqual(warnings, []);
  });

  /** A server that knows ranges, with an entity tag and its condition. */
  function serveRanges(bytes: Buffer, tag = '"one"'): Handler {
    return (request, response) => {
      response.setHeader('etag', tag);
      const condition = request.headers['if-match'];
      if (condition !== undefined && condition !== tag) return void response.writeHead(412).end('changed');
      const [, first = '', last = ''] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
      if (first === '') return serveBytes(bytes)(request, response);
      const start = Number(first);
      const end = last === '' ? bytes.length : Math.min(Number(last) + 1, bytes.length);
      if (start >= bytes.length)
        return void response
          .writeHead(416, { 'content-range': `bytes */${bytes.length}` })
          .end('no such part');
      const range = `bytes ${start}-${end - 1}/${bytes.length}`;
      response.writeHead(206, { 'content-range': range, 'content-length': end - start });
      response.end(bytes.subarray(start, end));
    };
  }

  /** A server that knows no ranges, and perhaps does not say how long the object is. */
  function serveWhole(bytes: Buffer, isChunked: boolean): Handler {
    return (_, response) => {
      response.writeHead(200, isChunked ? {} : { 'content-length': bytes.length });
      for (let i = 0; i < bytes.length; i += 3) response.write(bytes.subarray(i, i + 3));
      response.end();
    };
  }

  const digits = Buffer.from('0123456789');
  for (const [name, handler] of [
    ['a server that knows ranges', serveRanges(digits)],
    ['a server that sends everything', serveWhole(digits, false)],
    ['a server that sends everything, and does not say how much', serveWhole(digits, true)],
  ] as const) {
    test(`open reads ranges at every boundary from ${name}`, async () => {
      server.handle('/x', handler);
      const store = storeAt(server.url);
      for (let start = 0; start <= 10; start++) {
        for (const end of [undefined, start + 1, start + 2, 9, 10, 11]) {
          if (end !== undefined && end <= start) continue;
          const object = await store.open('x', { range: { start, end } });
          const expected = digits.subarray(start, end);
          assert.ok((await collect(object.body)).bytes.equals(expected), `${start} to ${end}`);
          assert.ok(object.size === undefined || object.size === expected.length, `${start} to ${end}`);
        }
      }
      for (const range of [{ start: 11 }, { start: 11, end: 20 }]) {
        const reading = store.open('x', { range }).then(({ body }) => collect(body));
        await assert.rejects(reading, hasCode('mirror-range', { start: 11 }));
      }
      await assert.rejects(store.open('x', { range: { start: 5, end: 5 } }), TypeError);
    });
  }

  test('open asks for the bytes that a range means', async () => {
    server.handle('/x', serveRanges(digits));
    const store = storeAt(server.url);
    for (const range of [{ start: 0 }, { start: 2, end: 5 }, { start: 4, end: undefined }])
      await (await store.open('x', { range })).body.cancel();
    assert.deepEqual(
      server.requests.map(({ headers }) => headers.range),
      ['bytes=0-', 'bytes=2-4', 'bytes=4-'],
    );
  });

  test('open refuses another part than it asked for', async () => {
    const store = storeAt(server.url);
    for (const range of [
      undefined,
      'bytes 0-2/10',
      'bytes 2-3/10',
      'bytes 2-5/10',
      'bytes 2-4/4',
      'bytes 4-2/10',
      'bytes 2-4',
      'lines 2-4/10',
    ]) {
      server.handle('/x', (_, response) => {
        response.writeHead(206, range === undefined ? {} : { 'content-range': range }).end('234');
      });
      await assert.rejects(
        store.open('x', { range: { start: 2, end: 5 } }),
        hasCode('mirror-range', { contentRange: range?.startsWith('bytes') ? range : undefined }),
        range,
      );
    }
    for (const range of ['bytes 2-4/10', 'bytes 2-4/*', 'bytes 2-4/5']) {
      server.handle(
        '/x',
        (_, response) => void response.writeHead(206, { 'content-range': range }).end('234'),
      );
      const { body, size } = await store.open('x', { range: { start: 2, end: 5 } });
      assert.equal((await collect(body)).bytes.toString(), '234');
      assert.equal(size, 3);
    }
  });

  test('open notices a part that is shorter than its Content-Range', async () => {
    server.handle('/x', (_, response) => {
      response.writeHead(206, { 'content-range': 'bytes 2-4/10' }).end('23');
    });
    const { body } = await storeAt(server.url).open('x', { range: { start: 2, end: 5 } });
    await assert.rejects(collect(body), hasCode('mirror-truncated', { expected: 3, actual: 2 }));
  });

  test('open takes 206 and 416 for errors where it did not ask for a part', async () => {
    const store = storeAt(server.url);
    for (const status of [206, 416]) {
      server.handle('/x', serveStatus(status));
      await assert.rejects(store.open('x'), hasCode('mirror-http-status', { status }));
    }
    server.handle('/x', serveStatus(416));
    await assert.rejects(store.open('x', { range: { start: 10 } }), hasCode('mirror-range'));
  });

  test('open with a tag reads the rest of the same object only', async () => {
    const store = storeAt(server.url);
    server.handle('/x', serveRanges(digits));
    const range = { start: 7 };
    const { body, tag } = await store.open('x', { ifTag: '"one"', range });
    assert.equal((await collect(body)).bytes.toString(), '789');
    assert.equal(tag, '"one"');
    await assert.rejects(
      store.open('x', { ifTag: '"other"', range }),
      hasCode('mirror-changed', { status: 412 }),
    );
    // Servers that do not know the condition, with another tag or none.
    for (const other of ['"two"', 'W/"one"', '']) {
      server.handle('/x', (_, response) => {
        response
          .writeHead(200, { 'content-length': digits.length, ...(other && { etag: other }) })
          .end(digits);
      });
      await assert.rejects(store.open('x', { ifTag: '"one"', range }), hasCode('mirror-changed'), other);
    }
  });

  test('stat tells size and tag', async () => {
    const store = storeAt(server.url);
    server.handle('/x', serveRanges(digits));
    assert.deepEqual(await store.stat('x'), { size: 10, tag: '"one"' });
    server.handle('/x', (request, response) => {
      if (request.method === 'HEAD') response.writeHead(501).end();
      else response.writeHead(200, { 'content-length': digits.length, etag: '"get"' }).end(digits);
    });
    assert.deepEqual(await store.stat('x'), { size: 10, tag: '"get"' });
  });
});

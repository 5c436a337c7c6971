import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { MirrorError } from '../../../src/core/errors.js';
import { HttpClient, type HttpClientOptions } from '../../../src/transport/http/client.js';
import type { Authorizer, BodySource, Hop, HttpRequest } from '../../../src/transport/http/request.js';
import { type Handler, MirrorServer, redirectTo, serveStatus } from '../../helpers/mirror-server.js';
import { collect, recordingRetry } from './recording-retry.js';

const code = (wanted: string) => (error: unknown) => error instanceof MirrorError && error.code === wanted;

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** A body that is made anew each time, in two chunks. */
function sourceOf(text: string, options: Partial<BodySource> = {}): BodySource & { opened: number } {
  return {
    isReplayable: true,
    size: text.length,
    ...options,
    opened: 0,
    open() {
      this.opened++;
      return new ReadableStream({
        start(controller) {
          for (const part of [text.slice(0, 2), text.slice(2)]) controller.enqueue(Buffer.from(part));
          controller.close();
        },
      });
    },
  };
}

describe('HttpClient', () => {
  let server: MirrorServer;
  let other: MirrorServer;
  const clients: HttpClient[] = [];
  /** Bodies that reached a server. */
  const bodies: string[] = [];

  function client(options: HttpClientOptions = {}): HttpClient {
    const made = new HttpClient({ environment: {}, retry: recordingRetry(), ...options });
    clients.push(made);
    return made;
  }

  const to = (path: string, request: Omit<HttpRequest, 'url'>): HttpRequest => ({
    ...request,
    url: new URL(`${server.url}${path}`),
  });

  const accept: Handler = async (request, response) => {
    bodies.push(await readBody(request));
    response.writeHead(201, { 'x-made': 'yes' }).end('made');
  };

  /** Reads the body, then answers. */
  const readThen =
    (answer: Handler): Handler =>
    async (request, response) => {
      bodies.push(await readBody(request));
      await answer(request, response);
    };

  before(async () => {
    server = await MirrorServer.start();
    other = await MirrorServer.start();
  });
  beforeEach(() => {
    bodies.length = 0;
  });
  afterEach(async () => {
    for (const made of clients.splice(0)) await made.close();
    server.requests.length = 0;
    other.requests.length = 0;
  });
  after(async () => {
    await server.close();
    await other.close();
  });

  test('sends any method with a body of bytes or of a source', async () => {
    server.handle('/x', accept);
    for (const method of ['PUT', 'POST', 'PATCH', 'DELETE']) {
      const answer = await client().send(to('/x', { method, body: Buffer.from('bytes') }));
      assert.deepEqual([answer.status, answer.header('x-made'), answer.size], [201, 'yes', undefined]);
      assert.equal((await collect(answer.body())).bytes.toString(), 'made');
      (await client().send(to('/x', { method, body: sourceOf('source') }))).discard();
      (await client().send(to('/x', { method, body: sourceOf('chunked', { size: undefined }) }))).discard();
    }
    assert.deepEqual(bodies.slice(0, 3), ['bytes', 'source', 'chunked']);
    assert.equal(bodies.length, 12);
    assert.deepEqual(
      server.requests
        .slice(0, 3)
        .map(({ headers }) => [headers['content-length'], headers['transfer-encoding']]),
      [
        ['5', undefined],
        ['6', undefined],
        [undefined, 'chunked'],
      ],
    );
  });

  test('leaves it to the caller which statuses are errors', async () => {
    for (const status of [204, 304, 400, 401, 403, 404, 409, 412, 416, 501]) {
      server.handle('/x', serveStatus(status));
      const answer = await client().send(to('/x', { method: 'GET' }));
      assert.equal(answer.status, status);
      answer.discard();
    }
    server.handle('/x', serveStatus(500));
    await assert.rejects(client().send(to('/x', { method: 'PUT' })), (error: MirrorError) => {
      assert.match(error.message, /^Cannot write ".*": the server answered 500$/);
      return code('mirror-http-status')(error) && error.retryable;
    });
    await assert.rejects(client().send(to('/x', { method: 'DELETE' })), /^MirrorError: Cannot remove /);
  });

  test('307 and 308 keep method and body', async () => {
    server.handle('/end', accept);
    for (const status of [307, 308]) {
      server.handle('/x', readThen(redirectTo('/end', status)));
      for (const body of [Buffer.from('body'), sourceOf('body')]) {
        const answer = await client().send(to('/x', { method: 'PUT', body }));
        assert.deepEqual([answer.status, answer.method], [201, 'PUT']);
        answer.discard();
      }
    }
    assert.deepEqual(
      bodies,
      Array.from({ length: 8 }, () => 'body'),
    );
  });

  test('301, 302 and 303 make a GET without a body, but leave HEAD as it is', async () => {
    server.handle('/end', (request, response) => {
      assert.equal(request.headers['content-type'], undefined);
      assert.equal(request.headers['content-length'], undefined);
      assert.equal(request.headers['x-kept'], 'yes');
      response.end('there');
    });
    const headers = { 'content-type': 'text/plain', 'x-kept': 'yes' };
    for (const status of [301, 302, 303]) {
      server.handle('/x', readThen(redirectTo('/end', status)));
      const answer = await client().send(to('/x', { method: 'POST', headers, body: sourceOf('body') }));
      assert.deepEqual([answer.status, answer.method], [200, 'GET']);
      answer.discard();
      server.requests.length = 0;
      (await client().send(to('/x', { method: 'HEAD', headers: { 'x-kept': 'yes' } }))).discard();
      assert.deepEqual(server.log, ['HEAD /x', 'HEAD /end']);
    }
  });

  test('a redirect to the same URL as GET is no circle', async () => {
    server.handle('/x', (request, response) =>
      request.method === 'POST' ? redirectTo('/x', 303)(request, response) : void response.end('done'),
    );
    const answer = await client().send(to('/x', { method: 'POST', body: Buffer.from('a') }));
    assert.equal(answer.status, 200);
    answer.discard();
  });

  test('a body that cannot be sent again is sent once', async () => {
    server.handle('/end', accept).handle('/x', readThen(redirectTo('/end', 307)));
    const once = () => sourceOf('once', { isReplayable: false });
    const first = once();
    const answer = await client().send(to('/x', { method: 'PUT', body: first }));
    assert.deepEqual([answer.status, answer.header('location'), first.opened], [307, '/end', 1]);
    answer.discard();
    // 303 needs no body.
    server.handle('/x', readThen(redirectTo('/end', 303)));
    (await client().send(to('/x', { method: 'PUT', body: once() }))).discard();
    server.handle('/x', readThen(serveStatus(503)));
    const retry = recordingRetry();
    await assert.rejects(
      client({ retry }).send(to('/x', { method: 'PUT', body: once() })),
      code('mirror-http-status'),
    );
    assert.equal(retry.waits.length, 0);
  });

  test('tries again with the same body', async () => {
    server.handle('/x', accept).failNext(2, 503);
    const body = sourceOf('again');
    const answer = await client().send(to('/x', { method: 'PUT', body }));
    assert.deepEqual([answer.status, bodies, body.opened], [201, ['again'], 3]);
    answer.discard();
  });

  test('POST is tried again only where nothing was done, unless it may be repeated', async () => {
    server.handle('/x', accept);
    const post = { method: 'POST', body: Buffer.from('x') };
    server.failNext(1, 503);
    (await client().send(to('/x', post))).discard();
    server.failNext(1, 500);
    await assert.rejects(client().send(to('/x', post)), code('mirror-http-status'));
    server.failNext(1, 500);
    (await client().send(to('/x', { ...post, isRepeatable: true }))).discard();
    assert.equal(bodies.length, 2);
    server.handle('/x', (request) => void request.socket.destroy());
    const retry = recordingRetry();
    await assert.rejects(client({ retry }).send(to('/x', post)), code('mirror-unreachable'));
    assert.equal(retry.waits.length, 0);
  });

  test('the error of a body is passed on', async () => {
    server.handle('/x', accept);
    const broken = new MirrorError('mirror-truncated', 'the source broke');
    const body: BodySource = {
      isReplayable: true,
      open: () => new ReadableStream({ pull: () => Promise.reject(broken) }),
    };
    await assert.rejects(client().send(to('/x', { method: 'PUT', body })), broken);
  });

  test('gives up on redirects that lead on, in words', async () => {
    server.handle('/p', redirectTo('/q')).handle('/q', redirectTo('/p')).handle('/self', redirectTo('/self'));
    await assert.rejects(
      client().send(to('/p', { method: 'GET' })),
      /"[^"]*\/p": gave up after 2 redirects$/,
    );
    await assert.rejects(client().send(to('/self', { method: 'GET' })), /gave up after 1 redirect$/);
  });

  test('asks who authorizes for each hop and each try', async () => {
    const hops: Hop[] = [];
    const authorizer: Authorizer = {
      authorize: (hop) => {
        hops.push(hop);
        return { authorization: `for ${hop.url.pathname}` };
      },
    };
    server.handle('/x', redirectTo('/end')).handle('/end', 'there').failNext(1, 503);
    (await client({ authorizer }).send(to('/x', { method: 'GET', headers: { 'x-mine': '1' } }))).discard();
    assert.deepEqual(
      hops.map(({ url, attempt, method, headers }) => [url.pathname, attempt, method, headers['x-mine']]),
      [
        ['/x', 1, 'GET', '1'],
        ['/x', 2, 'GET', '1'],
        ['/end', 2, 'GET', '1'],
      ],
    );
    assert.deepEqual(
      server.requests.map(({ headers }) => headers.authorization),
      ['for /x', 'for /x', 'for /end'],
    );
  });

  test('answers a 401 once per hop, with the same body', async () => {
    let asked = 0;
    const authorizer: Authorizer = {
      answerChallenge: async (_, challenge) => {
        asked++;
        const realm = /realm="([^"]*)"/.exec(challenge.header('www-authenticate') ?? '')?.[1];
        return realm === 'none' ? undefined : { authorization: `Bearer ${realm}` };
      },
    };
    const challenge = (realm: string): Handler =>
      readThen(serveStatus(401, { 'www-authenticate': `Bearer realm="${realm}"` }));
    server.handle('/x', (request, response) =>
      (request.headers.authorization === 'Bearer token' ? accept : challenge('token'))(request, response),
    );
    const answer = await client({ authorizer }).send(to('/x', { method: 'PUT', body: sourceOf('body') }));
    assert.deepEqual([answer.status, asked, bodies], [201, 1, ['body', 'body']]);
    answer.discard();
    for (const realm of ['wrong', 'none']) {
      server.handle('/x', challenge(realm));
      const refused = await client({ authorizer }).send(to('/x', { method: 'GET' }));
      assert.equal(refused.status, 401);
      refused.discard();
    }
    assert.equal(asked, 3);
  });

  test('another origin sees no secret header of the request, and what the hook gives it', async () => {
    other.handle('/end', 'there');
    server.handle('/x', redirectTo('/y')).handle('/y', redirectTo(`${other.url}/end`));
    const origin = server.url;
    const authorizer: Authorizer = {
      authorize: ({ url }) => (url.origin === origin ? { 'x-signature': 'signed' } : undefined),
    };
    const headers = { Authorization: 'secret', cookie: 'secret', 'x-public': 'yes' };
    (await client({ authorizer }).send(to('/x', { method: 'GET', headers }))).discard();
    for (const { headers: seen } of server.requests)
      assert.deepEqual(
        [seen.authorization, seen.cookie, seen['x-signature']],
        ['secret', 'secret', 'signed'],
      );
    const seen = other.requests[0]?.headers ?? {};
    assert.deepEqual(
      [seen.authorization, seen.cookie, seen['x-signature'], seen['x-public']],
      [undefined, undefined, undefined, 'yes'],
    );
  });
});

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { MirrorError, type UsageError } from '../../../src/core/errors.js';
import type { ConnectionOptions } from '../../../src/transport/connection/dispatcher.js';
import { HttpObjects } from '../../../src/transport/http/objects.js';
import { type OpenStoreOptions, openObjectStore } from '../../../src/transport/open-store.js';
import { MirrorServer } from '../../helpers/mirror-server.js';
import { temporaryFolder } from '../../mirror/temporary-folder.js';
import { collect, recordingRetry } from '../http/recording-retry.js';
import { makeSelfSigned } from '../http/self-signed.js';

async function read(url: string, options: ConnectionOptions): Promise<string> {
  const store = new HttpObjects({ url: new URL(url), retry: recordingRetry(1), ...options });
  try {
    return (await collect((await store.open('x')).body)).bytes.toString();
  } finally {
    await store.close();
  }
}

describe('proxies', () => {
  let server: MirrorServer;
  let proxy: MirrorServer;
  const proxyUrl = () => `http://user:pw@127.0.0.1:${proxy.port}`;
  before(async () => {
    server = await MirrorServer.start();
    proxy = await MirrorServer.start();
    server.handle('/x', 'direct');
    proxy.handle('/x', 'by proxy');
  });
  after(async () => {
    await server.close();
    await proxy.close();
  });

  test('HTTP_PROXY is asked for http: URLs, in the form that every proxy knows', async () => {
    for (const variable of ['HTTP_PROXY', 'http_proxy']) {
      proxy.requests.length = 0;
      assert.equal(await read(server.url, { environment: { [variable]: proxyUrl() } }), 'by proxy');
      assert.equal(proxy.requests[0]?.path, `${server.url}/x`);
      assert.equal(
        proxy.requests[0]?.headers['proxy-authorization'],
        `Basic ${Buffer.from('user:pw').toString('base64')}`,
      );
    }
    for (const environment of [
      { http_proxy: `127.0.0.1:${proxy.port}` },
      { ALL_PROXY: proxyUrl() },
      { all_proxy: proxyUrl(), HTTPS_PROXY: '', NO_PROXY: '127.0.0.1:1' },
    ]) {
      assert.equal(await read(server.url, { environment }), 'by proxy', JSON.stringify(environment));
    }
  });

  test('NO_PROXY and an empty variable mean a direct connection', async () => {
    for (const environment of [
      { HTTP_PROXY: proxyUrl(), NO_PROXY: 'other,127.0.0.1' },
      { HTTP_PROXY: proxyUrl(), no_proxy: '*' },
      { HTTP_PROXY: '' },
      { HTTP_PROXY: proxyUrl(), http_proxy: '' },
      { HTTPS_PROXY: proxyUrl() },
      { ALL_PROXY: proxyUrl(), http_proxy: '' },
      { ALL_PROXY: 'socks5://127.0.0.1:1', http_proxy: '', HTTPS_PROXY: proxyUrl() },
      { all_proxy: proxyUrl(), NO_PROXY: '127.0.0.0/8' },
      { all_proxy: proxyUrl(), NO_PROXY: `.local,127.0.0.1:${server.port}` },
      {},
    ]) {
      assert.equal(await read(server.url, { environment }), 'direct', JSON.stringify(environment));
    }
  });

  test('a proxy that is no HTTP URL is named, without its password', async () => {
    for (const value of ['socks5://user:hunter2@host:1', 'http://user:hunter2@:::']) {
      await assert.rejects(read(server.url, { environment: { HTTP_PROXY: value } }), (error: UsageError) => {
        assert.equal(error.code, 'config');
        assert.match(error.message, /HTTP_PROXY/);
        return !JSON.stringify([error.message, error.data, error.hint]).includes('hunter2');
      });
    }
  });

  test('a proxy that is not there makes the mirror unreachable', async () => {
    const environment = { HTTP_PROXY: 'http://127.0.0.1:1' };
    await assert.rejects(
      read(server.url, { environment }),
      (error: MirrorError) => error.code === 'mirror-unreachable',
    );
  });
});

describe('certificates', () => {
  const { key, cert } = makeSelfSigned();
  const secure = createServer({ key, cert }, (_, response) => void response.end('secret'));
  const url = () => `https://127.0.0.1:${(secure.address() as AddressInfo).port}`;
  before(() => new Promise<void>((resolve) => secure.listen(0, '127.0.0.1', resolve)));
  after(() => {
    secure.closeAllConnections();
    secure.close();
  });

  test('an unknown authority is refused, at once and with a hint', async () => {
    const retry = recordingRetry();
    const store = new HttpObjects({ url: new URL(url()), retry, environment: {} });
    await assert.rejects(store.open('x'), (error: MirrorError) => {
      return (
        error.code === 'mirror-unreachable' && !error.retryable && /SSL_CERT_FILE/.test(error.hint ?? '')
      );
    });
    assert.equal(retry.waits.length, 0);
    await store.close();
  });

  test('an authority can be named by option and by variable', async (t) => {
    const folder = temporaryFolder(t);
    const file = join(folder, 'ca.pem');
    writeFileSync(file, cert);
    const other = join(folder, 'other.pem');
    writeFileSync(other, makeSelfSigned('somebody else').cert);
    assert.equal(await read(url(), { caFile: file, environment: {} }), 'secret');
    assert.equal(await read(url(), { environment: { SSL_CERT_FILE: file } }), 'secret');
    assert.equal(
      await read(url(), { environment: { SSL_CERT_FILE: other, NODE_EXTRA_CA_CERTS: file } }),
      'secret',
    );
    await assert.rejects(read(url(), { caFile: other, environment: { SSL_CERT_FILE: file } }), MirrorError);
    await assert.rejects(
      read(url(), { environment: { SSL_CERT_FILE: join(folder, 'missing') } }),
      MirrorError,
    );
  });

  test('folders of authorities are read, too', async (t) => {
    const folder = temporaryFolder(t);
    writeFileSync(join(folder, 'notes.txt'), 'nothing');
    const environment = { SSL_CERT_DIR: `${folder}/not-there:${folder}` };
    await assert.rejects(read(url(), { environment }), MirrorError);
    writeFileSync(join(folder, '0a1b2c3d.0'), cert);
    assert.equal(await read(url(), { environment }), 'secret');
    const other = join(folder, 'other');
    writeFileSync(other, makeSelfSigned('somebody else').cert);
    assert.equal(await read(url(), { environment: { ...environment, SSL_CERT_FILE: other } }), 'secret');
  });

  test('a server that asks who is there is shown the certificate of the mirror', async (t) => {
    const folder = temporaryFolder(t);
    const client = makeSelfSigned('a client');
    const strict = createServer(
      { key, cert, ca: client.cert, requestCert: true, rejectUnauthorized: true },
      (_, answer) => void answer.end('for clients'),
    );
    await new Promise<void>((resolve) => strict.listen(0, '127.0.0.1', resolve));
    t.after(() => {
      strict.closeAllConnections();
      strict.close();
    });
    const place = `https://127.0.0.1:${(strict.address() as AddressInfo).port}`;
    const [caFile, clientCertificate, clientKey, both] = ['ca', 'cert', 'key', 'both'].map((name) =>
      join(folder, name),
    );
    assert.ok(caFile && clientCertificate && clientKey && both);
    writeFileSync(caFile, cert);
    writeFileSync(clientCertificate, client.cert);
    writeFileSync(clientKey, client.key);
    writeFileSync(both, client.cert + client.key);
    const environment = {};
    assert.equal(await read(place, { caFile, clientCertificate, clientKey, environment }), 'for clients');
    assert.equal(await read(place, { caFile, clientCertificate: both, environment }), 'for clients');
    const tunnel = await startTunnel();
    t.after(() => tunnel.close());
    const proxied = { caFile, clientCertificate: both, environment: { ALL_PROXY: tunnel.url } };
    assert.equal(await read(place, proxied), 'for clients');
    assert.equal(tunnel.targets.length, 1);
    await assert.rejects(
      read(place, { caFile, environment }),
      (error: MirrorError) => error.code === 'mirror-unreachable',
    );
    for (const wrong of [
      { clientKey },
      { clientCertificate, clientKey: caFile },
      { clientCertificate: clientKey },
    ]) {
      await assert.rejects(
        read(place, { caFile, ...wrong, environment }),
        (error: UsageError) => error.code === 'config',
      );
    }
  });

  test('a mirror has its own authorities and its own certificate; buckets know those of AWS', async (t) => {
    const file = join(temporaryFolder(t), 'ca.pem');
    writeFileSync(file, cert);
    const login = {
      AWS_ACCESS_KEY_ID: 'a',
      AWS_SECRET_ACCESS_KEY: 'b',
      AWS_ENDPOINT_URL: url(),
      HOME: '/not-there',
    };
    const places: readonly (readonly [place: string, options: OpenStoreOptions])[] = [
      [url(), { connection: { caFile: file }, environment: {} }],
      ['s3://bucket', { connection: { caFile: file }, environment: login }],
      ['s3://bucket', { environment: { ...login, AWS_CA_BUNDLE: file } }],
    ];
    for (const [place, options] of places) {
      const store = openObjectStore(place, { retry: recordingRetry(1), ...options });
      assert.equal((await collect((await store.open('x')).body)).bytes.toString(), 'secret');
      await store.close?.();
    }
    const store = openObjectStore('s3://bucket', { environment: login, retry: recordingRetry(1) });
    await assert.rejects(store.open('x'), (error: MirrorError) => error.code === 'mirror-unreachable');
    await store.close?.();
    const showing = { connection: { clientCertificate: file }, environment: {}, caFile: file };
    await assert.rejects(
      openObjectStore(url(), showing).open('x'),
      (error: UsageError) => error.code === 'config',
    );
  });

  test('a certificate file that cannot be used is named', async (t) => {
    const folder = temporaryFolder(t);
    writeFileSync(join(folder, 'empty.pem'), 'nothing');
    for (const caFile of [join(folder, 'missing.pem'), join(folder, 'empty.pem'), folder]) {
      await assert.rejects(read(url(), { caFile, environment: {} }), (error: UsageError) => {
        return error.code === 'config' && error.data.file === caFile;
      });
    }
  });

  test('https: goes through a tunnel of the proxy', async (t) => {
    const file = join(temporaryFolder(t), 'ca.pem');
    writeFileSync(file, cert);
    const proxy = await startTunnel();
    try {
      const environment = { HTTPS_PROXY: proxy.url, SSL_CERT_FILE: file };
      assert.equal(await read(url(), { environment }), 'secret');
      assert.deepEqual(proxy.targets, [url().replace('https://', '')]);
    } finally {
      await proxy.close();
    }
  });

  test('a redirect does not lead from https: to http:', async (t) => {
    const file = join(temporaryFolder(t), 'ca.pem');
    writeFileSync(file, cert);
    const plain = await MirrorServer.start();
    plain.handle('/x', 'plain');
    const redirecting = createServer(
      { key, cert },
      (_, answer) => void answer.writeHead(302, { location: `${plain.url}/x` }).end(),
    );
    await new Promise<void>((resolve) => redirecting.listen(0, '127.0.0.1', resolve));
    const { port } = redirecting.address() as AddressInfo;
    const request = read(`https://127.0.0.1:${port}`, { caFile: file, environment: {} });
    await assert.rejects(request, (error: MirrorError) => error.code === 'mirror-protocol');
    assert.deepEqual(plain.log, []);
    redirecting.closeAllConnections();
    redirecting.close();
    await plain.close();
  });
});

/** A proxy that only knows CONNECT. */
async function startTunnel() {
  const { createServer: createPlainServer } = await import('node:http');
  const targets: string[] = [];
  const server = createPlainServer((_, response) => void response.writeHead(405).end());
  server.on('connect', (request, socket, head) => {
    targets.push(request.url ?? '');
    const [host, port] = (request.url ?? '').split(':');
    const upstream = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      upstream.write(head);
      upstream.pipe(socket).pipe(upstream);
    });
    for (const end of [upstream, socket]) end.on('error', () => upstream.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { url: `http://127.0.0.1:${port}`, targets, close };
}

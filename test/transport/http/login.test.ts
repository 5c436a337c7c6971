import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '../../../src/core/errors.js';
import { openObjectStore } from '../../../src/transport/open-store.js';
import type { StoreConnection } from '../../../src/transport/store-connection.js';
import { MirrorServer } from '../../helpers/mirror-server.js';
import { recordingRetry } from './recording-retry.js';

const ENVIRONMENT = { USER_OF: 'me', SECRET_OF: 'p:w', TOKEN_OF: 'variable' };
const basic = (pair: string) => `Basic ${Buffer.from(pair).toString('base64')}`;

const CASES: readonly (readonly [connection: StoreConnection, authorization: string | undefined])[] = [
  [{}, undefined],
  [{ accessPair: {} }, undefined],
  [{ accessPair: { id: 'i', secret: 's' } }, basic('i:s')],
  [{ accessPair: { id: 'i', secretVariable: 'SECRET_OF' } }, basic('i:p:w')],
  [{ accessPair: { idVariable: 'USER_OF', secretVariable: 'SECRET_OF' }, accessToken: 't' }, basic('me:p:w')],
  [{ accessToken: 't' }, 'Bearer t'],
  [{ accessTokenVariable: 'TOKEN_OF' }, 'Bearer variable'],
];

test('loginAuthorizer logs in as the configuration of a mirror says', async (context) => {
  const server = await MirrorServer.start();
  context.after(() => server.close());
  server.handle('/x', 'x');
  const ask = async (url: string, connection: StoreConnection): Promise<string | undefined> => {
    const store = openObjectStore(url, { connection, environment: ENVIRONMENT, retry: recordingRetry(1) });
    try {
      await store.stat('x');
      return server.requests.at(-1)?.headers.authorization;
    } finally {
      await store.close?.();
    }
  };
  for (const [connection, authorization] of CASES)
    assert.equal(await ask(server.url, connection), authorization, JSON.stringify(connection));
  const withUser = server.url.replace('http://', 'http://u:p@');
  assert.equal(await ask(withUser, { accessToken: 't' }), basic('u:p'));
  for (const connection of [
    { accessPair: { id: 'i' } },
    { accessPair: { id: 'i', secretVariable: 'NOT_SET' } },
    { accessTokenVariable: 'NOT_SET' },
  ]) {
    await assert.rejects(
      ask(server.url, connection),
      (error: unknown) => error instanceof UsageError && error.code === 'config',
    );
  }
});

test('loginAuthorizer tells nothing to the server of a redirect', async (context) => {
  const [server, other] = [await MirrorServer.start(), await MirrorServer.start()];
  context.after(async () => {
    await server.close();
    await other.close();
  });
  other.handle('/y', 'y');
  server.handle('/x', (_, response) => void response.writeHead(302, { location: `${other.url}/y` }).end());
  const store = openObjectStore(server.url, { connection: { accessToken: 't' }, environment: {} });
  await store.stat('x');
  await store.close?.();
  assert.equal(server.requests[0]?.headers.authorization, 'Bearer t');
  assert.equal(other.requests[0]?.headers.authorization, undefined);
});

// A server that repeats what it was asked, in every part of an answer: no secret gets from there into what is told, or onto the disk.
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { runHere } from '../helpers/program-run.js';
import { publishPlace } from '../helpers/publish-place.js';

const PASSWORD = 'MARKED-PASSWORD';
const TOKEN = `MARKED-TOKEN-${'q0/+='.repeat(20)}`;
const SECRET_KEY = 'MARKED-SECRET-KEY';
const BASIC = Buffer.from(`user:${PASSWORD}`).toString('base64');

/** What the request had, each as it came. */
function echoes({ url = '', headers }: IncomingMessage): string[] {
  const { authorization = '', 'x-amz-security-token': token = '' } = headers;
  const proof = authorization.replace(/^\w+ /, '');
  const signature = /Signature=(\w+)/.exec(authorization)?.[1] ?? '';
  return [authorization, proof, signature, String(token), url].filter((each) => each !== '');
}

type Answer = (response: ServerResponse, parts: readonly string[], all: string) => void;

function send(status: number, body: string, headers: Record<string, string> = {}): Answer {
  return (response, parts, all) => {
    const filled = Object.entries(headers).map(([name, value]) => [name, fill(value, parts, all)]);
    response.writeHead(status, Object.fromEntries(filled)).end(fill(body, parts, all));
  };
}

function fill(text: string, parts: readonly string[], all: string): string {
  const pick = (index: number) => parts[Math.min(index, parts.length - 1)] ?? '';
  return text.replace(/\$(all|json|\d)/g, (_, what: string) =>
    what === 'all' ? all : what === 'json' ? JSON.stringify(all) : pick(Number(what)),
  );
}

const XML =
  '<?xml version="1.0"?><Error><Code>$1</Code><Message>$all</Message><RequestId>$2</RequestId></Error>';
const SAID = XML.replace('$1', 'AccessDenied');

const ANSWERS: Readonly<Record<string, Answer>> = {
  'an error in XML': send(403, XML, { 'x-amz-request-id': '$2', 'x-amz-bucket-region': '$3' }),
  'a known error in XML': send(400, SAID, { 'x-amz-request-id': '$3' }),
  'an error of the server in XML': send(599, SAID),
  'an error in an answer of success': send(200, SAID),
  'a text in JSON': send(200, '$json'),
  'a list in JSON': send(200, '[$json]'),
  'an object in JSON': send(200, '{"headers": $json, "version": $json}'),
  'a text': send(200, '$all'),
  'a page': send(404, '<html><body>$all</body></html>', { 'content-type': '$1' }),
  'a challenge': send(401, '$all', { 'www-authenticate': 'Basic realm="$1"' }),
  'an encoding': send(200, '{}', { 'content-encoding': '$1' }),
  'a redirect to another scheme': send(302, '', { location: `${PASSWORD}:x` }),
  'a redirect with a query': send(302, '', { location: 'http://127.0.0.1:1/x?X-Amz-Signature=$2&t=$1' }),
  'a redirect with a password': send(302, '', { location: `http://user:${PASSWORD}@127.0.0.1:1/x` }),
  'a wait': send(503, '$all', { 'retry-after': '$1', 'x-amz-request-id': '$2' }),
  'a tag and a date': send(200, '{}', { etag: '"$1"', 'last-modified': '$1' }),
  'a reason': (response, parts) => response.writeHead(403, parts[1] ?? 'none').end(),
  'what is not HTTP': (response, parts) => {
    response.socket?.end(`HTTP/1.1 200 OK\r\n${parts.join('\r\n')}\u0000\r\n\r\n`);
  },
};

async function startServer(t: TestContext) {
  let answer: Answer = send(404, '');
  const seen = new Set<string>();
  const server = createServer((request, response) => {
    // A registry is shown a login only once it asks for one.
    const isAsked = request.url?.startsWith('/v2/') && request.headers.authorization === undefined;
    const parts = echoes(request);
    for (const part of parts) seen.add(part);
    const reply = isAsked ? send(401, '', { 'www-authenticate': 'Basic realm="x"' }) : answer;
    reply(response, parts, [...parts, JSON.stringify(request.headers)].join(' | '));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    port: (server.address() as AddressInfo).port,
    seen,
    answerWith: (next: Answer) => {
      answer = next;
    },
  };
}

function filesBelow(folder: string): string[] {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return paths.map((path) => join(folder, path)).filter((path) => statSync(path).isFile());
}

const LOGINS: Readonly<Record<string, (port: number) => Readonly<Record<string, unknown>>>> = {
  'a password on the web': (port) => ({ url: `http://user:${PASSWORD}@127.0.0.1:${port}/m` }),
  'a token on the web': (port) => ({ url: `http://127.0.0.1:${port}/m`, access_token: TOKEN }),
  'a login of a registry': (port) => ({
    url: `oci+http://127.0.0.1:${port}/m`,
    access_pair: { id: 'user', secret: PASSWORD },
  }),
  'a session of a bucket': (port) => ({
    url: 's3://bucket/m',
    endpoint_url: `http://127.0.0.1:${port}`,
    access_pair: { id: 'AKIAFAKE', secret: SECRET_KEY },
    access_token: TOKEN,
  }),
};

for (const [login, settings] of Object.entries(LOGINS))
  test(`a server that repeats what it was asked makes nobody tell ${login}`, {
    timeout: 300_000,
  }, async (t) => {
    const { folder, cache } = await publishPlace(t);
    const server = await startServer(t);
    const top = `/${cache.get('top').hash}`;
    const config = join(folder, 'config', 'regraft', 'mirrors.yaml');
    mkdirSync(join(config, '..'), { recursive: true });
    writeFileSync(
      config,
      JSON.stringify({ mirrors: { m: { signed: false, ...settings(server.port) }, other: cache.folder } }),
    );
    const environment = { AWS_EC2_METADATA_DISABLED: 'true', REGRAFT_RETRIES: '0', REGRAFT_DEBUG: '1' };
    const commands = [
      ['list', '-m', 'm'],
      ['install', top, '-m', 'm', '-r', join(folder, 'into')],
      ['download', top, '-m', 'm', '--path', join(folder, 'downloads')],
      ['keys', 'fetch', '-m', 'm'],
      ['mirror', 'sync', 'm', join(folder, 'copy')],
      ['mirror', 'sync', 'other', 'm', '--no-check-signature'],
      ['mirror', 'check', 'm'],
      ['index', 'm'],
    ];
    let failed = 0;
    const check = (what: string, text: string) => {
      const proofs = [...server.seen].filter((part) => part.length >= 16 && !part.startsWith('/'));
      for (const secret of [PASSWORD, TOKEN, SECRET_KEY, BASIC, ...proofs])
        for (const form of [secret, encodeURIComponent(secret), secret.slice(0, 40), secret.toLowerCase()])
          assert.ok(!text.includes(form), `${what} tells "${form}": ${text}`);
    };
    for (const [name, answer] of Object.entries(ANSWERS)) {
      server.answerWith(answer);
      for (const command of commands)
        for (const more of [[], ['--json'], ['--json=lines']]) {
          const { exitCode, out, err } = await runHere([...command, ...more], { folder, environment });
          if (exitCode !== 0) failed++;
          check(`${name}: ${command.join(' ')} ${more.join('')}`, out + err);
        }
    }
    assert.ok(failed > Object.keys(ANSWERS).length * 3, 'errors were told');
    assert.ok(server.seen.size > 0, 'the server was asked with a login');
    rmSync(config);
    for (const path of filesBelow(folder)) check(path, readFileSync(path, 'latin1'));
  });

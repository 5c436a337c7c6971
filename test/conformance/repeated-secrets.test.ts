// Servers that repeat what they were asked where it is believed: in indexes, manifests and lists that can be used, in tags, and in the paths of
// redirects. No secret gets from there into what is told, or onto the disk.
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { type Handler, MirrorServer } from '../helpers/mirror-server.js';
import { runHere } from '../helpers/program-run.js';
import { publishPlace } from '../helpers/publish-place.js';

const PASSWORD = 'MARKED-PASSWORD';
const TOKEN = `MARKED-TOKEN-${'q0/+='.repeat(20)}`;
const MARK = /marked-|TUFSS0VE/i; // also in Base64, at the beginning of a token

/** The proof of a request, in one piece. */
function proofOf({ headers, url = '' }: IncomingMessage): string {
  const { authorization = '', 'x-amz-security-token': token } = headers;
  const [, basic] = /^Basic (.+)$/.exec(authorization) ?? [];
  if (basic !== undefined) return Buffer.from(basic, 'base64').toString().replace(/^.*?:/, '');
  const query = new URL(url, 'http://x').searchParams.get('t');
  return String(token ?? query ?? authorization.replace(/^\w+ /, ''));
}

interface Said {
  readonly path: string;
  readonly proof: string;
  /** Where the server is. */
  readonly root: string;
}

interface Reply {
  readonly status?: number;
  readonly body?: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

const index = (said: string, version = '7') =>
  JSON.stringify({ database: { version, installs: {} }, said, [said]: 1 });
const isIndex = (path: string) => path.endsWith('/index.json');
const manifest = (proof: string, kind: string) =>
  JSON.stringify({
    version: 3,
    data: [
      {
        contentLength: 1,
        mediaType: `application/vnd.spack.${kind}`,
        compression: proof,
        checksumAlgorithm: 'sha256',
        checksum: proof,
      },
    ],
  });

const REPLIES: Readonly<Record<string, (said: Said) => Reply>> = {
  'an index with more in it': ({ path, proof }) => (isIndex(path) ? { body: index(proof) } : { status: 404 }),
  'an index that is encoded': ({ path, proof }) =>
    isIndex(path)
      ? { body: gzipSync(index(proof)), headers: { 'content-encoding': 'gzip' } }
      : { status: 404 },
  'an index with a tag': ({ path, proof }) =>
    isIndex(path) ? { body: index(''), headers: { etag: `"${proof}"` } } : { status: 404 },
  'an index of a version': ({ proof }) => ({ body: index('', proof) }),
  keys: ({ proof }) => ({ body: JSON.stringify({ keys: { [proof]: {} } }) }),
  'the manifest of a package': ({ proof }) => ({ body: manifest(proof, 'spec.v5+json') }),
  'the manifest of an index': ({ proof }) => ({ body: manifest(proof, 'db.v8+json') }),
  'media types': ({ proof }) => ({ body: manifest('none', `other.${proof}`) }),
  'a redirect to a path': ({ proof, root }) => ({
    status: 302,
    headers: { location: `${root}/${encodeURIComponent(proof)}/x` },
  }),
  'a redirect to a path elsewhere': ({ proof }) => ({
    status: 307,
    headers: { location: `http://127.0.0.1:1/${encodeURIComponent(proof)}` },
  }),
  'a redirect to a host': ({ proof }) => ({
    status: 307,
    headers: { location: `http://${proof.replace(/[^\w-]/g, '-').slice(0, 60)}.invalid/` },
  }),
  'a list': ({ proof }) => ({
    body: `<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>m/build_cache/${proof}.spec.json</Key></Contents></ListBucketResult>`,
  }),
};

const LOGINS: Readonly<Record<string, (server: MirrorServer) => Readonly<Record<string, unknown>>>> = {
  'a password on the web': ({ port }) => ({ url: `http://user:${PASSWORD}@127.0.0.1:${port}/m` }),
  'a token on the web': ({ url }) => ({ url: `${url}/m`, access_token: TOKEN }),
  'a token in a URL': ({ url }) => ({ url: `${url}/m?t=${encodeURIComponent(TOKEN)}` }),
  'a session of a bucket': ({ url: endpoint_url }) => ({
    url: 's3://bucket/m',
    endpoint_url,
    access_pair: { id: 'AKIAFAKE', secret: 'MARKED-SECRET-KEY' },
    access_token: TOKEN,
  }),
};

async function repeatingServer(t: TestContext) {
  const server = await MirrorServer.start();
  t.after(() => server.close());
  let reply: (said: Said) => Reply = () => ({ status: 404 });
  const proofs = new Set<string>();
  const handler: Handler = (request, response) => {
    const proof = proofOf(request);
    proofs.add(proof);
    const path = new URL(request.url ?? '', 'http://x').pathname;
    const { status = 200, body = '', headers = {} } = reply({ path, proof, root: server.url });
    response.writeHead(status, headers).end(request.method === 'HEAD' ? undefined : body);
  };
  server.handleAll(handler);
  return {
    server,
    proofs,
    answerWith: (next: typeof reply) => {
      reply = next;
    },
  };
}

function filesBelow(folder: string): string[] {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return paths.map((path) => join(folder, path)).filter((path) => statSync(path).isFile());
}

for (const [login, settings] of Object.entries(LOGINS))
  test(`what is believed of a server does not tell ${login}`, { timeout: 300_000 }, async (t) => {
    const { folder, cache } = await publishPlace(t);
    const { server, proofs, answerWith } = await repeatingServer(t);
    const top = `/${cache.get('top').hash}`;
    const config = join(folder, 'config', 'regraft', 'mirrors.yaml');
    mkdirSync(join(config, '..'), { recursive: true });
    writeFileSync(config, JSON.stringify({ mirrors: { m: { signed: false, ...settings(server) } } }));
    const environment = {
      AWS_EC2_METADATA_DISABLED: 'true',
      REGRAFT_RETRIES: '0',
      REGRAFT_DEBUG: '1',
      REGRAFT_GPG: join(folder, 'no-gpg'),
    };
    const commands = [
      ['list', '-m', 'm'],
      ['install', top, '-m', 'm', '--no-check-signature', '-r', join(folder, 'into')],
      ['keys', 'fetch', '-m', 'm'],
      ['mirror', 'sync', 'm', join(folder, 'copy'), '--no-check-signature'],
      ['mirror', 'check', 'm'],
    ];
    const check = (what: string, text: string) => {
      assert.doesNotMatch(text, MARK, what);
      for (const proof of proofs)
        if (proof.length > 12) assert.ok(!text.includes(proof.slice(0, 20)), `${what}: ${text}`);
    };
    for (const [name, reply] of Object.entries(REPLIES)) {
      answerWith(reply);
      for (const command of commands)
        for (const more of [[], ['--json'], ['--json=lines']]) {
          const { out, err } = await runHere([...command, ...more], { folder, environment });
          check(`${name}: ${command.join(' ')} ${more.join('')}`, out + err);
        }
      const written = filesBelow(folder).filter((path) => path !== config);
      for (const path of written) check(`${name}: ${path}`, readFileSync(path, 'latin1'));
    }
    assert.ok(
      [...proofs].some((proof) => proof.length > 12),
      'the server was asked with a login',
    );
    rmSync(config);
  });

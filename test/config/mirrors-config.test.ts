import assert from 'node:assert/strict';
import { userInfo } from 'node:os';
import { test } from 'node:test';
import { parseMirrorsConfig } from '../../src/config/mirrors-config.js';
import { resolveMirrors } from '../../src/config/resolve-mirrors.js';
import { UsageError } from '../../src/core/errors.js';

const FILE = '/etc/spack/mirrors.yaml';
const parse = async (text: string, variables = {}) => parseMirrorsConfig(text, FILE, variables);

test('parseMirrorsConfig keeps the order of the file, also of names that look like numbers', async () => {
  const mirrors = await parse(
    'mirrors:\n  z: https://z\n  10: https://ten\n  2: https://two\n  a: https://a\n',
  );
  assert.deepEqual(
    mirrors.map(({ name, fetchUrl }) => [name, fetchUrl]),
    [
      ['z', 'https://z'],
      ['10', 'https://ten'],
      ['2', 'https://two'],
      ['a', 'https://a'],
    ],
  );
  assert.deepEqual(mirrors[0], {
    name: 'z',
    fetchUrl: 'https://z',
    pushUrl: 'https://z',
    source: true,
    binary: true,
    signed: true,
    fetchConnection: {},
    pushConnection: {},
  });
});

test('parseMirrorsConfig reads fetch, push, flags and connections, overridden one by one', async () => {
  const [mirror] = await parse(`
mirrors:
  m:
    url: s3://all
    signed: false
    source: false
    binary: true
    profile: common
    endpoint_url: https://minio
    access_pair: [id, secret]
    fetch: https://fetch
    push:
      url: s3://push
      profile: pusher
      access_token: token
`);
  assert.deepEqual(mirror, {
    name: 'm',
    fetchUrl: 'https://fetch',
    pushUrl: 's3://push',
    source: false,
    binary: true,
    signed: false,
    fetchConnection: {
      accessPair: { id: 'id', secret: 'secret' },
      profile: 'common',
      endpointUrl: 'https://minio',
    },
    pushConnection: {
      accessPair: { id: 'id', secret: 'secret' },
      accessToken: 'token',
      profile: 'pusher',
      endpointUrl: 'https://minio',
    },
  });
});

test('parseMirrorsConfig reads the forms of Spack 1.x', async () => {
  const [first, second] = await parse(`
mirrors::
  m:
    autopush: true
    view: v
    fetch:
      url: oci://ghcr.io/x/y
      access_pair: {id_variable: U, secret_variable: P}
      access_token_variable: T
    push: {url: oci://ghcr.io/x/y, access_pair: {id: me, secret_variable: P}}
  "n:": {fetch: https://n}
`);
  assert.deepEqual(first?.fetchConnection, {
    accessPair: { idVariable: 'U', secretVariable: 'P' },
    accessTokenVariable: 'T',
  });
  assert.deepEqual(first?.pushConnection, { accessPair: { id: 'me', secretVariable: 'P' } });
  assert.deepEqual([first?.fetchView, first?.pushView, second?.fetchView], ['v', 'v', undefined]);
  assert.deepEqual([second?.name, second?.fetchUrl, second?.pushUrl], ['n', 'https://n', undefined]);
});

test('parseMirrorsConfig makes paths absolute, relative to the file, with variables', async () => {
  const environment = { HOME: '/home/me', USER: 'not-asked', DATA: '/data' };
  const variables = { spackPrefix: '/opt/spack', environment };
  const mirrors = await parse(
    `mirrors:
  a: ../caches/a b
  b: /abs
  c: ~/c
  d: $spack/d
  e: \${DATA}/$user/$unknown
  f: nope://x
  g: file:///g
  h: oci+http://h
`,
    variables,
  );
  assert.deepEqual(
    mirrors.map(({ fetchUrl }) => fetchUrl),
    [
      'file:///etc/caches/a%20b',
      'file:///abs',
      'file:///home/me/c',
      'file:///opt/spack/d',
      `file:///data/${userInfo().username}/$unknown`,
      'file:///etc/spack/nope:/x',
      'file:///g',
      'oci+http://h',
    ],
  );
});

test('parseMirrorsConfig accepts files without mirrors', async () => {
  for (const text of ['', '# nothing\n', 'mirrors:\n', 'mirrors: {}\n', 'config: {}\n'])
    assert.deepEqual(await parse(text), []);
});

test('parseMirrorsConfig names file and key of what it cannot use', async () => {
  const cases: readonly (readonly [text: string, key: string | undefined])[] = [
    ['mirrors: [a]', 'mirrors'],
    ['mirrors: {m: 5}', 'mirrors:m'],
    ['mirrors: {m: {}}', 'mirrors:m'],
    ['mirrors: {m: {push: https://x}}', 'mirrors:m'],
    ['mirrors: {m: {url: [x]}}', 'mirrors:m:url'],
    ['mirrors: {m: {url: ""}}', 'mirrors:m:url'],
    ['mirrors: {m: {fetch: [x]}}', 'mirrors:m:fetch'],
    ['mirrors: {m: {url: https://x, signed: "no"}}', 'mirrors:m:signed'],
    ['mirrors: {m: {url: https://x, access_pair: [hunter2]}}', 'mirrors:m:access_pair'],
    ['mirrors: {m: {url: https://x, access_token: 5}}', 'mirrors:m:access_token'],
    ['mirrors: {[1]: x}', 'mirrors'],
    ['- a', ''],
    ['mirrors: {m: https://x', undefined],
    ['mirrors:\n  m: a\n  m: b\n', undefined],
    ['mirrors: *missing', undefined],
    [
      `a0: &a0 [x]\n${Array.from({ length: 30 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i}, `.repeat(9)}]`).join('\n')}`,
      undefined,
    ],
  ];
  for (const [text, key] of cases) {
    await assert.rejects(parse(text), (error: unknown) => {
      assert.ok(error instanceof UsageError && error.code === 'config', `${text}: ${error}`);
      assert.ok(error.message.includes(FILE), error.message);
      assert.equal(error.data.key, key, text);
      assert.ok(!JSON.stringify([error.message, error.data]).includes('hunter2'));
      return true;
    });
  }
});

test('parseMirrorsConfig reads views, of a mirror and of a direction', async () => {
  const mirrors = await parse(`
mirrors:
  a: {url: https://x, view: one, push: {url: https://y, view: two/three}}
  b: {url: https://x, fetch: {url: https://x, view: one}}
  c: {url: https://x, view: ""}
`);
  assert.deepEqual(
    mirrors.map(({ fetchView, pushView }) => [fetchView, pushView]),
    [
      ['one', 'two/three'],
      ['one', undefined],
      [undefined, undefined],
    ],
  );
  const resolved = resolveMirrors(['a', 'c'], mirrors);
  assert.deepEqual(
    resolved.map(({ url, view }) => [url, view]),
    [
      ['https://x', 'one'],
      ['https://x', undefined],
    ],
  );
});

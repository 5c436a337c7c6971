import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { runHere } from '../../helpers/program-run.js';
import { checkCode } from '../../helpers/publish-place.js';
import { temporaryFolder } from '../../store/temporary-folder.js';

function place(context: TestContext, files: Readonly<Record<string, string>> = {}) {
  const folder = temporaryFolder(context);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  const environment = 'spack/etc/spack/mirrors.yaml' in files ? { SPACK_ROOT: join(folder, 'spack') } : {};
  const file = join(folder, 'config/regraft/mirrors.yaml');
  return {
    folder,
    file,
    text: () => readFileSync(file, 'utf8'),
    mirror: (...args: readonly string[]) => runHere(['mirror', ...args], { folder, environment }),
  };
}

test('regraft mirror add, set, list and remove work on the file of the user', async (context) => {
  const { file, text, mirror } = place(context);
  assert.match((await mirror('list')).out, /^no mirrors are configured\n$/);
  const added = await mirror('add', 'm', 's3://b/p', '--unsigned', '--s3-endpoint-url', 'http://e:9000');
  assert.equal(added.out, `added m to ${file}\n`);
  await mirror('set', 'm', '--s3-access-key-id-variable', 'I', '--s3-access-key-secret-variable', 'S');
  assert.equal(
    text(),
    `mirrors:
  m:
    url: s3://b/p
    signed: false
    endpoint_url: http://e:9000
    access_pair:
      id_variable: I
      secret_variable: S
`,
  );
  assert.equal((await mirror('list')).out, `m  s3://b/p [unsigned, login of $I, $S]\n   regraft: ${file}\n`);
  const [listed] = JSON.parse((await mirror('list', '--json')).out).mirrors;
  assert.deepEqual(
    [listed.name, listed.url, listed.signed, listed.scope, listed.isOverridden],
    ['m', 's3://b/p', false, 'regraft', false],
  );
  await mirror(
    'set',
    'm',
    '--id',
    '',
    '--secret-variable',
    '',
    '--signed',
    '--url',
    'cache',
    '--endpoint-url',
    '',
  );
  assert.match(text(), new RegExp(`^mirrors:\n  m:\n    url: ${process.cwd()}/cache\n    signed: true\n$`));
  assert.equal((await mirror('remove', 'm')).exitCode, 0);
  checkCode(await mirror('remove', 'm'), 2, 'unknown-mirror');
});

test('regraft mirror takes secrets from files, and shows them nowhere', async (context) => {
  const { folder, file, text, mirror } = place(context, { secret: 'hunter2\n', token: 'hunter3' });
  const secret = join(folder, 'secret');
  await mirror('add', 'a', 'https://h', '--id', 'me', '--secret-file', secret);
  await mirror('add', 'b', 'https://h', '--token-file', join(folder, 'token'));
  assert.match(text(), /secret: hunter2\n/);
  assert.match(text(), /access_token: hunter3\n/);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  for (const args of [['list'], ['list', '--json'], ['set', 'a', '--view', 'v', '--json']]) {
    const { out, err } = await mirror(...args);
    assert.doesNotMatch(out + err, /hunter/, args.join(' '));
  }
});

test('regraft mirror list tells the scope of each mirror, and which ones nobody uses', async (context) => {
  const { folder, mirror } = place(context, {
    'config/regraft/mirrors.yaml': 'mirrors: {a: https://ours}',
    'spack/etc/spack/defaults/mirrors.yaml':
      'mirrors: {d: https://default, c: {url: https://c, signed: false}}',
    'spack/etc/spack/mirrors.yaml': 'mirrors: {c: {url: https://c, binary: false}, a: https://site}',
    '.spack/mirrors.yaml': 'mirrors: {"d:": https://user}',
  });
  const { mirrors } = JSON.parse((await mirror('list', '--json')).out);
  const facts = mirrors.map(
    (each: { name: string; scope: string; url: string; files: string[]; isOverridden: boolean }) => [
      each.name,
      each.scope,
      each.url,
      each.files.map((file) => file.replace(`${folder}/`, '')),
      each.isOverridden,
    ],
  );
  const [defaults, site, user] = ['spack/etc/spack/defaults', 'spack/etc/spack', '.spack'].map(
    (each) => `${each}/mirrors.yaml`,
  );
  assert.deepEqual(facts, [
    ['a', 'regraft', 'https://ours', ['config/regraft/mirrors.yaml'], false],
    ['d', 'user', 'https://user', [user], false],
    ['c', 'site', 'https://c', [site, defaults], false],
    ['a', 'site', 'https://site', [site], true],
    ['d', 'defaults', 'https://default', [defaults], true],
  ]);
  const added = await mirror('add', 'c', 'https://mine');
  assert.match(added.err, /takes the place of the mirror "c" in/);
  checkCode(await mirror('set', 'd', '--view', 'v'), 2, 'unknown-mirror');
  checkCode(await mirror('remove', 'd'), 2, 'unknown-mirror');
});

test('regraft mirror refuses what cannot be meant, and changes nothing then', async (context) => {
  const { text, mirror } = place(context, {
    'config/regraft/mirrors.yaml': 'mirrors: {m: https://m}\n',
    two: 'a\nb\n',
  });
  const cases: readonly (readonly [args: readonly string[], code: string, words: RegExp])[] = [
    [['add', 'm', 'https://x'], 'mirror-name', /mirror set m/],
    [['add', 'a b', 'https://x'], 'mirror-name', /letters/],
    [['add', 'x', 'htps://x'], 'mirror-protocol', /Did you mean "https:"/],
    [['add', 'x', 'zzzz://x'], 'mirror-protocol', /one of: file:/],
    [['add', 'x', 'https://'], 'mirror-protocol', /cannot be parsed/],
    [['add', 'x', 'https://me:hunter2@x'], 'usage', /--secret-variable/],
    [['add', 'x', ''], 'config', /./],
    [['set', 'm'], 'usage', /no flag/],
    [['set', 'n', '--view', 'v'], 'unknown-mirror', /Did you mean "m"/],
    [['set', 'm', '--signed', '--unsigned'], 'usage', /--unsigned/],
    [['set', 'm', '--id', 'i'], 'usage', /half of a login/],
    [['set', 'm', '--secret-variable', 'S'], 'usage', /half of a login/],
    [['set', 'm', '--id', 'i', '--secret-file', '/not-there'], 'usage', /does not exist/],
    [['set', 'm', '--token-variable', 'T', '--token-file', 'x'], 'usage', /--token-file/],
  ];
  for (const [args, code, words] of cases) {
    const result = await mirror(...args);
    checkCode(result, 2, code);
    assert.match(result.err, words, args.join(' '));
    assert.doesNotMatch(result.err, /hunter2/);
  }
  assert.equal(text(), 'mirrors: {m: https://m}\n');
});

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { parseMirrorsConfig } from '../../src/config/mirrors-config.js';
import { resolveMirrors } from '../../src/config/resolve-mirrors.js';
import { UsageError } from '../../src/core/errors.js';
import { resolvePushMirror } from '../../src/mirror/push-mirror.js';
import { temporaryFolder } from '../mirror/temporary-folder.js';

const FILE = '/etc/spack/mirrors.yaml';
const parse = async (text: string, variables = {}) => parseMirrorsConfig(text, FILE, variables);

test('resolveMirrors: no reference means all binary mirrors', async () => {
  const configured = await parse(
    'mirrors:\n  s: {url: https://s, binary: false}\n  b: {url: https://b, signed: false}\n',
  );
  assert.deepEqual(resolveMirrors([], configured), [
    { name: 'b', url: 'https://b', signed: false, connection: {} },
  ]);
  assert.deepEqual(
    resolveMirrors(['s'], configured).map(({ url }) => url),
    ['https://s'],
  );
});

test('resolveMirrors: names, URLs and paths', async (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'cache'));
  const configured = await parse(
    `mirrors:\n  mine: {url: https://mine/, signed: false}\n  local: ${folder}/cache\n`,
  );
  assert.deepEqual(
    resolveMirrors(['https://mine', 'mine', 'https://other', `${folder}/cache/`, './not-there'], configured),
    [
      { name: 'mine', url: 'https://mine/', signed: false, connection: {} },
      { name: undefined, url: 'https://other', signed: true, connection: {} },
      { name: 'local', url: pathToFileURL(join(folder, 'cache')).href, signed: true, connection: {} },
      {
        name: undefined,
        url: pathToFileURL(join(process.cwd(), 'not-there')).href,
        signed: true,
        connection: {},
      },
    ],
  );
});

test('resolveMirrors refuses a word that is neither a name nor a folder', async () => {
  const configured = await parse('mirrors: {mine: https://mine}');
  assert.throws(
    () => resolveMirrors(['mien'], configured),
    (error: UsageError) => error.code === 'unknown-mirror' && /mine/.test(error.hint ?? ''),
  );
  assert.equal(resolveMirrors(['src'], configured)[0]?.url, pathToFileURL(join(process.cwd(), 'src')).href);
});

test('resolveMirrors fails for a mirror that only Spack can find, naming file, key and variable', async () => {
  const configured = await parse(
    `mirrors:
  a: {url: https://a}
  b: {fetch: https://b, push: "/x/$arch"}
  c: {fetch: {url: "$target/c"}, push: https://c, binary: false}
`,
  );
  const refusal = (key: string, variable: string) => (error: unknown) => {
    assert.ok(error instanceof UsageError && error.code === 'config', String(error));
    assert.deepEqual(error.data, { file: FILE, key, variable });
    return true;
  };
  assert.deepEqual(
    resolveMirrors([], configured).map(({ url }) => url),
    ['https://a', 'https://b'],
  );
  assert.throws(() => resolveMirrors(['c'], configured), refusal('mirrors:c:fetch:url', '$target'));
  assert.equal(resolvePushMirror('a', configured).url, 'https://a');
  assert.equal(resolvePushMirror('c', configured).url, 'https://c');
  assert.throws(() => resolvePushMirror('b', configured), refusal('mirrors:b:push', '$arch'));
});

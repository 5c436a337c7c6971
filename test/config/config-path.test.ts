import assert from 'node:assert/strict';
import { machine, userInfo } from 'node:os';
import { test } from 'node:test';
import { type ConfigPath, expandConfigPath, type PathVariables } from '../../src/config/config-path.js';
import { parseMirrorsConfig } from '../../src/config/mirrors-config.js';
import { resolveMirrors } from '../../src/config/resolve-mirrors.js';
import { UsageError } from '../../src/core/errors.js';

const FILE = '/etc/spack/mirrors.yaml';
const VARIABLES: PathVariables = {
  spackPrefix: '/opt/spack',
  homeFolder: '/home/me',
  environment: { HOME: '/home/me', USER: 'not-asked', TMPDIR: '/scratch', DATA: '/data', data: '/lower' },
};

function expand(path: string, variables = VARIABLES): string {
  const place: ConfigPath = { path, file: FILE, key: 'mirrors:m' };
  return expandConfigPath(place, variables);
}

/** The long form of a variable. */
function braced(name: string): string {
  return `\${${name}}`;
}

const user = userInfo().username;
const rootHome = process.platform === 'darwin' ? '/var/root' : '/root';
const date = /^\/x\/\d{4}-\d\d-\d\d$/;

/** What Spack's `canonicalize_path` makes of a path, and what the two readers before this one made of it where they differed. */
const CASES: readonly (readonly [path: string, expanded: string, formerly?: string])[] = [
  ['/abs', '/abs'],
  ['rel/./a/../b/', '/etc/spack/rel/b'],
  ['~', '/home/me'],
  ['~/c', '/home/me/c'],
  ['~root/c', `${rootHome}/c`, 'it stayed'],
  ['~nobody-of-this-name/c', '/etc/spack/~nobody-of-this-name/c'],
  ['/x/$env', '/x/$env', 'it was refused'],
  ['/x/$target_family', `/x/${machine() === 'arm64' ? 'aarch64' : machine()}`, 'it was refused'],
  ['/x~/y', '/x~/y'],
  ['$spack/d', '/opt/spack/d'],
  [`${braced('spack')}/d`, '/opt/spack/d'],
  ['$SPACK/d', '/opt/spack/d', 'of mirrors: "$SPACK" stayed'],
  [`${braced('Spack')}/d`, '/opt/spack/d', 'of mirrors: it stayed'],
  ['/x/$user', `/x/${user}`, 'of mirrors: "$USER" counted, not the effective user'],
  ['/x/$USER', `/x/${user}`, 'of mirrors: "$USER" counted, not the effective user'],
  ['$tempdir/a', '/scratch/a', 'of the store: the folder of this process, whatever environment was given'],
  ['$user_cache_path/t', '/home/me/.spack/t'],
  ['/x/$platform', `/x/${process.platform}`, 'of mirrors: it stayed'],
  ['/x/$DATA', '/x/data'],
  ['$data', '/lower'],
  ['$DATA/$unknown', '/data/$unknown'],
  ['$DATAx', '/etc/spack/$DATAx'],
];

for (const [path, expanded, formerly] of CASES) {
  test(`expandConfigPath: "${path}"${formerly === undefined ? '' : ` (${formerly})`}`, async () => {
    assert.equal(expand(path), expanded);
    const [mirror] = await parseMirrorsConfig(`mirrors: {m: "${path}"}`, FILE, VARIABLES);
    assert.equal(decodeURIComponent(new URL(mirror?.fetchUrl ?? '').pathname), expanded);
  });
}

test('expandConfigPath takes the cache folder of the user from the environment, and knows today', () => {
  const environment = { SPACK_USER_CACHE_PATH: '~/cache' };
  assert.equal(expand('$user_cache_path', { ...VARIABLES, environment }), '/home/me/cache');
  assert.match(expand('/x/$date'), date);
  assert.equal(expand('$spack/a', { environment: { SPACK_ROOT: '/s' } }), '/s/a');
  assert.equal(expand('$spack/a', { environment: {} }), '/etc/spack/$spack/a');
});

test('expandConfigPath refuses what only Spack can fill in; a mirror keeps it, and fails when it is used', async () => {
  for (const name of ['arch', 'target', 'Architecture']) {
    for (const variable of [`$${name}`, braced(name)]) {
      const isRefused = (error: unknown): boolean =>
        error instanceof UsageError &&
        error.code === 'config' &&
        error.message === `Cannot use "mirrors:m" of "${FILE}": only Spack can expand "${variable}"`;
      assert.throws(() => expand(`/x/${variable}`), isRefused);
      const text = `mirrors: {m: "/x/${variable}", other: "https://other"}`;
      const mirrors = await parseMirrorsConfig(text, FILE, VARIABLES);
      assert.equal(mirrors[0]?.fetchUrl, `/x/${variable}`);
      assert.throws(() => resolveMirrors(['m'], mirrors), isRefused);
      assert.throws(() => resolveMirrors([], mirrors), isRefused);
      assert.equal(resolveMirrors(['other'], mirrors)[0]?.url, 'https://other');
    }
  }
});

import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { spackScopes } from '../../../src/config/scopes/spack-scopes.js';
import { UsageError } from '../../../src/core/errors.js';
import { temporaryFolder } from '../../store/temporary-folder.js';

/** Writes files, and names the scopes of the Spack in `spack`; their paths are relative to the folder. */
function scopesOf(context: TestContext, files: Readonly<Record<string, string>>, environment: object = {}) {
  const folder = temporaryFolder(context);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text.replaceAll('@', folder));
  }
  const entries = Object.entries(environment).map(([key, value]) => [
    key,
    String(value).replaceAll('@', folder),
  ]);
  const scopes = spackScopes({
    spackPrefix: join(folder, 'spack'),
    homeFolder: join(folder, 'home'),
    environment: { SPACK_SYSTEM_CONFIG_PATH: join(folder, 'system'), ...Object.fromEntries(entries) },
  });
  return scopes.map(({ name, path }) => `${name.replace(folder, '')} ${path.replace(`${folder}/`, '')}`);
}

const { platform } = process;
const OLD = { 'spack/lib/spack/spack/__init__.py': '__version__ = "0.22.2"\n' };
const NEW = {
  'spack/lib/spack/spack/__init__.py': '__version__ = "1.1.0"\n',
  'spack/etc/spack/defaults/include.yaml': `include:
  - {path: "\${platform}", optional: true}
  - path: base
`,
  'spack/etc/spack/defaults/base/config.yaml': 'config: {}',
  'spack/etc/spack/include.yaml': `include:
  - name: user
    path_override_env_var: SPACK_USER_CONFIG_PATH
    path: "~/.spack"
    optional: true
    when: '"SPACK_DISABLE_LOCAL_CONFIG" not in env'
  - {name: site, path: $spack/etc/spack/site, optional: true}
  - name: system
    path_override_env_var: SPACK_SYSTEM_CONFIG_PATH
    path: /etc/spack
    optional: true
    when: '"SPACK_DISABLE_LOCAL_CONFIG" not in env'
`,
  'home/.spack/config.yaml': '',
  'system/config.yaml': '',
  'spack/etc/spack/site/config.yaml': '',
};

test('spackScopes before 1.1: a fixed order, each scope with a folder of the platform', (context) => {
  const both = (name: string, path: string) => [`${name} ${path}`, `${name}/${platform} ${path}/${platform}`];
  const defaults = both('defaults', 'spack/etc/spack/defaults');
  const site = both('site', 'spack/etc/spack');
  assert.deepEqual(scopesOf(context, OLD), [
    ...defaults,
    ...both('system', 'system'),
    ...site,
    ...both('user', 'home/.spack'),
  ]);
  assert.deepEqual(
    scopesOf(context, OLD, { SPACK_USER_CONFIG_PATH: '@/mine' }).slice(-2),
    both('user', 'mine'),
  );
  assert.deepEqual(scopesOf(context, OLD, { SPACK_DISABLE_LOCAL_CONFIG: '' }), [...defaults, ...site]);
});

test('spackScopes since 1.1: what the files of the Spack include; its own folder is the strongest', (context) => {
  const defaults = ['defaults:base spack/etc/spack/defaults/base', 'defaults spack/etc/spack/defaults'];
  const site = 'site spack/etc/spack/site';
  const own = 'spack spack/etc/spack';
  assert.deepEqual(scopesOf(context, NEW), [...defaults, 'system system', site, 'user home/.spack', own]);
  assert.deepEqual(scopesOf(context, NEW, { SPACK_DISABLE_LOCAL_CONFIG: '' }), [...defaults, site, own]);
});

test('spackScopes follows includes of scopes, of files, and of an active environment', (context) => {
  const files = {
    ...NEW,
    'home/.spack/include.yaml': 'include: [more, {path: one.yaml, name: one}, {path: gone, optional: true}]',
    'home/.spack/more/config.yaml': '',
    'home/.spack/one.yaml': 'config: {}\ninclude: [more]\n',
    'e/spack.yaml': 'spack: {include: [cfg]}',
    'e/cfg/mirrors.yaml': '',
  };
  assert.deepEqual(scopesOf(context, files, { SPACK_ENV: '@/e' }).slice(4), [
    'one:more home/.spack/more',
    'one home/.spack/one.yaml',
    'user:more home/.spack/more',
    'user home/.spack',
    'spack spack/etc/spack',
    'env:/e:cfg e/cfg',
    'env:/e e/spack.yaml',
  ]);
  const isolated = { ...files, 'e/spack.yaml': "spack: {'include:': [cfg]}" };
  assert.deepEqual(scopesOf(context, isolated, { SPACK_ENV: '@/e' }), [
    'defaults:base spack/etc/spack/defaults/base',
    'defaults spack/etc/spack/defaults',
    'env:/e:cfg e/cfg',
    'env:/e e/spack.yaml',
  ]);
});

test('spackScopes finds what Spack has downloaded, and names what it has not', (context) => {
  const include = (text: string) => ({ ...NEW, 'home/.spack/include.yaml': `include: [${text}]` });
  const remote = '{path: "https://host/a/mirrors.yaml", sha256: abc}';
  const git = '{git: "https://host/r.git", branch: b, paths: [cfg]}';
  const cached = {
    ...include(`${remote}, ${git}`),
    'cache/includes/abc/mirrors.yaml': '',
    // The last 7 characters of the SHA-1 in base32.
    'cache/includes/bl2y5fb/cfg/mirrors.yaml': '',
  };
  const names = scopesOf(context, cached, { SPACK_USER_CACHE_PATH: '@/cache' });
  assert.deepEqual(names.filter((name) => name.includes('cache/')).length, 2, names.join('\n'));
  for (const text of [
    remote,
    git,
    'gone',
    '{path: "https://host/x"}',
    'https://host/x',
    '{when: "1 < 2", path: more}',
  ]) {
    assert.throws(
      () => scopesOf(context, include(text)),
      (error) =>
        error instanceof UsageError && error.code === 'config' && error.message.includes('include.yaml'),
      text,
    );
  }
});

test('spackScopes refuses includes that lead to each other', (context) => {
  const files = {
    ...NEW,
    'home/.spack/include.yaml': 'include: [a.yaml]',
    'home/.spack/a.yaml': 'include: [a.yaml]',
  };
  assert.throws(
    () => scopesOf(context, files),
    (error) => error instanceof UsageError && /lead to each other/.test(error.message),
  );
});

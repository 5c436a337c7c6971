import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { UsageError, type UsageErrorCode } from '../../src/core/errors.js';
import {
  resolveStoreConfig,
  type StoreConfig,
  type StoreConfigRequest,
} from '../../src/store/store-config.js';
import { temporaryFolder } from './temporary-folder.js';

const DEFAULTS = 'spack/etc/spack/defaults/config.yaml';
const SITE = 'spack/etc/spack/config.yaml';
const USER = 'home/.spack/config.yaml';

type Files = Readonly<Record<string, string>>;

/** A Spack and a home with some configuration files. */
function machine(context: TestContext, files: Files) {
  const folder = temporaryFolder(context);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  const environment = {
    SPACK_ROOT: join(folder, 'spack'),
    SPACK_SYSTEM_CONFIG_PATH: join(folder, 'system'),
    HOME: join(folder, 'home'),
  };
  const configure = (
    request: StoreConfigRequest = {},
    more: Record<string, string | undefined> = {},
  ): StoreConfig => resolveStoreConfig({ ...request, environment: { ...environment, ...more } });
  return { folder, configure };
}

/** The long form of a variable. */
function braced(name: string): string {
  return `\${${name}}`;
}

function hasCode(code: UsageErrorCode, ...texts: readonly string[]): (error: unknown) => boolean {
  return (error) =>
    error instanceof UsageError && error.code === code && texts.every((text) => error.message.includes(text));
}

test('resolveStoreConfig takes the root from the command line', (context) => {
  const { folder, configure } = machine(context, {
    [DEFAULTS]: 'config: {install_tree: {root: /spack/tree}}',
  });
  const config = configure({ root: '/x/../opt/', projection: '{name}', upstreams: ['/up/'] });
  assert.equal(config.source, 'option');
  assert.equal(config.root, '/opt');
  assert.equal(config.unpaddedRoot, '/opt');
  assert.deepEqual(config.projections, [['all', '{name}']]);
  assert.deepEqual(config.upstreams, ['/up']);
  assert.equal(config.spackPrefix, join(folder, 'spack'));
  assert.equal(configure({ root: '/opt' }).projections, undefined);
});

test('resolveStoreConfig pads the root from the command line', (context) => {
  const { configure } = machine(context, {});
  const config = configure({ root: '/opt', paddedLength: 64 });
  assert.equal(config.root.length, 64);
  assert.equal(config.unpaddedRoot, '/opt');
  assert.equal(configure({ root: config.root }).unpaddedRoot, '/opt');
  assert.throws(() => configure({ root: '/opt', paddedLength: 5 }), hasCode('padding'));
  assert.throws(() => configure({ root: '/opt', paddedLength: 3 }), hasCode('padding'));
  assert.throws(() => configure({ root: '' }), hasCode('usage'));
});

test('resolveStoreConfig falls back to a tree of our own', () => {
  const environment = { HOME: '/home/me' };
  assert.equal(resolveStoreConfig({ environment }).root, '/home/me/.local/share/regraft/opt');
  const config = resolveStoreConfig({ environment: { ...environment, XDG_DATA_HOME: '/data' } });
  assert.equal(config.root, '/data/regraft/opt');
  assert.equal(config.source, 'default');
  assert.equal(config.spackPrefix, undefined);
});

test('resolveStoreConfig reads the tree of the Spack in $SPACK_ROOT', (context) => {
  const { folder, configure } = machine(context, {
    [DEFAULTS]: `
config:
  install_tree:
    root: $spack/opt/spack
    projections:
      all: "{architecture}/{name}-{hash}"
  install_hash_length: 9
  allow_sgid: false
  locks: true
  db_lock_timeout: 60
  package_lock_timeout: null
`,
  });
  const config = configure();
  assert.equal(config.source, 'spack');
  assert.equal(config.root, join(folder, 'spack', 'opt', 'spack'));
  assert.equal(config.unpaddedRoot, config.root);
  assert.deepEqual(config.projections, [['all', '{architecture}/{name}-{hash}']]);
  assert.equal(config.hashLength, 9);
  assert.equal(config.allowSetGroupId, false);
  assert.equal(config.noLock, false);
  assert.deepEqual(config.lockTimeouts, { database: 60_000 });
  assert.equal(configure({ projection: '{name}' }).projections?.[0]?.[1], '{name}');
  assert.equal(configure({ spackPrefix: '/elsewhere' }).spackPrefix, '/elsewhere');
});

test('resolveStoreConfig knows where a Spack without configuration has its tree', (context) => {
  const { folder, configure } = machine(context, {});
  assert.equal(configure().root, join(folder, 'spack', 'opt', 'spack'));
  assert.equal(configure().projections, undefined);
  assert.deepEqual(configure().permissions, {});
});

test('resolveStoreConfig merges the scopes, the stronger ones first', (context) => {
  const { folder, configure } = machine(context, {
    [DEFAULTS]:
      'config: {install_tree: {root: /defaults, projections: {all: a, zlib: old, last: z}}, locks: true}',
    [`spack/etc/spack/defaults/${process.platform}/config.yaml`]: 'config: {allow_sgid: false}',
    'system/config.yaml': 'config: {install_tree: {root: /system}}',
    [SITE]: 'config: {install_tree: {projections: {zlib: new}}}',
    [USER]: 'config: {install_tree: {root: ~/tree}, locks: false}',
  });
  const config = configure();
  assert.equal(config.root, join(folder, 'home', 'tree'));
  assert.deepEqual(config.projections, [
    ['zlib', 'new'],
    ['all', 'a'],
    ['last', 'z'],
  ]);
  assert.equal(config.noLock, true);
  assert.equal(config.allowSetGroupId, false);
  assert.equal(configure({}, { SPACK_DISABLE_LOCAL_CONFIG: '1' }).root, '/defaults');
  assert.equal(configure({}, { SPACK_USER_CONFIG_PATH: join(folder, 'none') }).root, '/system');
});

test('resolveStoreConfig lets "::" replace what weaker scopes say', (context) => {
  const { configure } = machine(context, {
    [DEFAULTS]: 'config:\n  install_tree:\n    root: /defaults\n    projections: {all: a, zlib: old}\n',
    [USER]: 'config:\n  install_tree:\n    projections::\n      all: b\n',
  });
  assert.deepEqual(configure().projections, [['all', 'b']]);
  assert.equal(configure().root, '/defaults');
});

test('resolveStoreConfig expands paths as Spack does', (context) => {
  const cases: readonly (readonly [path: string, expected: (folder: string) => string])[] = [
    [`${braced('spack')}/a`, (folder) => `${folder}/spack/a`],
    ['$SPACK/a', (folder) => `${folder}/spack/a`],
    ['/x/$user/y', () => `/x/${userInfo().username}/y`],
    ['/x/$platform', () => `/x/${process.platform}`],
    ['$user_cache_path/t', (folder) => `${folder}/home/.spack/t`],
    ['/x/$MINE/$unknown', () => '/x/mine/$unknown'],
    ['relative/./tree/', (folder) => `${folder}/home/.spack/relative/tree`],
    ['~', (folder) => `${folder}/home`],
  ];
  for (const [path, expected] of cases) {
    const { folder, configure } = machine(context, { [USER]: `config: {install_tree: {root: "${path}"}}` });
    assert.equal(configure({}, { MINE: 'mine' }).root, expected(folder), path);
  }
  for (const path of ['/x/$arch', `/x/${braced('target')}`]) {
    const { configure } = machine(context, { [USER]: `config: {install_tree: {root: "${path}"}}` });
    assert.throws(() => configure(), hasCode('config', 'config:install_tree:root', USER));
  }
});

test('resolveStoreConfig pads as Spack does, also where the length cannot be reached', (context) => {
  const padded = (value: string) =>
    machine(context, { [USER]: `config: {install_tree: {root: /opt, padded_length: ${value}}}` });
  assert.equal(padded('64').configure().root.length, 64);
  assert.equal(padded('5').configure().root, '/opt/');
  assert.equal(padded('3').configure().root, '/opt');
  assert.equal(padded('false').configure().root, '/opt');
  assert.equal(padded('true').configure().root.length, process.platform === 'darwin' ? 724 : 3796);
  assert.equal(padded('true').configure().unpaddedRoot, '/opt');
  assert.equal(padded('100').configure({ paddedLength: 80 }).root.length, 80);
  for (const value of ['many', '1.5', '99999', '[1]'])
    assert.throws(() => padded(value).configure(), hasCode('config', 'padded_length', USER), value);
});

test('resolveStoreConfig understands trees as old Spacks had them', (context) => {
  const old = machine(context, {
    [USER]: 'config: {install_tree: "/opt$padding:40", install_path_scheme: "{name}"}',
  });
  assert.equal(old.configure().root.length, 40);
  assert.equal(old.configure().unpaddedRoot, '/opt');
  assert.deepEqual(old.configure().projections, [['all', '{name}']]);
  const { configure } = machine(context, {
    [USER]: `config: {install_tree: {root: "/opt/${braced('padding:50')}"}}`,
  });
  assert.equal(configure().root.length, 50);
});

test('resolveStoreConfig reads permissions and upstream stores', (context) => {
  const { folder, configure } = machine(context, {
    'spack/etc/spack/defaults/packages.yaml':
      'packages: {all: {providers: {mpi: [openmpi]}, permissions: {read: world, write: user}}, zlib: {version: [1]}}',
    'home/.spack/packages.yaml':
      'packages: {all: {permissions: {write: group, group: users}}, fftw: {permissions: {group: 100}}}',
    'spack/etc/spack/upstreams.yaml':
      'upstreams: {one: {install_tree: /one/opt, modules: {tcl: /x}}, none: {}}',
    'home/.spack/upstreams.yaml': 'upstreams: {two: {install_tree: $spack/../two}}',
  });
  const config = configure({ upstreams: ['/first'] });
  assert.deepEqual(config.permissions, {
    all: { read: 'world', write: 'group', group: 'users' },
    fftw: { group: '100' },
  });
  assert.deepEqual(config.upstreams, ['/first', join(folder, 'two'), '/one/opt']);
});

test('resolveStoreConfig names the file and the key that cannot be used', (context) => {
  const cases: readonly (readonly [file: string, text: string, ...texts: string[]])[] = [
    [USER, 'config: {install_tree: {root: 1}}', 'config:install_tree:root'],
    [USER, 'config: {install_tree: {projections: [a]}}', 'config:install_tree:projections'],
    [USER, 'config: {install_tree: {projections: {all: {}}}}', 'config:install_tree:projections:all'],
    [USER, 'config: {install_hash_length: 0}', 'install_hash_length'],
    [USER, 'config: {install_hash_length: x}', 'install_hash_length'],
    [USER, 'config: {allow_sgid: 1}', 'allow_sgid'],
    [USER, 'config: {db_lock_timeout: -1}', 'db_lock_timeout'],
    [USER, 'config: [', 'config.yaml'],
    [USER, '- a', 'mapping'],
    [USER, 'config: &a {x: *b}', 'config.yaml'],
    [USER, `${'['.repeat(20_000)}`, 'config.yaml'],
    [
      USER,
      `a: &a [x,x,x,x,x,x,x,x,x]\n${Array.from('bcdefghij', (key, index) => `${key}: &${key} [${Array(9).fill(`*${'abcdefghij'[index]}`).join()}]`).join('\n')}`,
      'config.yaml',
    ],
    ['home/.spack/packages.yaml', 'packages: []', 'packages'],
    ['home/.spack/packages.yaml', 'packages: {all: {permissions: [x]}}', 'packages:all:permissions'],
    [
      'home/.spack/packages.yaml',
      'packages: {all: {permissions: {read: nobody}}}',
      'packages:all:permissions:read',
    ],
    [
      'home/.spack/packages.yaml',
      'packages: {all: {permissions: {group: [x]}}}',
      'packages:all:permissions:group',
    ],
    ['home/.spack/upstreams.yaml', 'upstreams: {a: {install_tree: 1}}', 'upstreams:a:install_tree'],
    ['home/.spack/upstreams.yaml', 'upstreams: {a: b}', undefined as never],
  ];
  for (const [file, text, ...texts] of cases) {
    const { configure } = machine(context, { [file]: text });
    if (texts[0] === undefined) assert.deepEqual(configure().upstreams, []);
    else assert.throws(() => configure(), hasCode('config', file, ...texts), text.slice(0, 60));
  }
});

test('resolveStoreConfig names a file that it may not read', {
  skip: process.getuid?.() === 0 ? 'root may read everything' : false,
}, (context) => {
  const { folder, configure } = machine(context, { [USER]: 'config: {}' });
  chmodSync(join(folder, USER), 0);
  assert.throws(() => configure(), hasCode('config', USER));
});

test('resolveStoreConfig is not misled by names that every object has', (context) => {
  const { configure } = machine(context, {
    [USER]:
      'config: {__proto__: {locks: false}, constructor: 1, install_tree: {root: /opt, __proto__: {padded_length: 40}}}',
  });
  assert.equal(configure().noLock, false);
  assert.equal(configure().root, '/opt');
});

// What happens to every file of a package, listed or not, on trees that are staged in code.
import assert from 'node:assert/strict';
import { lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { readElf } from '../../../src/binfmt/elf/elf.js';
import type { PackagePermissions } from '../../../src/config/package-permissions.js';
import { sourceOfBytes } from '../../../src/core/byte-source.js';
import { runInstallHooks, settleRpaths } from '../../../src/operations/install/install-hooks.js';
import { permissionPolicy } from '../../../src/store/prefix/permissions.js';
import { PrefixView } from '../../../src/store/prefix/prefix-view.js';
import { buildElf } from '../../helpers/elf-builder.js';
import {
  addMembers,
  file,
  folder,
  hardlink,
  type MemberOf,
  newTree,
  safe,
  symlink,
} from '../../helpers/staged-members.js';
import { temporaryFolder } from '../../store/temporary-folder.js';

const SBANG = '/store/bin/sbang';
const LONG = `/${'very/long/'.repeat(20)}bin`;

interface Options {
  readonly permissions?: PackagePermissions;
  readonly isElfPlatform?: boolean;
  readonly groupId?: number;
  readonly isAhead?: boolean;
}

/** Runs the hooks over a package that will be at `<folder>/store/pkg`. */
function hooked(test: TestContext, members: readonly MemberOf[], options: Options = {}) {
  const top = temporaryFolder(test);
  const prefix = join(top, 'store', 'pkg');
  mkdirSync(join(top, 'store', 'dep', 'lib'), { recursive: true });
  const policy = permissionPolicy({ packageName: 'pkg', permissions: options.permissions ?? {} });
  const { fileMode } = {
    fileMode: (mode: number) => (mode & 0o111 ? policy.fileBits : policy.fileBits & ~0o111) | (mode & 0o7000),
  };
  const tree = newTree(top, { fileMode });
  const all = members.map((each) => ({
    ...each,
    path: `p/${each.path}`,
    ...(each.body === undefined ? {} : { body: inPlace(each.body, top) }),
  }));
  addMembers(tree, [folder('p'), ...all]);
  tree.rootAt(safe('p'));
  const stage = join(top, 'tree');
  const view = new PrefixView(prefix, stage);
  const { counts, unsettled } = runInstallHooks({
    tree,
    root: safe('p'),
    view: options.isElfPlatform === false ? undefined : view,
    isAhead: options.isAhead ?? false,
    sbang: { sbangPath: Buffer.from(SBANG), limit: 127 },
    permissions: policy,
    groupId: options.groupId,
  });
  const at = (name: string) => join(stage, name);
  const rpath = (name: string) => {
    const bytes = readFileSync(at(name));
    const value = readElf(sourceOfBytes(bytes))?.rpath?.value;
    return value === undefined ? undefined : Buffer.from(value).toString().replaceAll(top, 'TOP');
  };
  const settle = () => settleRpaths(unsettled, new PrefixView(prefix, stage));
  return {
    top,
    stage,
    counts,
    unsettled,
    settle,
    at,
    rpath,
    read: (name: string) => readFileSync(at(name), 'latin1'),
  };
}

function inPlace(body: string | Uint8Array, top: string): string | Uint8Array {
  return typeof body === 'string' && body.startsWith('RPATH ')
    ? buildElf({ rpath: body.slice('RPATH '.length).replaceAll('TOP', top) }).bytes
    : body;
}

describe('runInstallHooks and rpaths', () => {
  it('keep what is there or begins with a dollar, and drop the rest', (test) => {
    const entries = [
      'TOP/store/dep/lib',
      'TOP/store/dep/lib64',
      '$ORIGIN/../lib',
      'relative/lib',
      '',
      'TOP/store/pkg/lib',
      'TOP/store/pkg/lib64',
      '/usr',
      'TOP/store/pkg/own-link',
      'TOP/store/pkg/dangling',
    ];
    const { counts, rpath } = hooked(test, [
      folder('lib'),
      file('lib/a.so', `RPATH ${entries.join(':')}`),
      symlink('own-link', 'lib'),
      symlink('dangling', 'nowhere'),
    ]);
    assert.equal(
      rpath('lib/a.so'),
      'TOP/store/dep/lib:$ORIGIN/../lib:TOP/store/pkg/lib:/usr:TOP/store/pkg/own-link:TOP/store/pkg/dangling',
    );
    assert.equal(counts.droppedRpaths, 1);
  });

  it('see the own prefix through links from outside, as it will be', (test) => {
    const { rpath } = hooked(test, [
      folder('lib'),
      file('lib/a.so', 'RPATH TOP/store/to-pkg/lib:TOP/store/to-pkg/no'),
    ]);
    assert.equal(rpath('lib/a.so'), '', 'there is no such link');
    const linked = hooked(test, [
      folder('lib'),
      symlink('up', '../pkg'),
      file('lib/a.so', 'RPATH TOP/store/pkg/up/lib:TOP/store/pkg/up/no'),
    ]);
    assert.equal(linked.rpath('lib/a.so'), 'TOP/store/pkg/up/lib');
  });

  it('touch every ELF file, in .spack and man, too, each hard link group once', (test) => {
    const { counts, rpath } = hooked(test, [
      folder('.spack'),
      file('.spack/x', 'RPATH /nowhere/at/all'),
      folder('man'),
      file('man/y', 'RPATH /nowhere/at/all'),
      hardlink('man/z', 'p/man/y'),
    ]);
    assert.equal(counts.droppedRpaths, 2);
    assert.deepEqual([rpath('.spack/x'), rpath('man/y'), rpath('man/z')], ['', '', '']);
  });

  it('leave ELF files alone on other platforms, and other files everywhere', (test) => {
    const { counts, rpath } = hooked(test, [file('a', 'RPATH /nowhere')], { isElfPlatform: false });
    assert.deepEqual([counts.droppedRpaths, rpath('a')], [0, '/nowhere']);
    const broken = `\x7fELF${'\0'.repeat(40)}`;
    assert.equal(hooked(test, [file('b', broken)]).read('b'), broken);
  });
});

describe('runInstallHooks ahead of dependencies', () => {
  it('leave rpaths alone that may yet lead somewhere, and name their files for later', (test) => {
    const { top, at, counts, unsettled, settle, rpath } = hooked(
      test,
      [
        file('late', 'RPATH TOP/store/later/lib:TOP/store/never/lib:TOP/store/dep/lib'),
        file('settled', 'RPATH TOP/store/dep/lib'),
      ],
      { isAhead: true },
    );
    assert.deepEqual([counts.droppedRpaths, unsettled], [0, [Buffer.from(at('late')).toString('latin1')]]);
    assert.equal(rpath('late'), 'TOP/store/later/lib:TOP/store/never/lib:TOP/store/dep/lib');
    mkdirSync(join(top, 'store', 'later', 'lib'), { recursive: true });
    assert.equal(settle(), 1);
    assert.equal(rpath('late'), 'TOP/store/later/lib:TOP/store/dep/lib');
  });

  it('count no file whose rpaths all lead somewhere in the end, and keep special bits', (test) => {
    const { top, at, settle, rpath } = hooked(
      test,
      [
        file('kept', 'RPATH TOP/store/later/lib'),
        file('setuid', 'RPATH TOP/store/later/lib:/nowhere', 0o4755),
      ],
      { isAhead: true },
    );
    mkdirSync(join(top, 'store', 'later', 'lib'), { recursive: true });
    assert.equal(settle(), 1);
    assert.deepEqual([rpath('kept'), rpath('setuid')], ['TOP/store/later/lib', 'TOP/store/later/lib']);
    assert.equal(lstatSync(at('setuid')).mode & 0o7777, 0o4755);
  });
});

describe('runInstallHooks and sbang', () => {
  const script = (interpreter: string) => `#!${LONG}/${interpreter} -x\nbody\n`;

  it('put sbang before lines that are too long, in executable files', (test) => {
    const { counts, read } = hooked(test, [
      file('sh', script('sh'), 0o755),
      file('lua', script('lua'), 0o755),
      file('only-owner', script('sh'), 0o700),
      file('not-executable', script('sh'), 0o644),
      file('short', '#!/bin/sh\nbody\n', 0o755),
      file('no-script', LONG, 0o755),
    ]);
    assert.equal(counts.sbang, 3);
    assert.equal(read('sh'), `#!/bin/sh ${SBANG}\n#!${LONG}/sh -x\nbody\n`);
    assert.equal(read('lua'), `#!/bin/sh ${SBANG}\n--!${LONG}/lua -x\nbody\n`);
    assert.equal(read('only-owner').split('\n')[0], `#!/bin/sh ${SBANG}`);
    assert.equal(read('not-executable'), script('sh'));
    assert.equal(read('short'), '#!/bin/sh\nbody\n');
  });

  it('give every name of a hard link group its line, and leave nothing beside them', (test) => {
    const { read, stage } = hooked(test, [file('a', script('sh'), 0o755), hardlink('b', 'p/a')]);
    assert.equal(read('a'), read('b'));
    assert.ok(read('b').startsWith(`#!/bin/sh ${SBANG}\n#!${LONG}`));
    assert.deepEqual(readdirSync(stage).sort(), ['a', 'b']);
  });

  it('copy the rest of a large script', (test) => {
    const body = 'x'.repeat(3_000_000);
    const { read } = hooked(test, [file('a', script('sh') + body, 0o755)]);
    assert.ok(read('a') === `#!/bin/sh ${SBANG}\n${script('sh')}${body}`);
  });
});

describe('runInstallHooks and modes', () => {
  const members = [
    folder('d'),
    file('d/file', 'x', 0o600),
    file('d/tool', 'x', 0o711),
    file('d/setuid', '#!/bin/sh\n', 0o4711),
    file('d/setgid', 'x', 0o2644),
    file('long', `#!${LONG}\n`, 0o4755),
    symlink('link', 'd'),
  ];
  const modesOf = ({ at }: ReturnType<typeof hooked>, names: readonly string[]) =>
    names.map((name) => (lstatSync(at(name)).mode & 0o7777).toString(8));

  it('are 2755, 755 and 644, with the special bits that were there', (test) => {
    const result = hooked(test, members);
    const names = ['.', 'd', 'd/file', 'd/tool', 'd/setuid', 'd/setgid', 'long'];
    assert.deepEqual(modesOf(result, names), ['2755', '2755', '644', '755', '4755', '2644', '4755']);
  });

  it('are what the configuration says', (test) => {
    const permissions = { pkg: { read: 'group', write: 'group' } } as const;
    const plain = members.filter(({ mode = 0 }) => mode < 0o1000);
    const result = hooked(test, plain, { permissions });
    assert.deepEqual(modesOf(result, ['.', 'd', 'd/file', 'd/tool']), ['2770', '2770', '660', '770']);
  });

  it('survive a change of the group', (test) => {
    const groupId = process.getgid?.();
    if (groupId === undefined) return test.skip('there are no groups');
    const result = hooked(test, members, { groupId });
    assert.deepEqual(modesOf(result, ['d', 'd/tool', 'd/setuid', 'd/setgid']), [
      '2755',
      '755',
      '4755',
      '2644',
    ]);
    assert.equal(lstatSync(result.at('d/file')).gid, groupId);
  });

  it('of what a link leads to are none of its business', (test) => {
    const top = temporaryFolder(test);
    mkdirSync(join(top, 'outside'), { mode: 0o700 });
    symlinkSync('x', join(top, 'x'));
    const result = hooked(test, [symlink('out', join(top, 'outside'))]);
    assert.equal(lstatSync(join(top, 'outside')).mode & 0o7777, 0o700);
    assert.ok(lstatSync(result.at('out')).isSymbolicLink());
  });
});

import assert from 'node:assert/strict';
import {
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join, posix } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import fc from 'fast-check';
import { ArchiveError, BuildcacheError } from '../../../src/core/errors.js';
import type { StagedTree } from '../../../src/store/staging/staged-tree.js';
import {
  addMember,
  addMembers,
  checkTree,
  file,
  folder,
  hardlink,
  type MemberOf,
  newTree,
  pathsBelow,
  safe,
  symlink,
} from '../../helpers/staged-members.js';
import { temporaryFolder } from '../temporary-folder.js';

interface Staged {
  readonly tree: StagedTree;
  readonly top: string;
}

function stage(test: TestContext, members: readonly MemberOf[], root?: string, pieceSize?: number): Staged {
  const parent = temporaryFolder(test);
  const tree = newTree(parent);
  addMembers(tree, members, pieceSize);
  const top = join(parent, 'tree');
  if (root !== undefined) {
    tree.rootAt(safe(root));
    checkTree(tree, top, root);
  }
  assert.deepEqual(readdirSync(parent), ['tree'], 'nothing is beside the tree');
  return { tree, top };
}

const BUILDINFO = '.spack/binary_distribution';

describe('StagedTree puts the package root at the top of its folder', () => {
  const shapes: Readonly<Record<string, readonly MemberOf[]>> = {
    'layout 1: the prefix first': [
      folder('opt/x/p'),
      file('opt/x/p/README'),
      folder('opt/x/p/.spack'),
      file('opt/x/p/.spack/spec.json'),
      folder('opt/x/p/bin'),
      file('opt/x/p/bin/tool'),
      file(`opt/x/p/${BUILDINFO}`),
    ],
    'layout 2: its parents first': [
      folder('opt'),
      folder('opt/x'),
      folder('opt/x/p'),
      folder('opt/x/p/.spack'),
      file('opt/x/p/.spack/spec.json'),
      folder('opt/x/p/bin'),
      file('opt/x/p/bin/tool'),
      file(`opt/x/p/${BUILDINFO}`),
    ],
    'directories only, one in the other, before the first file': [
      folder('opt/x/p'),
      folder('opt/x/p/.a'),
      folder('opt/x/p/.a/b'),
      folder('opt/x/p/.a/b/c'),
      folder('opt/x/p/.spack'),
      file(`opt/x/p/${BUILDINFO}`),
    ],
    'a deep first directory, whose parents follow as directories': [
      folder('opt/x/p'),
      folder('opt/x/p/a/b/c'),
      folder('opt/x/p/z'),
      folder('opt/x/p/a/b'),
      folder('opt/x/p/a'),
      file('opt/x/p/a/b/f'),
      file(`opt/x/p/${BUILDINFO}`),
    ],
    'a deep first directory, whose parents nobody names': [
      folder('opt/x/p'),
      folder('opt/x/p/a/b/c'),
      file('opt/x/p/f'),
      file('opt/x/p/a/b/g'),
      file('opt/x/p/a/h'),
      file(`opt/x/p/${BUILDINFO}`),
    ],
    'parents after their children': [
      file(`opt/x/p/${BUILDINFO}`),
      file('opt/x/p/bin/tool'),
      folder('opt/x/p/bin'),
      folder('opt/x/p'),
      folder('opt/x'),
      folder('opt'),
    ],
    'the parent of the prefix before a file, the prefix after it': [
      folder('opt/x'),
      file('opt/x/p/f'),
      folder('opt/x/p'),
      file(`opt/x/p/${BUILDINFO}`),
    ],
    'a parent of the prefix in the middle': [
      folder('opt/x/p'),
      file('opt/x/p/f'),
      folder('opt'),
      file(`opt/x/p/${BUILDINFO}`),
      folder('opt/x'),
    ],
    'names with dots and doubled slashes': [
      folder('./opt//x/./p'),
      file('opt/x//p/f'),
      file(`./opt/x/p/${BUILDINFO}`),
    ],
    'everything twice': [
      folder('opt'),
      folder('opt/x/p'),
      folder('opt/x/p'),
      file('opt/x/p/f', 'first'),
      folder('opt/x/p'),
      file('opt/x/p/f', 'second'),
      folder('opt'),
      file(`opt/x/p/${BUILDINFO}`, 'old'),
      file(`opt/x/p/${BUILDINFO}`, 'new'),
    ],
  };
  for (const [name, members] of Object.entries(shapes)) {
    it(name, (test) => {
      const { tree, top } = stage(test, members, 'opt/x/p');
      for (const { path, body } of new Map(members.map((each) => [each.path, each])).values()) {
        if (body === undefined) continue;
        const below = posix.relative('opt/x/p', posix.normalize(path));
        assert.equal(readFileSync(join(top, below), 'latin1'), body, path);
      }
      const buildinfo = members.findLast(({ path }) => path.endsWith(BUILDINFO));
      assert.equal(tree.kept.get(safe(`opt/x/p/${BUILDINFO}`))?.toString(), buildinfo?.body);
    });
  }

  it('for every order of the members', (test) => {
    const members = [
      folder('o'),
      folder('o/p'),
      folder('o/p/.spack'),
      file('o/p/.spack/binary_distribution'),
      folder('o/p/a/b'),
      file('o/p/a/b/f'),
    ];
    const parent = temporaryFolder(test);
    for (const order of permutations(members)) {
      const own = mkdtempSync(join(parent, 'order-'));
      const tree = newTree(own);
      addMembers(tree, order);
      tree.rootAt(safe('o/p'));
      checkTree(tree, join(own, 'tree'), 'o/p');
      assert.deepEqual(pathsBelow(join(own, 'tree')), [
        '.spack',
        '.spack/binary_distribution',
        'a',
        'a/b',
        'a/b/f',
      ]);
      assert.deepEqual(readdirSync(own), ['tree']);
      rmSync(own, { recursive: true });
    }
  });

  it('and says which directories the archive lists', (test) => {
    const { tree } = stage(test, [folder('p'), file('p/a/b/f'), folder('p/a')], 'p');
    const listed = [...tree.members].map(([path, member]) => [
      path,
      member.kind === 'directory' && member.isListed,
    ]);
    assert.deepEqual(Object.fromEntries(listed), { p: true, 'p/a': true, 'p/a/b': false, 'p/a/b/f': false });
  });
});

function* permutations<Item>(items: readonly Item[]): Generator<Item[]> {
  if (items.length === 0) yield [];
  for (const [i, item] of items.entries())
    for (const rest of permutations(items.filter((_, other) => other !== i))) yield [item, ...rest];
}

describe('StagedTree and files', () => {
  it('writes bodies that come in pieces, and knows what they are', (test) => {
    const members = [
      folder('p'),
      file('p/elf', '\x7fELF and more'),
      file('p/script', '#!/bin/sh\n'),
      file('p/short', '#!'),
      file('p/shorter', '#'),
      file('p/almost', '\x7fEL'),
      file('p/text', 'text'),
      file('p/empty', ''),
      file('p/late', 'x\x7fELF'),
    ];
    const kinds = {
      'p/elf': 'elf',
      'p/script': 'script',
      'p/short': 'script',
      'p/shorter': 'other',
      'p/almost': 'other',
      'p/text': 'other',
      'p/empty': 'other',
      'p/late': 'other',
    };
    for (const pieceSize of [1, 2, 3, 4, 5, 100]) {
      const { tree, top } = stage(test, members, 'p', pieceSize);
      const found = [...tree.members].flatMap(([path, member]) =>
        member.kind === 'file' ? [[path, member.content]] : [],
      );
      assert.deepEqual(Object.fromEntries(found), kinds, `in pieces of ${pieceSize}`);
      assert.equal(readFileSync(join(top, 'elf'), 'latin1'), '\x7fELF and more');
      assert.equal(tree.writtenBytes, 38);
    }
  });

  it('gives exact modes and times, whatever the umask', (test) => {
    const before = process.umask();
    test.after(() => process.umask(before));
    for (const umask of [0, 0o022, 0o077, 0o177]) {
      process.umask(umask);
      const members = [0o644, 0o755, 0o600, 0o4755, 0o2755, 0o1777, 0o666, 0o444].map((mode) => ({
        ...file(`p/${mode.toString(8)}`, 'x', mode),
        mtime: 1000 + mode,
      }));
      const { top } = stage(test, [folder('p'), ...members], 'p');
      for (const { path, mode, mtime } of members) {
        const status = statSync(join(top, path.slice(2)));
        assert.equal(status.mode & 0o7777, mode, `${path} with umask ${umask.toString(8)}`);
        assert.equal(status.mtimeMs, mtime * 1000);
      }
    }
  });

  it('asks for the mode of every file', (test) => {
    const parent = temporaryFolder(test);
    const tree = newTree(parent, { fileMode: (mode) => (mode & 0o111 ? 0o750 : 0o640) });
    addMembers(tree, [folder('p'), file('p/a', 'x', 0o755), file('p/b', 'x', 0o644)]);
    assert.equal(statSync(tree.locate('p/a')).mode & 0o7777, 0o750);
    assert.equal(statSync(tree.locate('p/b')).mode & 0o7777, 0o640);
  });

  it('keeps the time of now for a file that was changed on its way', (test) => {
    const tree = newTree(temporaryFolder(test));
    tree.beginEntry({ path: 'f', type: 'file', mode: 0o644, mtime: 0, size: 1, linkPath: undefined });
    tree.write(Buffer.from('x'));
    tree.endEntry({ changed: true });
    assert.ok(statSync(tree.locate('f')).mtimeMs > 0);
  });

  it('replaces a file by a later one of its name', (test) => {
    const { tree, top } = stage(
      test,
      [folder('p'), file('p/f', 'first and longer', 0o755), file('p/f', 'second', 0o644)],
      'p',
    );
    assert.equal(readFileSync(join(top, 'f'), 'utf8'), 'second');
    const member = tree.members.get(safe('p/f'));
    assert.ok(member?.kind === 'file' && member.size === 6 && member.mode === 0o644);
  });

  it('replaces a symlink by a later one of its name', (test) => {
    const { top } = stage(test, [folder('p'), symlink('p/s', 'a'), symlink('p/s', 'b')], 'p');
    assert.equal(readlinkSync(join(top, 's')), 'b');
  });

  it('keeps names that are not UTF-8 byte for byte', (test) => {
    const names = ['caf\xe9', '\xff\xfe', 'na\xc3\xafve', ' \t\n'];
    const members = names.flatMap((name) => [file(`p/${name}`, name), symlink(`p/${name}-link`, name)]);
    const { tree, top } = stage(test, [folder('p'), ...members], 'p');
    for (const name of names) assert.equal(readFileSync(tree.locate(`p/${name}`), 'latin1'), name);
    assert.equal(pathsBelow(top).length, 8);
  });

  it('keeps the body of the buildinfo with the shortest name, whatever the order', (test) => {
    const names = [`p/${BUILDINFO}`, `p/share/${BUILDINFO}`, `p/x/y/${BUILDINFO}`];
    for (const order of permutations(names)) {
      const { tree } = stage(test, [folder('p'), ...order.map((name) => file(name))], 'p');
      assert.deepEqual(
        [...tree.kept].map(([path, bytes]) => [path, Buffer.from(bytes).toString()]),
        [[`p/${BUILDINFO}`, `p/${BUILDINFO}`]],
      );
    }
  });

  it('closes what an error left open', (test) => {
    const tree = newTree(temporaryFolder(test));
    const open = () => readdirSync('/proc/self/fd').length;
    if (process.platform !== 'linux') return test.skip('there is no /proc');
    const before = open();
    tree.beginEntry({ path: 'f', type: 'file', mode: 0o644, mtime: 0, size: 9, linkPath: undefined });
    assert.equal(open(), before + 1);
    tree.abandon();
    tree.abandon();
    assert.equal(open(), before);
  });
});

describe('StagedTree and hard links', () => {
  const inodeOf = (path: Buffer) => lstatSync(path).ino;

  it('makes groups', (test) => {
    const { tree } = stage(
      test,
      [folder('p'), file('p/a'), hardlink('p/b', 'p/a'), hardlink('p/c', './p//b'), file('p/d')],
      'p',
    );
    const group = ['p/a', 'p/b', 'p/c'];
    assert.deepEqual(new Map(tree.hardLinkGroups()), new Map(group.map((name) => [safe(name), group])));
  });

  it('keeps the group when its first name is replaced later', (test) => {
    const { tree } = stage(
      test,
      [folder('p'), file('p/a', 'old'), hardlink('p/b', 'p/a'), hardlink('p/c', 'p/a'), file('p/a', 'new')],
      'p',
    );
    assert.equal(readFileSync(tree.locate('p/a'), 'utf8'), 'new');
    assert.equal(readFileSync(tree.locate('p/b'), 'utf8'), 'old');
    assert.deepEqual([...tree.hardLinkGroups().keys()], ['p/b', 'p/c']);
  });

  it('replaces a name of a group by a link to another file', (test) => {
    const { tree } = stage(
      test,
      [folder('p'), file('p/a'), file('p/b'), hardlink('p/b', 'p/a'), hardlink('p/a', 'p/a')],
      'p',
    );
    assert.equal(inodeOf(tree.locate('p/a')), inodeOf(tree.locate('p/b')));
    assert.equal(readFileSync(tree.locate('p/b'), 'utf8'), 'p/a');
  });

  it('across a base that moves', (test) => {
    const { tree } = stage(
      test,
      [
        folder('p'),
        folder('p/a'),
        file('p/a/f'),
        hardlink('p/b/g', 'p/a/f'),
        file('p/h'),
        hardlink('p/i', 'p/b/g'),
      ],
      'p',
    );
    assert.equal(new Set(['p/a/f', 'p/b/g', 'p/i'].map((name) => inodeOf(tree.locate(name)))).size, 1);
  });
});

describe('StagedTree refuses', () => {
  const before = [folder('p'), file('p/f'), symlink('p/s', 'd'), symlink('p/out', '/tmp'), folder('p/d')];
  const cases: Readonly<Record<string, readonly [MemberOf, string]>> = {
    'an absolute name': [file('/etc/passwd'), 'tar-unsafe-path'],
    'an absolute directory': [folder('/tmp'), 'tar-unsafe-path'],
    'a name with ".."': [file('p/../../x'), 'tar-unsafe-path'],
    'a directory with ".."': [folder('p/..'), 'tar-unsafe-path'],
    'a symlink with ".." in its name': [symlink('p/../../x', 'y'), 'tar-unsafe-path'],
    'a hard link with ".." in its name': [hardlink('p/../../x', 'p/f'), 'tar-unsafe-path'],
    'a name with a NUL': [file('p/a\0b'), 'tar-unsafe-path'],
    'an empty name': [file(''), 'tar-unsafe-path'],
    'a name of nothing but a dot': [folder('.'), 'tar-unsafe-path'],
    'a name of many components': [file(`p/${'a/'.repeat(300_000)}b`), 'tar-unsafe-path'],
    'a component that is too long': [file(`p/${'x'.repeat(300)}`), 'store-io'],
    'a path that is too long once it is joined': [file(`p/${`${'y'.repeat(203)}/`.repeat(20)}f`), 'store-io'],
    'a file through a symlink': [file('p/s/x'), 'tar-through-symlink'],
    'a file through a symlink that leads out': [file('p/out/x'), 'tar-through-symlink'],
    'a directory through a symlink': [folder('p/s/x'), 'tar-through-symlink'],
    'a directory far below a symlink': [folder('p/s/x/y/z'), 'tar-through-symlink'],
    'a symlink through a symlink': [symlink('p/s/x', 'y'), 'tar-through-symlink'],
    'a hard link through a symlink': [hardlink('p/s/x', 'p/f'), 'tar-through-symlink'],
    'a file below a file': [file('p/f/x'), 'tar-type-change'],
    'a directory in place of a file': [folder('p/f'), 'tar-type-change'],
    'a directory in place of a symlink': [folder('p/s'), 'tar-type-change'],
    'a directory in place of a symlink to a directory': [folder('p/out'), 'tar-type-change'],
    'a file in place of a directory': [file('p/d'), 'tar-type-change'],
    'a file in place of the package': [file('p'), 'tar-type-change'],
    'a file in place of a symlink': [file('p/s'), 'tar-type-change'],
    'a symlink in place of a file': [symlink('p/f', 'x'), 'tar-type-change'],
    'a symlink in place of a directory': [symlink('p/d', '/tmp'), 'tar-type-change'],
    'a symlink in place of the package': [symlink('p', '/tmp'), 'tar-type-change'],
    'a hard link in place of a symlink': [hardlink('p/s', 'p/f'), 'tar-type-change'],
    'a hard link in place of a directory': [hardlink('p/d', 'p/f'), 'tar-type-change'],
    'a hard link to what is not there': [hardlink('p/h', 'p/nothing'), 'tar-unsafe-link'],
    'a hard link to a symlink': [hardlink('p/h', 'p/out'), 'tar-unsafe-link'],
    'a hard link to a directory': [hardlink('p/h', 'p/d'), 'tar-unsafe-link'],
    'a hard link through a symlink to a file': [hardlink('p/h', 'p/s/f'), 'tar-unsafe-link'],
    'a hard link that leads out': [hardlink('p/h', '../../etc/passwd'), 'tar-unsafe-link'],
    'a hard link to an absolute name': [hardlink('p/h', '/etc/passwd'), 'tar-unsafe-link'],
    'a hard link to nothing': [hardlink('p/h', ''), 'tar-unsafe-link'],
    'a symlink to nothing': [symlink('p/l', ''), 'tar-unsafe-link'],
    'a symlink with a NUL': [symlink('p/l', 'a\0b'), 'tar-unsafe-link'],
    'a symlink that is too long': [symlink('p/l', 'x'.repeat(5000)), 'store-io'],
    'a pipe': [{ path: 'p/x', type: 'fifo' }, 'tar-unsupported-type'],
    'a device': [{ path: 'p/x', type: 'character-device' }, 'tar-unsupported-type'],
    'a disk': [{ path: 'p/x', type: 'block-device' }, 'tar-unsupported-type'],
    'what it does not know': [{ path: 'p/x', type: 'unknown' }, 'tar-unsupported-type'],
  };
  for (const [name, [member, code]] of Object.entries(cases)) {
    it(`${name}: ${code}`, (test) => {
      const { tree, top } = stage(test, before);
      const paths = pathsBelow(top);
      assert.throws(
        () => addMember(tree, member),
        (error: unknown) =>
          error instanceof BuildcacheError && error.code === code && error.message.length < 3000,
      );
      tree.abandon();
      const after = pathsBelow(top).filter((path) => !path.startsWith('y'));
      assert.deepEqual(after, paths, 'nothing has changed');
    });
  }

  it('says which member, and why, in one printable line', (test) => {
    const { tree } = stage(test, before);
    assert.throws(() => addMember(tree, file('p/s/\x1b[31m\n')), {
      message: 'Cannot extract the member "p/s/\\x1b[31m\\x0a": it is below the symbolic link "p/s"',
    });
    assert.throws(() => addMember(tree, file(`p/${'x'.repeat(256)}`)), {
      message: /^Cannot extract "p\/x+": the path is too long$/,
    });
  });
});

const NAMES = [
  'p',
  'p/a',
  'p',
  'p/a',
  'p/a/b',
  'p/s',
  'q',
  'p/a/b',
  'p/a/b/c',
  'p/s',
  'p/s/x',
  'q',
  'q/z',
  'p/./a',
  '../o',
  '/o',
  'p/../../o',
  'p/..',
  '',
];
const TARGETS = ['p/a', 'p/a/b', 'p/s', 'q', '.', '..', '../../outside', '/', '../outside/kept', 'p/s/x', ''];

const MEMBER: fc.Arbitrary<MemberOf> = fc.record({
  path: fc.constantFrom(...NAMES),
  type: fc.constantFrom('file', 'file', 'directory', 'directory', 'symlink', 'hardlink', 'fifo'),
  link: fc.constantFrom(...TARGETS),
  body: fc.constantFrom('', 'one', 'three'),
  mode: fc.constantFrom(0o644, 0o755),
});

describe('any sequence of members', () => {
  it('writes what the tree says, never outside, and ends with coded errors only', (test) => {
    const sandbox = temporaryFolder(test);
    mkdirSync(join(sandbox, 'outside'));
    writeFileSync(join(sandbox, 'outside', 'kept'), 'kept');
    linkSync(join(sandbox, 'outside', 'kept'), join(sandbox, 'outside', 'twin'));
    const outside = () => [
      ...pathsBelow(join(sandbox, 'outside')),
      readFileSync(join(sandbox, 'outside', 'kept'), 'utf8'),
      lstatSync(join(sandbox, 'outside', 'kept')).nlink,
    ];
    const untouched = outside();
    let accepted = 0;
    fc.assert(
      fc.property(fc.array(MEMBER, { maxLength: 15 }), (members) => {
        const parent = join(sandbox, 'stage');
        mkdirSync(parent);
        const tree = newTree(parent);
        const bodies = new Map<string, string>();
        for (const member of members) {
          const body = typeof member.body === 'string' ? member.body : '';
          try {
            addMember(tree, member);
            accepted++;
            recordBody(tree, bodies, member, body);
          } catch (error) {
            assert.ok(error instanceof ArchiveError, `${error}`);
          }
        }
        const top = join(parent, 'tree');
        // Everything that is there is a member, with the body that it was last given.
        for (const [key, body] of bodies) assert.equal(readFileSync(tree.locate(key), 'utf8'), body, key);
        const folders = [...tree.members]
          .filter(([, member]) => member.kind === 'directory')
          .map(([path]) => path);
        const root = folders.find((path) =>
          [...tree.members].every(
            ([other, { kind }]) =>
              other === path ||
              other.startsWith(`${path}/`) ||
              (kind === 'directory' && path.startsWith(`${other}/`)),
          ),
        );
        if (root !== undefined) {
          tree.rootAt(root);
          checkTree(tree, top, root);
          for (const [key, body] of bodies) assert.equal(readFileSync(tree.locate(key), 'utf8'), body, key);
        }
        assert.deepEqual(readdirSync(parent), ['tree']);
        assert.deepEqual(readdirSync(sandbox).sort(), ['outside', 'stage']);
        assert.deepEqual(outside(), untouched);
        rmSync(parent, { recursive: true });
      }),
      { seed: 31, numRuns: 600 },
    );
    assert.ok(accepted > 1000, `the sequences are not all refused at once: ${accepted} members are taken`);
  });
});

/** What the file at each name must hold: a link shares the body of its target at that moment. */
function recordBody(tree: StagedTree, bodies: Map<string, string>, member: MemberOf, body: string): void {
  const path = member.path.replace('/./', '/');
  if (tree.members.get(safe(path))?.kind !== 'file') return;
  if (member.type === 'file') bodies.set(path, body);
  else if (member.type === 'hardlink') bodies.set(path, bodies.get(member.link ?? '') ?? '');
}

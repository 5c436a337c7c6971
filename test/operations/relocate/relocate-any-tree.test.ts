// A tree without metadata: texts, binaries that grow, links and hard links move; one that cannot move stays as it is.
import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, describe, it } from 'node:test';
import { RelocationError } from '../../../src/core/errors.js';
import { relocateAnyTree } from '../../../src/operations/relocate/relocate-any-tree.js';
import { ENGINES } from '../../engines/engines.js';
import { buildElf } from '../../helpers/elf-builder.js';
import { withoutRights } from '../../helpers/without-rights.js';

const top = mkdtempSync(join(tmpdir(), 'regraft-any-tree-'));
after(() => rmSync(top, { recursive: true, force: true }));
const tree = join(top, 'tree');
const FIXTURES = join(process.cwd(), 'test', 'fixtures-binaries');
const OLD = '/old/store/greet';
const LONGER = '/a/much/longer/root/of/a/store/greet';

beforeEach(() => {
  rmSync(tree, { recursive: true, force: true });
  mkdirSync(join(tree, 'bin'), { recursive: true });
  mkdirSync(join(tree, 'lib'));
  copyFileSync(join(FIXTURES, 'hello-pie'), join(tree, 'bin', 'hello'));
  linkSync(join(tree, 'bin', 'hello'), join(tree, 'bin', 'hello-again'));
  writeFileSync(join(tree, 'bin', 'script'), `#!${OLD}/bin/hello\n`, { mode: 0o755 });
  writeFileSync(join(tree, 'lib', 'other.txt'), 'nothing here\n');
  symlinkSync(`${OLD}/lib/libgreet.so.1`, join(tree, 'lib', 'libgreet.so'));
});

function relocate(to: string, options: { readonly isDryRun?: boolean; readonly engine?: number } = {}) {
  const engine = ENGINES[options.engine ?? 0];
  assert.ok(engine);
  const warnings: string[] = [];
  const report = relocateAnyTree({
    tree,
    mapping: [[OLD, to]],
    engine,
    isDryRun: options.isDryRun,
    onWarning: (message) => warnings.push(message),
  });
  return { changed: report.changed.map(({ kind, path }) => `${kind} ${path}`), warnings };
}

describe('relocateAnyTree', () => {
  for (const [index, engine] of ENGINES.entries()) {
    it(`relocates every kind of file, also to a longer prefix, with the engine ${engine.name}`, () => {
      const { changed, warnings } = relocate(LONGER, { engine: index });
      assert.deepEqual(changed, ['binary bin/hello', 'text bin/script', 'link lib/libgreet.so']);
      assert.deepEqual(warnings, []);
      assert.ok(readFileSync(join(tree, 'bin', 'hello')).includes(`${LONGER}/lib\0`));
      assert.equal(
        lstatSync(join(tree, 'bin', 'hello')).ino,
        lstatSync(join(tree, 'bin', 'hello-again')).ino,
      );
      assert.equal(readFileSync(join(tree, 'bin', 'script'), 'utf8'), `#!${LONGER}/bin/hello\n`);
      assert.equal(readlinkSync(join(tree, 'lib', 'libgreet.so')), `${LONGER}/lib/libgreet.so.1`);
      assert.deepEqual(relocate(LONGER, { engine: index }).changed, []);
    });
  }

  it('tells what would change, and changes nothing, in a dry run', () => {
    const before = readFileSync(join(tree, 'bin', 'hello'));
    assert.equal(relocate(LONGER, { isDryRun: true }).changed.length, 3);
    assert.ok(readFileSync(join(tree, 'bin', 'hello')).equals(before));
    assert.equal(readlinkSync(join(tree, 'lib', 'libgreet.so')), `${OLD}/lib/libgreet.so.1`);
  });

  it('leaves the whole tree when one file cannot move', () => {
    copyFileSync(join(FIXTURES, 'libgreet-arm64.dylib'), join(tree, 'lib', 'zz.dylib'));
    const files = ['bin/hello', 'bin/script', 'lib/zz.dylib'].map((name) => join(tree, name));
    const before = files.map((file) => readFileSync(file));
    assert.throws(
      () => relocate(LONGER),
      (error) =>
        error instanceof RelocationError &&
        error.code === 'cannot-grow-string' &&
        error.data.path === 'lib/zz.dylib',
    );
    assert.deepEqual(
      files.map((file) => readFileSync(file)),
      before,
    );
  });

  it('takes a new prefix that begins with the old one, also where the rpath stays in its place', () => {
    const rpath = `${OLD}/lib:/old/store/with/a/long/name`;
    writeFileSync(join(tree, 'lib', 'libx.so'), buildElf({ rpath }).bytes);
    const [engine] = ENGINES;
    assert.ok(engine);
    relocateAnyTree({
      tree,
      mapping: [
        [OLD, `${OLD}-2`],
        ['/old/store/with/a/long/name', '/n'],
      ],
      engine,
      onWarning: assert.fail,
    });
    assert.ok(readFileSync(join(tree, 'lib', 'libx.so')).includes(`${OLD}-2/lib:/n\0`));
    assert.ok(readFileSync(join(tree, 'bin', 'hello')).includes(`${OLD}-2/lib\0`));
  });

  it('puts an alias into C strings, and makes it, but not in a dry run', () => {
    const old = `/old/${'x'.repeat(80)}`;
    const library = join(tree, 'lib', 'libx.so');
    writeFileSync(library, buildElf({ payload: Buffer.from(`\0${old}/share/hello\0`) }).bytes);
    const [engine] = ENGINES;
    assert.ok(engine);
    const alias = join(top, 's');
    const root = join(top, 'a/'.repeat(60), 'one');
    const request = { tree, mapping: [[old, `${root}/x`]] as const, engine, onWarning: () => {} };
    assert.throws(
      () => relocateAnyTree(request),
      (error) => error instanceof RelocationError && error.data.longestRoot === old.length,
    );
    const aliases = [{ root, alias }];
    const report = relocateAnyTree({ ...request, aliases, isDryRun: true });
    assert.deepEqual(report.changed, [{ path: 'lib/libx.so', kind: 'binary' }]);
    assert.equal(lstatSync(alias, { throwIfNoEntry: false }), undefined);
    relocateAnyTree({ ...request, aliases });
    assert.equal(readlinkSync(alias), root);
    assert.ok(readFileSync(library).includes(`${alias}/x/share/hello\0`));
  });

  it('changes what nobody may write, and leaves the modes; a dry run needs no right to write', async () => {
    const modes = ['bin/hello', 'bin/script', 'lib'].map((name) => [join(tree, name), 0o555] as const);
    for (const [path, mode] of modes) chmodSync(path, mode);
    chmodSync(top, 0o755);
    const paths = [tree, join(tree, 'lib'), join(tree, 'bin')];
    if (process.getuid?.() === 0)
      for (const path of [...paths, ...modes.map(([each]) => each)]) chownSync(path, 65534, 65534);
    await withoutRights(async () => {
      assert.equal(relocate(LONGER, { isDryRun: true }).changed.length, 3);
      assert.equal(relocate(LONGER).changed.length, 3);
    });
    for (const [path, mode] of modes) assert.equal(lstatSync(path).mode & 0o777, mode);
    assert.ok(readFileSync(join(tree, 'bin', 'hello')).includes(`${LONGER}/lib\0`));
    chmodSync(join(tree, 'lib'), 0o755);
  });

  it('warns of names outside of the tree, of long interpreter lines, and of no link that is moved already', () => {
    linkSync(join(tree, 'bin', 'hello'), join(top, 'outside'));
    symlinkSync('/n/there', join(tree, 'lib', 'moved'));
    symlinkSync('/usr/there', join(tree, 'lib', 'system'));
    assert.deepEqual(relocate('/n').warnings, [
      '"bin/hello" has other names outside of the tree, whose content may change with it',
      'The link "lib/system" leads to "/usr/there", which is in no known prefix',
    ]);
    rmSync(join(top, 'outside'));
    writeFileSync(join(tree, 'bin', 'script'), `#!${OLD}/${'x'.repeat(600)}\n`);
    const { warnings } = relocate('/n', { isDryRun: true });
    assert.match(warnings[0] ?? '', /first line of "bin\/script" has more than/);
  });

  it('relocates Mach-O files', () => {
    copyFileSync(join(FIXTURES, 'libgreet-arm64.dylib'), join(tree, 'lib', 'zz.dylib'));
    assert.ok(relocate('/n').changed.includes('binary lib/zz.dylib'));
    assert.ok(!readFileSync(join(tree, 'lib', 'zz.dylib')).includes(OLD));
    copyFileSync(join(FIXTURES, 'libgreet-arm64.dylib'), join(tree, 'lib', 'zz.o'));
    assert.ok(!relocate('/n').changed.includes('binary lib/zz.o'), 'objects stay, as in packages');
  });
});

import assert from 'node:assert/strict';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import fc from 'fast-check';
import { fromLatin1 } from '../../../src/core/bytes.js';
import { PrefixView } from '../../../src/store/prefix/prefix-view.js';
import { temporaryFolder } from '../temporary-folder.js';

interface Place {
  readonly top: string;
  readonly stage: string;
  readonly prefix: string;
  readonly view: PrefixView;
}

/** A stage with `lib/libx.so`, and a prefix `store/pkg` that is not there yet. */
function place(test: TestContext, links: Readonly<Record<string, string>> = {}): Place {
  const top = temporaryFolder(test);
  const stage = join(top, 'stage');
  const prefix = join(top, 'store', 'pkg');
  mkdirSync(join(stage, 'lib'), { recursive: true });
  writeFileSync(join(stage, 'lib', 'libx.so'), '');
  mkdirSync(join(top, 'store', 'dep', 'lib'), { recursive: true });
  for (const [name, target] of Object.entries(links)) symlinkSync(target, join(top, name));
  return { top, stage, prefix, view: new PrefixView(prefix, stage) };
}

describe('PrefixView', () => {
  it('sees the staged tree at the prefix, and the rest as it is', (test) => {
    const { top, prefix, view } = place(test);
    assert.ok(view.exists(prefix));
    assert.ok(view.exists(`${prefix}/lib`));
    assert.ok(view.exists(`${prefix}/lib/libx.so`));
    assert.ok(!view.exists(`${prefix}/lib64`));
    assert.ok(view.exists(`${top}/store/dep/lib`));
    assert.ok(!view.exists(`${top}/store/dep/lib64`));
    assert.ok(!view.exists(`${prefix}2/lib`), 'a prefix is a path, not a string');
  });

  it('sees the directories above the prefix, which come with it', (test) => {
    const top = temporaryFolder(test);
    const view = new PrefixView(`${top}/a/b/pkg`, top);
    assert.ok(view.exists(`${top}/a`) && view.exists(`${top}/a/b`) && view.exists(`${top}/a/b/../b/pkg`));
    assert.ok(!view.exists(`${top}/a/c`));
  });

  it('does not see what --force replaces', (test) => {
    const { prefix, view } = place(test);
    mkdirSync(join(prefix, 'old'), { recursive: true });
    assert.ok(!view.exists(`${prefix}/old`));
    assert.ok(view.exists(`${prefix}/lib`));
  });

  it('follows links into the prefix, out of it, and in a circle', (test) => {
    const links = {
      'to-lib': 'store/pkg/lib',
      'stage/abs': '/',
      'stage/self': 'self',
      'stage/up': '../dep/lib',
      'stage/dangling': 'nowhere',
      'stage/lib2': 'lib',
    };
    const { top, prefix, view } = place(test, links);
    symlinkSync(join(prefix, 'lib'), join(top, 'store', 'dep', 'pkg-lib'));
    assert.ok(view.exists(`${top}/to-lib/libx.so`));
    assert.ok(view.exists(`${top}/store/dep/pkg-lib/libx.so`));
    assert.ok(!view.exists(`${top}/store/dep/pkg-lib/liby.so`));
    assert.ok(view.exists(`${prefix}/lib2/libx.so`));
    assert.ok(view.exists(`${prefix}/up`) && view.exists(`${prefix}/up/../lib`));
    assert.ok(view.exists(`${prefix}/abs${top}/store`));
    assert.ok(view.exists(`${prefix}/dangling`), 'a dangling link is something');
    assert.ok(!view.exists(`${prefix}/dangling/x`));
    assert.ok(view.exists(`${prefix}/self`) && !view.exists(`${prefix}/self/x`), 'a circle leads nowhere');
  });

  it('knows the prefix under the real name of its folder, too', (test) => {
    const top = temporaryFolder(test);
    mkdirSync(join(top, 'real'));
    mkdirSync(join(top, 'stage', 'lib'), { recursive: true });
    symlinkSync('real', join(top, 'alias'));
    const view = new PrefixView(`${top}/alias/not/yet/pkg`, `${top}/stage`);
    assert.ok(view.exists(`${top}/alias/not/yet/pkg/lib`));
    assert.ok(view.exists(`${top}/real/not/yet/pkg/lib`));
    assert.ok(!view.exists(`${top}/real/not/yet/other`));
  });

  it('takes names that are not UTF-8', (test) => {
    const { stage, prefix, view } = place(test);
    mkdirSync(fromLatin1(`${stage}/caf\xe9`) as Buffer);
    assert.ok(view.exists(`${prefix}/caf\xe9`) && !view.exists(`${prefix}/caf\xe8`));
  });

  it('answers for names that no system takes', (test) => {
    const { view, prefix } = place(test);
    assert.ok(!view.exists(`${prefix}/${'x'.repeat(300)}`));
    assert.ok(!view.exists(`${prefix}/a\0b`));
    assert.ok(!view.exists(`/${'y/'.repeat(3000)}`));
    assert.ok(view.exists('/'));
  });
});

const COMPONENT = fc.constantFrom('a', 'b', 'f', 'link', '..', '.', '');
const PATH = fc.array(COMPONENT, { maxLength: 6 }).map((parts) => parts.join('/'));
const TARGET = fc
  .tuple(fc.constantFrom('', 'TOP/', 'TOP/store/pkg/', 'TOP/dep/'), PATH)
  .map((parts) => parts.join(''));
const WORLD = fc.record({
  folders: fc.array(fc.constantFrom('stage/a', 'stage/a/b', 'stage/b', 'dep/a', 'dep/a/b', 'store/other')),
  files: fc.array(fc.constantFrom('stage/f', 'stage/a/f', 'dep/f', 'dep/a/f')),
  links: fc.array(
    fc.tuple(fc.constantFrom('stage/link', 'stage/a/link', 'dep/link', 'dep/a/link', 'store/link'), TARGET),
  ),
  paths: fc.array(fc.tuple(fc.constantFrom('store/pkg', 'dep', 'store', 'store/link', ''), PATH), {
    minLength: 5,
    maxLength: 12,
  }),
});

describe('PrefixView.exists', () => {
  it('says before the rename what the file system says after it', (test) => {
    const scratch = temporaryFolder(test);
    let found = 0;
    fc.assert(
      fc.property(WORLD, ({ folders, files, links, paths }) => {
        const top = mkdtempSync(join(scratch, 'w-'));
        for (const path of ['stage', 'dep', 'store', ...folders])
          mkdirSync(join(top, path), { recursive: true });
        for (const path of files) make(top, path, (location) => writeFileSync(location, ''));
        for (const [path, target] of links)
          make(top, path, (location) => symlinkSync(target.replace('TOP', top) || '.', location));
        const asked = paths.map(([start, rest]) => `${top}/${start}/${rest}`);
        const view = new PrefixView(`${top}/store/pkg`, `${top}/stage`);
        const said = asked.map((path) => view.exists(path));
        renameSync(join(top, 'stage'), join(top, 'store', 'pkg'));
        found += said.filter(Boolean).length;
        assert.deepEqual(
          said.map((answer, i) => [asked[i], answer]),
          asked.map((path) => [path, isThere(path)]),
        );
        rmSync(top, { recursive: true });
      }),
      { seed: 41, numRuns: 400 },
    );
    assert.ok(found > 300, `only ${found} paths are there`);
    assert.deepEqual(readdirSync(scratch), []);
  });
});

/** Makes something unless its name is taken. */
function make(top: string, path: string, create: (location: string) => void): void {
  mkdirSync(dirname(join(top, path)), { recursive: true });
  if (!isThere(join(top, path))) create(join(top, path));
}

/** As `os.path.lexists`, slashes at the end included. */
function isThere(path: string): boolean {
  try {
    lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

import assert from 'node:assert/strict';
import { existsSync, lstatSync, mkdirSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { StoreError } from '../../../src/core/errors.js';
import { checkAlias, ensureAlias, requireAlias } from '../../../src/store/root/alias-root.js';
import { temporaryFolder } from '../temporary-folder.js';

function placesOf(test: TestContext) {
  const folder = temporaryFolder(test);
  const root = join(folder, 'a-root-with-a-long-name');
  mkdirSync(root);
  return { folder, root, alias: join(folder, 's') };
}

function refuses(run: () => void, message: RegExp): void {
  assert.throws(
    run,
    (error) =>
      error instanceof StoreError && error.code === 'alias-root-unusable' && message.test(error.message),
  );
}

describe('ensureAlias', () => {
  it('makes the link, and finds it again', (test) => {
    const { root, alias } = placesOf(test);
    ensureAlias({ root, alias });
    assert.equal(readlinkSync(alias), root);
    const { ino } = lstatSync(alias);
    ensureAlias({ root, alias });
    assert.equal(lstatSync(alias).ino, ino);
  });

  it('takes a link that leads to the root by another way, also before the root is there', (test) => {
    const { folder, root, alias } = placesOf(test);
    symlinkSync('a-root-with-a-long-name', alias);
    ensureAlias({ root, alias });
    symlinkSync(folder, join(folder, 'round'));
    symlinkSync('round/a-root-with-a-long-name', join(folder, 'r'));
    ensureAlias({ root, alias: join(folder, 'r') });
    const missing = join(folder, 'a-root-that-is-not-there');
    ensureAlias({ root: missing, alias: join(folder, 'm') });
    ensureAlias({ root: missing, alias: join(folder, 'm') });
    assert.ok(!existsSync(missing));
  });

  it('refuses what is something else, and leaves it', (test) => {
    const { folder, root, alias } = placesOf(test);
    symlinkSync(folder, alias);
    refuses(() => ensureAlias({ root, alias }), /it points to/);
    assert.equal(readlinkSync(alias), folder);
    const file = join(folder, 'f');
    writeFileSync(file, '');
    refuses(() => ensureAlias({ root, alias: file }), /is not a symbolic link/);
    refuses(() => ensureAlias({ root, alias: join(folder, 'no/s') }), /there is no folder/);
  });
});

describe('requireAlias', () => {
  it('takes a missing one', (test) => {
    const { root, alias } = placesOf(test);
    requireAlias({ root, alias });
    assert.ok(!existsSync(alias));
  });
});

describe('checkAlias', () => {
  it('refuses what could not stand for the root', () => {
    const root = '/a/root/of/a/store';
    for (const [alias, message] of [
      ['s', /absolute/],
      ['/', /absolute/],
      ['/s/../t', /absolute/],
      ['/s:t', /colon/],
      ['/as/long/as/that/x', /shorter/],
      ['/a/root', /contains the root/],
    ] as const)
      refuses(() => checkAlias({ root, alias }), message);
    checkAlias({ root, alias: '/a/s' });
  });
});

import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { StoreError, type StoreErrorCode } from '../../../src/core/errors.js';
import { type CommitRequest, commitPrefix } from '../../../src/store/commit/commit.js';
import { createPrivateFolder } from '../../../src/store/staging/private-folder.js';
import { StorePaths } from '../../../src/store/store-layout.js';
import { hashOf } from '../spec-builder.js';
import { temporaryFolder } from '../temporary-folder.js';

const HASH = hashOf('zlib');

function prepare(context: TestContext): { root: string; request: CommitRequest; prefix: string } {
  const root = temporaryFolder(context);
  chmodSync(root, 0o755);
  const stage = join(createPrivateFolder(root, HASH), 'tree');
  mkdirSync(join(stage, 'lib'), { recursive: true });
  writeFileSync(join(stage, 'lib', 'new'), 'new');
  chmodSync(stage, 0o2755);
  const prefix = join(root, 'linux', 'gcc', 'zlib');
  return { root, prefix, request: { root, hash: HASH, stage, prefix } };
}

/** What regraft keeps for itself, apart from stages. */
function leftovers(root: string): string[] {
  const { privateFolder } = new StorePaths(root);
  return ['replaced', 'trash', 'commits'].flatMap((name) =>
    existsSync(join(privateFolder, name))
      ? readdirSync(join(privateFolder, name)).map((entry) => `${name}/${entry}`)
      : [],
  );
}

function hasCode(code: StoreErrorCode): (error: unknown) => boolean {
  return (error) => error instanceof StoreError && error.code === code;
}

function makeOld(prefix: string): void {
  mkdirSync(prefix, { recursive: true });
  writeFileSync(join(prefix, 'old'), 'old');
}

test('commitPrefix makes the prefix appear, below directories like the nearest that was there', (context) => {
  const { root, prefix, request } = prepare(context);
  mkdirSync(join(root, 'linux'));
  chmodSync(join(root, 'linux'), 0o2775);
  const umask = process.umask(0o077);
  try {
    commitPrefix(request).finish();
  } finally {
    process.umask(umask);
  }
  assert.equal(readFileSync(join(prefix, 'lib', 'new'), 'utf8'), 'new');
  assert.equal(statSync(prefix).mode & 0o7777, 0o2755);
  assert.equal(statSync(dirname(prefix)).mode & 0o7777, 0o2775);
  assert.equal(existsSync(request.stage), false);
  assert.deepEqual(leftovers(root), []);
});

test('commitPrefix replaces an empty directory', (context) => {
  const { root, prefix, request } = prepare(context);
  mkdirSync(prefix, { recursive: true });
  commitPrefix(request).finish();
  assert.deepEqual(readdirSync(prefix), ['lib']);
  assert.deepEqual(leftovers(root), []);
});

test('commitPrefix leaves what is there, without force', (context) => {
  const things: readonly ((prefix: string) => void)[] = [
    makeOld,
    (prefix) => writeFileSync(prefix, ''),
    (prefix) => symlinkSync('nowhere', prefix),
    (prefix) => symlinkSync('.', prefix),
  ];
  for (const make of things) {
    const { root, prefix, request } = prepare(context);
    mkdirSync(dirname(prefix), { recursive: true });
    make(prefix);
    const before = lstatSync(prefix).ino;
    assert.throws(() => commitPrefix(request), hasCode('prefix-exists'));
    assert.equal(lstatSync(prefix).ino, before);
    assert.equal(existsSync(request.stage), true);
    assert.deepEqual(leftovers(root), []);
  }
});

test('commitPrefix with force replaces a package; finish drops the old one', (context) => {
  const { root, prefix, request } = prepare(context);
  makeOld(prefix);
  const committed = commitPrefix({ ...request, force: true });
  assert.deepEqual(readdirSync(prefix), ['lib']);
  committed.finish();
  assert.deepEqual(readdirSync(prefix), ['lib']);
  assert.deepEqual(leftovers(root), []);
});

test('commitPrefix with force replaces a link at the prefix, not what it leads to', (context) => {
  const { root, prefix, request } = prepare(context);
  const other = join(root, 'other');
  makeOld(other);
  mkdirSync(dirname(prefix), { recursive: true });
  symlinkSync(other, prefix);
  const committed = commitPrefix({ ...request, force: true });
  assert.ok(lstatSync(prefix).isDirectory());
  committed.rollback();
  assert.equal(readlinkSync(prefix), other);
  const again = prepare(context);
  mkdirSync(dirname(again.prefix), { recursive: true });
  symlinkSync(other, again.prefix);
  commitPrefix({ ...again.request, force: true }).finish();
  assert.ok(lstatSync(again.prefix).isDirectory());
  assert.deepEqual(readdirSync(other), ['old']);
});

test('CommittedPrefix.rollback puts back what was there, and takes away the directories above', (context) => {
  const first = prepare(context);
  commitPrefix(first.request).rollback();
  assert.deepEqual(readdirSync(first.root), ['.spack-db']);
  assert.deepEqual(leftovers(first.root), []);

  const second = prepare(context);
  makeOld(second.prefix);
  commitPrefix({ ...second.request, force: true }).rollback();
  assert.deepEqual(readdirSync(second.prefix), ['old']);
  assert.deepEqual(leftovers(second.root), []);

  const third = prepare(context);
  const committed = commitPrefix(third.request);
  writeFileSync(join(dirname(third.prefix), 'neighbour'), '');
  committed.rollback();
  assert.deepEqual(readdirSync(dirname(third.prefix)), ['neighbour']);
});

test('commitPrefix puts everything back when the tree cannot be renamed', (context) => {
  const { root, prefix, request } = prepare(context);
  makeOld(prefix);
  const file = join(root, 'file');
  writeFileSync(file, '');
  // A file cannot be renamed onto nothing but a file; here the stage is gone in the last moment.
  assert.throws(() => commitPrefix({ ...request, stage: join(root, 'gone'), force: true }), TypeError);
  assert.deepEqual(readdirSync(prefix), ['old']);
  assert.deepEqual(leftovers(root), []);
});

test('commitPrefix names a part of the path that is no directory', (context) => {
  const { root, prefix, request } = prepare(context);
  writeFileSync(join(root, 'linux'), '');
  assert.throws(() => commitPrefix(request), hasCode('prefix-conflict'));
  assert.throws(
    () => commitPrefix({ ...request, prefix: join(root, 'linux', 'x') }),
    hasCode('prefix-conflict'),
  );
  assert.equal(existsSync(request.stage), true);
  assert.deepEqual(leftovers(root), []);
  assert.ok(!existsSync(prefix));
});

test('commitPrefix says that a prefix is on another file system', {
  skip: otherFileSystem() === undefined ? 'there is only one file system' : false,
}, (context) => {
  const { root, request } = prepare(context);
  const other = otherFileSystem() ?? '';
  const prefix = join(other, `regraft-${process.pid}`, 'zlib');
  assert.throws(
    () => commitPrefix({ ...request, prefix }),
    (error) => hasCode('store-io')(error) && /different file systems/.test((error as Error).message),
  );
  assert.equal(existsSync(dirname(prefix)), false);
  assert.equal(existsSync(request.stage), true);
  assert.deepEqual(leftovers(root), []);
});

test('commitPrefix wants a normal absolute path', (context) => {
  const { request } = prepare(context);
  for (const prefix of ['a/b', '/a/../b', '/a//b', ''])
    assert.throws(() => commitPrefix({ ...request, prefix }), TypeError);
});

/** A folder in memory that is writable and not where temporary folders are. */
function otherFileSystem(): string | undefined {
  const folder = '/dev/shm';
  try {
    return statSync(folder).dev === statSync(process.env.TMPDIR ?? '/tmp').dev ? undefined : folder;
  } catch {
    return undefined;
  }
}

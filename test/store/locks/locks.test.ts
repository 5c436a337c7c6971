import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { StoreError } from '../../../src/core/errors.js';
import { StoreLocks, type StoreLocksOptions } from '../../../src/store/locks/locks.js';
import { prefixLockOffset } from '../../../src/store/locks/prefix-lock-range.js';
import { loadRecordLocks } from '../../../src/store/locks/record-lock.js';
import { StorePaths } from '../../../src/store/store-layout.js';
import { deadPid, hasPython, moduleText, startChild, storeModule } from '../child.js';
import { hashOf } from '../spec-builder.js';
import { temporaryFolder } from '../temporary-folder.js';

const withoutAddon = loadRecordLocks() === undefined ? 'fs-native-extensions cannot be loaded here' : false;
const withoutPython = withoutAddon || (hasPython ? false : 'there is no python3 with fcntl');
const HASH = hashOf('zlib');

function makeLocks(
  context: TestContext,
  options: Partial<StoreLocksOptions> = {},
): { locks: StoreLocks; paths: StorePaths } {
  const paths = new StorePaths(temporaryFolder(context));
  mkdirSync(paths.databaseFolder, { recursive: true });
  return { paths, locks: new StoreLocks({ paths, timeouts: { database: 60, prefix: 60 }, ...options }) };
}

/** A process that holds a lock as Spack takes it, until its input ends. */
function spackLock(context: TestContext, path: string, mode: 'EX' | 'SH', length = 0, start = 0n) {
  const text = [
    'import fcntl, os, sys',
    'f = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)',
    `fcntl.lockf(f, fcntl.LOCK_${mode} | fcntl.LOCK_NB, ${length}, ${start}, os.SEEK_SET)`,
    'print("held", flush=True)',
    'sys.stdin.read()',
  ].join('\n');
  return startChild(context, 'python3', ['-c', text, path]);
}

/** Says whether a process that locks as Spack does would get the lock. */
async function spackCouldLock(
  context: TestContext,
  path: string,
  mode: 'EX' | 'SH',
  length = 0,
  start = 0n,
): Promise<boolean> {
  const text = [
    'import fcntl, os, sys',
    'f = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)',
    'try:',
    `    fcntl.lockf(f, fcntl.LOCK_${mode} | fcntl.LOCK_NB, ${length}, ${start}, os.SEEK_SET)`,
    '    print("free", flush=True)',
    'except OSError:',
    '    print("taken", flush=True)',
  ].join('\n');
  const child = await startChild(context, 'python3', ['-c', text, path]);
  await child.finish();
  return child.line === 'free';
}

function isLocked(error: unknown): boolean {
  return (
    error instanceof StoreError &&
    error.code === 'database-locked' &&
    error.retryable &&
    error.hint !== undefined
  );
}

test('StoreLocks.database waits for a Spack that writes', { skip: withoutPython }, async (context) => {
  const { locks, paths } = makeLocks(context);
  const spack = await spackLock(context, paths.databaseLock, 'EX');
  await assert.rejects(locks.database(), isLocked);
  await assert.rejects(locks.database({ mode: 'shared' }), isLocked);
  const waiting = locks.database({ timeout: 20_000 });
  await spack.finish();
  (await waiting).release();
});

test('StoreLocks.database shares with a Spack that reads', { skip: withoutPython }, async (context) => {
  const { locks, paths } = makeLocks(context);
  const spack = await spackLock(context, paths.databaseLock, 'SH');
  await assert.rejects(locks.database(), isLocked);
  (await locks.database({ mode: 'shared' })).release();
  await spack.kill();
  (await locks.database()).release();
});

test('StoreLocks.database keeps Spack out while it is held', { skip: withoutPython }, async (context) => {
  const { locks, paths } = makeLocks(context);
  const lock = await locks.database();
  assert.equal(await spackCouldLock(context, paths.databaseLock, 'EX'), false);
  assert.equal(await spackCouldLock(context, paths.databaseLock, 'SH'), false);
  lock.release();
  lock.release();
  assert.equal(await spackCouldLock(context, paths.databaseLock, 'EX'), true);
  const shared = await locks.database({ mode: 'shared' });
  assert.equal(await spackCouldLock(context, paths.databaseLock, 'SH'), true);
  assert.equal(await spackCouldLock(context, paths.databaseLock, 'EX'), false);
  shared.release();
});

test('StoreLocks.prefix and Spack exclude each other on one package only', {
  skip: withoutPython,
}, async (context) => {
  const { locks, paths } = makeLocks(context);
  for (const hash of [HASH, hashOf('7'.repeat(32)), hashOf('aaaaa')]) {
    const byte = prefixLockOffset(hash);
    const spack = await spackLock(context, paths.prefixLock, 'EX', 1, byte);
    await assert.rejects(locks.prefix(hash), isLocked);
    (await locks.prefix(hashOf('other'))).release();
    await spack.finish();
    const lock = await locks.prefix(hash);
    assert.equal(await spackCouldLock(context, paths.prefixLock, 'EX', 1, byte), false);
    assert.equal(
      await spackCouldLock(context, paths.prefixLock, 'EX', 1, prefixLockOffset(hashOf('other'))),
      true,
    );
    lock.release();
  }
});

for (const kind of ['record', 'file'] as const) {
  const skip = kind === 'record' ? withoutAddon : false;
  const options = kind === 'record' ? {} : { recordLocks: undefined };

  test(`StoreLocks lets tasks of one process pass one by one (${kind})`, { skip }, async (context) => {
    const { locks, paths } = makeLocks(context, { ...options, timeouts: { database: 20_000 } });
    assert.equal(locks.kind, kind);
    // Two stores opened on one tree, as embedding programs do.
    const others = new StoreLocks({ paths, ...options, timeouts: { database: 20_000 } });
    let inside = 0;
    let visits = 0;
    const visit = async (from: StoreLocks) => {
      const lock = await from.database();
      assert.equal(++inside, 1);
      await new Promise((resolve) => setImmediate(resolve));
      inside--;
      visits++;
      lock.release();
    };
    await Promise.all(Array.from({ length: 20 }, (_, index) => visit(index % 2 === 0 ? locks : others)));
    assert.equal(visits, 20);
  });

  test(`StoreLocks gives up after the timeout, also behind a task of its own (${kind})`, {
    skip,
  }, async (context) => {
    const { locks } = makeLocks(context, options);
    const lock = await locks.prefix(HASH);
    await assert.rejects(locks.prefix(HASH), isLocked);
    (await locks.prefix(hashOf('other'))).release();
    lock.release();
    (await locks.prefix(HASH)).release();
  });

  test(`StoreLocks stops waiting when the signal aborts (${kind})`, { skip }, async (context) => {
    const { locks } = makeLocks(context, { ...options, timeouts: { prefix: Number.POSITIVE_INFINITY } });
    const lock = await locks.prefix(HASH);
    const controller = new AbortController();
    const reason = new Error('enough');
    const waiting = locks.prefix(HASH, { signal: controller.signal });
    controller.abort(reason);
    await assert.rejects(waiting, (error) => error === reason);
    await assert.rejects(locks.prefix(HASH, { signal: controller.signal }), (error) => error === reason);
    lock.release();
    (await locks.prefix(HASH)).release();
  });

  test(`StoreLocks stops polling for another process when the signal aborts (${kind})`, {
    skip,
  }, async (context) => {
    const { locks, paths } = makeLocks(context, { ...options, timeouts: { prefix: 20_000 } });
    const text = `
      const [root] = process.argv.slice(1);
      const { StoreLocks } = await import('${storeModule('locks/locks')}');
      const { StorePaths } = await import('${storeModule('store-layout')}');
      const locks = new StoreLocks({ paths: new StorePaths(root)${kind === 'file' ? ', recordLocks: undefined' : ''} });
      await locks.prefix('${HASH}');
      console.log('held');
      for await (const _ of process.stdin);
      process.exit(0);`;
    const child = await startChild(context, process.execPath, moduleText(text, paths.root));
    const controller = new AbortController();
    const reason = new Error('enough');
    const waiting = locks.prefix(HASH, { signal: controller.signal });
    setImmediate(() => controller.abort(reason));
    await assert.rejects(waiting, (error) => error === reason);
    await assert.rejects(locks.prefix(HASH, { timeout: 30 }), isLocked);
    // A process that dies leaves nothing that blocks the next one.
    await child.kill();
    (await locks.prefix(HASH)).release();
  });
}

test('StoreLocks without record locks refuses a tree that Spack uses, unless told not to lock', async (context) => {
  for (const file of ['databaseLock', 'prefixLock'] as const) {
    const { locks, paths } = makeLocks(context, { recordLocks: undefined });
    writeFileSync(paths[file], '');
    const isRefusal = (error: unknown) =>
      error instanceof StoreError &&
      error.code === 'locks-unavailable' &&
      error.hint?.includes('--no-lock') === true;
    assert.throws(() => locks.requireUsable(), isRefusal);
    await assert.rejects(locks.database(), isRefusal);
    const forced = new StoreLocks({ paths, recordLocks: undefined, noLock: true });
    forced.requireUsable();
    const lock = await forced.database();
    assert.match(readFileSync(join(paths.privateFolder, 'lock'), 'utf8'), new RegExp(`^${process.pid} `));
    lock.release();
    assert.equal(existsSync(join(paths.privateFolder, 'lock')), false);
  }
});

test('StoreLocks says who holds a lock file, and takes a stale one away', async (context) => {
  const { locks, paths } = makeLocks(context, { recordLocks: undefined });
  mkdirSync(paths.privateFolder);
  const file = join(paths.privateFolder, 'lock');
  writeFileSync(file, `${process.ppid} ${hostname()}\n`);
  await assert.rejects(
    locks.database(),
    (error) => isLocked(error) && (error as Error).message.includes(String(process.ppid)),
  );
  writeFileSync(file, '1 another-host\n');
  await assert.rejects(
    locks.database(),
    (error) => isLocked(error) && (error as Error).message.includes('another-host'),
  );
  writeFileSync(file, 'what?');
  await assert.rejects(locks.database(), isLocked);
  writeFileSync(file, `${deadPid()} ${hostname()}\n`);
  (await locks.database()).release();
});

test('StoreLocks names a file system without record locks', async (context) => {
  const failing = {
    tryLock: () => {
      throw Object.assign(new Error('no'), { code: 'ENOLCK' });
    },
  };
  const { locks } = makeLocks(context, { recordLocks: failing });
  await assert.rejects(
    locks.database(),
    (error) =>
      error instanceof StoreError && error.code === 'locks-unavailable' && error.message.includes('ENOLCK'),
  );
});

test('StoreLocks names a folder that is not there', async (context) => {
  const locks = new StoreLocks({ paths: new StorePaths(join(temporaryFolder(context), 'none')) });
  if (locks.kind === 'file') return context.skip('there are no record locks here');
  await assert.rejects(
    locks.database(),
    (error) => error instanceof StoreError && error.code === 'root-unusable',
  );
});

import assert from 'node:assert/strict';
import { existsSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { lockFileOwner, tryLockFile, unlockFile } from '../../src/host/lock-file.js';
import { deadPid } from '../store/child.js';
import { temporaryFolder } from '../store/temporary-folder.js';

test('tryLockFile is held by one', (context) => {
  const path = join(temporaryFolder(context), 'lock');
  assert.equal(tryLockFile(path), true);
  assert.deepEqual(lockFileOwner(path), { pid: process.pid, host: hostname() });
  assert.equal(tryLockFile(path), false);
  unlockFile(path);
  unlockFile(path);
  assert.equal(tryLockFile(path), true);
});

test('tryLockFile takes the lock of a dead process, but only one taker at a time', (context) => {
  const path = join(temporaryFolder(context), 'lock');
  const stale = `${deadPid()} ${hostname()}\n`;
  writeFileSync(path, stale);
  writeFileSync(`${path}.breaking`, `${process.ppid} ${hostname()}\n`);
  assert.equal(tryLockFile(path), false);
  // The taker died as well: its mark goes once it is old.
  writeFileSync(`${path}.breaking`, stale);
  assert.equal(tryLockFile(path), false);
  const longAgo = Date.now() / 1000 - 3600;
  utimesSync(`${path}.breaking`, longAgo, longAgo);
  assert.equal(tryLockFile(path), false);
  assert.equal(existsSync(`${path}.breaking`), false);
  assert.equal(tryLockFile(path), true);
});

test('tryLockFile leaves what names no owner', (context) => {
  const path = join(temporaryFolder(context), 'lock');
  for (const content of ['', 'x', '12', '-1 host', `${deadPid()} elsewhere`]) {
    writeFileSync(path, content);
    assert.equal(tryLockFile(path), false, content);
  }
  assert.equal(lockFileOwner(`${path}-missing`), undefined);
});

test('tryLockFile takes the lock of a process that was killed before it wrote its name', (context) => {
  const path = join(temporaryFolder(context), 'lock');
  writeFileSync(path, '');
  assert.equal(tryLockFile(path), false);
  const longAgo = Date.now() / 1000 - 3600;
  utimesSync(path, longAgo, longAgo);
  assert.equal(tryLockFile(path), true);
});

import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { withReplaceLock } from '../../../src/transport/file/replace-lock.js';
import { deadPid } from '../../store/child.js';
import { temporaryFolder } from '../../store/temporary-folder.js';

test('withReplaceLock lets one work at a time, also after one that failed', async (context) => {
  const lock = join(temporaryFolder(context), 'folder', 'x.lock');
  let inside = 0;
  const work = async (fails: boolean) => {
    assert.equal(++inside, 1);
    await new Promise(setImmediate);
    inside--;
    if (fails) throw new RangeError('told');
  };
  const all = Array.from({ length: 12 }, (_, n) => withReplaceLock(lock, () => work(n % 3 === 0)));
  const outcomes = await Promise.allSettled(all);
  assert.equal(outcomes.filter(({ status }) => status === 'rejected').length, 4);
  assert.ok(!existsSync(lock));
});

test('withReplaceLock takes over from a process that was killed', async (context) => {
  const { hostname } = await import('node:os');
  const lock = join(temporaryFolder(context), 'x.lock');
  writeFileSync(lock, `${deadPid()} ${hostname()}\n`);
  assert.equal(await withReplaceLock(lock, async () => 'done'), 'done');
});

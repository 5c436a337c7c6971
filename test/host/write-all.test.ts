import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { writeAll } from '../../src/host/write-all.js';
import { temporaryFolder } from '../store/temporary-folder.js';

test('writeAll writes everything, however few bytes the system takes at a time', async (t) => {
  const path = join(temporaryFolder(t), 'x');
  const handle = await open(path, 'w');
  t.after(() => handle.close());
  const few = {
    write: (bytes: Uint8Array, offset: number, length: number, position: number | null) =>
      handle.write(bytes, offset, Math.min(length, 2), position),
  } as unknown as FileHandle;
  await writeAll(few, Buffer.from('abcde'));
  await writeAll(few, Buffer.from('fgh'));
  await writeAll(few, Buffer.from('XYZ'), 1);
  await writeAll(few, new Uint8Array(0), 99);
  assert.equal(readFileSync(path, 'utf8'), 'aXYZefgh');
});

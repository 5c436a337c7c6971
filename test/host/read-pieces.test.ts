import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { readPieces } from '../../src/host/read-pieces.js';
import { temporaryFolder } from '../store/temporary-folder.js';

test('readPieces reads a part of a file, and fails where that ends before', async (t) => {
  const path = join(temporaryFolder(t), 'x');
  const bytes = Buffer.from(Uint8Array.from({ length: (2 << 20) + 3 }, (_, i) => i * 7));
  writeFileSync(path, bytes);
  const handle = await open(path);
  t.after(() => handle.close());
  const read = async (start: number, end: number) => {
    const pieces: Buffer[] = [];
    for await (const piece of readPieces(handle, { start, end })) pieces.push(Buffer.from(piece));
    return Buffer.concat(pieces);
  };
  for (const [start, end] of [
    [0, bytes.length],
    [5, 5],
    [1, (1 << 20) + 1],
    [bytes.length - 1, bytes.length],
  ] as const)
    assert.ok((await read(start, end)).equals(bytes.subarray(start, end)), `${start} to ${end}`);
  await assert.rejects(read(1, bytes.length + 1), /cut off/);
});

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { MirrorError } from '../../../src/core/errors.js';
import { FileSpool } from '../../../src/mirror/index/index-spool.js';
import { SeededRandom } from '../../helpers/seeded-random.js';
import { temporaryFolder } from '../temporary-folder.js';

test('FileSpool gives back what was appended, whatever the sizes, while more is appended', (t) => {
  const folder = temporaryFolder(t);
  const spool = new FileSpool(folder);
  const random = new SeededRandom(3);
  const pieces: { offset: number; bytes: Uint8Array }[] = [];
  const sizes = [0, 1, 70_000, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3_000_000, 5];
  for (let round = 0; round < 4; round++) {
    for (const size of sizes) {
      const bytes = random.bytes(Math.min(size, 1000));
      const piece = new Uint8Array(size);
      piece.set(bytes.subarray(0, size));
      pieces.push({ offset: spool.append(piece), bytes: piece });
      const { offset, bytes: expected } = random.pick(pieces);
      assert.equal(Buffer.compare(spool.read(offset, expected.length), expected), 0);
    }
  }
  for (const { offset, bytes } of pieces) {
    assert.equal(Buffer.compare(spool.read(offset, bytes.length), bytes), 0);
  }
  assert.deepEqual(readdirSync(folder), [], 'the file has no name');
  spool.close();
});

test('FileSpool tells that it cannot be made', (t) => {
  assert.throws(
    () => new FileSpool(join(temporaryFolder(t), 'absent')),
    (error: unknown) => error instanceof MirrorError && error.code === 'mirror-write-failed',
  );
});

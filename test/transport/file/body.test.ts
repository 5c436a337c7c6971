import assert from 'node:assert/strict';
import type { FileHandle } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { MirrorError } from '../../../src/core/errors.js';
import { fileStream } from '../../../src/transport/file/body.js';
import { collect } from '../http/recording-retry.js';

const BYTES = Buffer.from(Uint8Array.from({ length: 1_000_000 }, (_, i) => (i * 7) % 251));

/** A disk on which the reads with these numbers, counted from 0, fail. */
function disk(failing: readonly number[]) {
  let reads = 0;
  let open = 0;
  const makeHandle = () => {
    open++;
    const read = async (target: Uint8Array, offset: number, length: number, position: number) => {
      if (failing.includes(reads++)) throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' });
      const part = BYTES.subarray(position, position + length);
      target.set(part, offset);
      return { bytesRead: part.length, buffer: target };
    };
    const close = async () => {
      open--;
    };
    return { read, close } as unknown as FileHandle;
  };
  const stream = (reopen: () => Promise<FileHandle> = async () => makeHandle()) =>
    fileStream({
      handle: makeHandle(),
      location: '/m/x',
      start: 0,
      end: BYTES.length,
      signal: undefined,
      reopen,
    });
  return { stream, open: () => open };
}

describe('fileStream', () => {
  it('goes on from the offset where a read fails, once in a row', async () => {
    const { stream, open } = disk([0, 2, 5]);
    assert.ok((await collect(stream())).bytes.equals(BYTES));
    assert.equal(open(), 0);
  });

  it('fails where the next try fails, too', async () => {
    const { stream, open } = disk([2, 3]);
    await assert.rejects(collect(stream()), (error: unknown) => {
      assert.ok(error instanceof MirrorError);
      assert.equal(error.code, 'mirror-unreachable');
      assert.equal(error.message, 'Cannot read "/m/x": EIO');
      return true;
    });
    assert.equal(open(), 0);
  });

  it('does not go on in another file', async () => {
    const { stream } = disk([2]);
    const changed = new MirrorError('mirror-changed', 'Cannot read "/m/x": it was changed by someone else');
    const reopen = () => Promise.reject(changed);
    await assert.rejects(collect(stream(reopen)), changed);
  });
});

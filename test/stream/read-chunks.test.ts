// readChunks: the same bytes from every kind of stream, buffers that are used again, and no stream left open.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readChunks } from '../../src/stream/read-chunks.js';

const BYTES = Uint8Array.from({ length: 1_000_003 }, (_, i) => (i * 7919) >> 3);

interface Feed {
  readonly stream: ReadableStream<Uint8Array>;
  readonly isCancelled: () => boolean;
}

/** Gives `BYTES` into the buffers of whoever brings some, `step` bytes at a time. */
function byteFeed(step: number, failAt = Number.POSITIVE_INFINITY): Feed {
  let position = 0;
  let isCancelled = false;
  const stream = new ReadableStream({
    type: 'bytes',
    autoAllocateChunkSize: 4096,
    pull(controller) {
      if (position >= failAt) throw new Error('torn');
      const request = controller.byobRequest as ReadableStreamBYOBRequest;
      const view = request.view as Uint8Array;
      const part = BYTES.subarray(position, position + Math.min(step, view.length));
      view.set(part);
      position += part.length;
      if (part.length > 0) request.respond(part.length);
      if (position < BYTES.length) return;
      controller.close();
      controller.byobRequest?.respond(0);
    },
    cancel() {
      isCancelled = true;
    },
  });
  return { stream, isCancelled: () => isCancelled };
}

async function collected(stream: ReadableStream<Uint8Array>): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const chunk of readChunks(stream)) parts.push(Buffer.from(chunk));
  return Buffer.concat(parts);
}

describe('readChunks', () => {
  it('gives the bytes of a byte stream, however it is cut', async () => {
    for (const step of [997, 65_536, 256 * 1024, BYTES.length])
      assert.ok(Buffer.from(BYTES).equals(await collected(byteFeed(step).stream)), `steps of ${step}`);
  });

  it('gives the bytes of a stream with chunks of its own', async () => {
    const parts = [BYTES.subarray(0, 5), BYTES.subarray(5, 700_000), BYTES.subarray(700_000)];
    assert.ok(Buffer.from(BYTES).equals(await collected(ReadableStream.from(parts))));
  });

  it('ends at once for an empty stream', async () => {
    const empty = new ReadableStream({
      type: 'bytes',
      pull(controller) {
        controller.close();
        controller.byobRequest?.respond(0);
      },
    });
    assert.equal((await collected(empty)).length, 0);
  });

  it('brings buffers of one size, and no more of them than chunks', async () => {
    let chunks = 0;
    for await (const chunk of readChunks(byteFeed(64 * 1024).stream)) {
      chunks++;
      assert.equal(chunk.buffer.byteLength, 256 * 1024);
    }
    assert.ok(chunks > 10);
  });

  it('cancels a stream that is left early', async () => {
    const { stream, isCancelled } = byteFeed(10_000);
    for await (const chunk of readChunks(stream)) if (chunk.length > 0) break;
    assert.ok(isCancelled());
  });

  it('tells of a stream that fails, after what came before', async () => {
    let seen = 0;
    await assert.rejects(async () => {
      for await (const chunk of readChunks(byteFeed(10_000, 50_000).stream)) seen += chunk.length;
    }, /torn/);
    assert.equal(seen, 50_000);
  });
});

// gunzip() and decompress() as Web Streams: chunk sizes, backpressure, errors, cancel and abort.
import assert from 'node:assert/strict';
import { ReadableStream, WritableStream } from 'node:stream/web';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { decompress, gunzip } from '../../src/stream/gunzip-stream.js';
import { SeededRandom } from '../helpers/seeded-random.js';
import { ChunkSource, cut, settle, through } from '../helpers/stream-source.js';

const CHUNK = 256 * 1024;
const DATA = Buffer.from(new SeededRandom(1).bytes(700_000, 20));
const INPUT = gzipSync(DATA);
/** 40 KiB that decode to 40 MiB. */
const BOMB = gzipSync(Buffer.alloc(40 * 2 ** 20));

/** A sink that takes nothing until it is told to. */
function blockedSink(): { stream: WritableStream<Uint8Array>; size: number } {
  const sink = {
    size: 0,
    stream: new WritableStream<Uint8Array>({
      write: (chunk) => {
        sink.size += chunk.length;
        return new Promise<void>(() => {});
      },
    }),
  };
  return sink;
}

describe('gunzip', () => {
  it('gives chunks of 256 KiB that belong to the reader', async () => {
    for (const size of [511, 512, 513, 100_000, INPUT.length]) {
      const chunks = await through(gunzip(), cut(INPUT, size));
      assert.ok(Buffer.concat(chunks).equals(DATA));
      assert.deepEqual(
        chunks.map((chunk) => chunk.length),
        [CHUNK, CHUNK, DATA.length - 2 * CHUNK],
      );
      assert.equal(new Set(chunks.map((chunk) => chunk.buffer)).size, 3);
    }
  });

  it('decodes at every split', async () => {
    const input = gzipSync(DATA.subarray(0, 1500));
    for (const size of [1, 7, input.length]) {
      assert.ok(Buffer.concat(await through(gunzip(), cut(input, size))).equals(DATA.subarray(0, 1500)));
    }
  });

  it('tells what it ignored, and stops when told', async () => {
    const stage = gunzip();
    await through(stage, [gzipSync('a'), Buffer.from('garbage')]);
    assert.equal(stage.ignoredBytes, 7);
    const stopped = gunzip();
    const reader = stopped.readable.getReader();
    const writer = stopped.writable.getWriter();
    await writer.write(gzipSync('a'));
    stopped.stop();
    await writer.write(gzipSync('b'));
    await writer.close();
    assert.equal(Buffer.from((await reader.read()).value ?? []).toString(), 'a');
    assert.equal((await reader.read()).done, true);
  });

  it('errors on both sides when the data is damaged or cut off', async () => {
    const damaged = Buffer.from(INPUT);
    damaged[damaged.length - 6] = (damaged[damaged.length - 6] ?? 0) ^ 1;
    await assert.rejects(through(gunzip(), cut(damaged, 1000)), { code: 'gzip-crc' });
    await assert.rejects(through(gunzip(), cut(INPUT.subarray(0, -1), 1000)), { code: 'gzip-truncated' });
    // More than is read ahead: a source that has ended cannot be cancelled.
    const source = new ChunkSource([Buffer.from('not gzip'), ...Array.from({ length: 50 }, () => INPUT)]);
    await assert.rejects(source.stream.pipeTo(gunzip().writable), { code: 'gzip-header' });
    assert.equal((source.cancelReason as { code: string }).code, 'gzip-header');
  });

  it('waits for its reader', async () => {
    const input = gzipSync(new SeededRandom(2).bytes(8 * 2 ** 20), { level: 0 });
    const source = new ChunkSource(cut(input, CHUNK));
    const sink = blockedSink();
    source.stream
      .pipeThrough(gunzip())
      .pipeTo(sink.stream)
      .catch(() => {});
    await settle();
    const { pulled } = source;
    await settle();
    assert.equal(source.pulled, pulled);
    assert.ok(pulled <= 12, `${pulled} chunks of 256 KiB were taken`);
    assert.equal(sink.size, CHUNK);
  });

  it('waits within one chunk too', async () => {
    const stage = gunzip();
    const written = stage.writable.getWriter().write(BOMB);
    let isWritten = false;
    written.then(() => {
      isWritten = true;
    });
    await settle();
    assert.equal(isWritten, false);
    let size = 0;
    for await (const chunk of stage.readable) {
      size += chunk.length;
      if (size === 40 * 2 ** 20) break;
    }
    await written;
  });

  it('tells its source when the reader cancels, also while it waits', async () => {
    for (const input of [[BOMB], [...cut(BOMB, 512)]]) {
      const source = new ChunkSource(input);
      const reader = source.stream.pipeThrough(gunzip()).getReader();
      await reader.read();
      await reader.cancel('enough');
      await settle();
      // A source that was read to its end has nothing left to cancel.
      if (source.pulled < input.length) assert.equal(source.cancelReason, 'enough');
    }
  });

  it('ends with the reason of an AbortSignal', async () => {
    const reason = new Error('stopped by the test');
    const isReason = (error: unknown): boolean => error === reason;
    const abort = new AbortController();
    const stage = gunzip();
    const endless = new ReadableStream<Uint8Array>({ pull: (controller) => controller.enqueue(BOMB) });
    const piping = endless.pipeTo(stage.writable, { signal: abort.signal });
    const reading = (async () => {
      for await (const chunk of stage.readable) {
        assert.equal(chunk.length, CHUNK);
        abort.abort(reason);
      }
    })();
    await Promise.all([assert.rejects(piping, isReason), assert.rejects(reading, isReason)]);
  });

  it('ends when it is aborted while it waits for its reader', async () => {
    const reason = new Error('stopped by the test');
    const stage = gunzip();
    const writer = stage.writable.getWriter();
    writer.closed.catch(() => {});
    const written = writer.write(BOMB);
    await settle();
    await writer.abort(reason);
    await written;
    await assert.rejects(stage.readable.getReader().read(), (error) => error === reason);
  });

  it('passes on the error of its source', async () => {
    const failure = new Error('the source failed');
    const source = new ReadableStream<Uint8Array>({
      start: (controller) => {
        controller.enqueue(INPUT.subarray(0, 1000));
      },
      pull: () => {
        throw failure;
      },
    });
    const reader = source.pipeThrough(gunzip()).getReader();
    await assert.rejects(
      (async () => {
        while (!(await reader.read()).done);
      })(),
      (error) => error === failure,
    );
  });
});

describe('decompress', () => {
  it('looks at the data', async () => {
    const bzip2 = Buffer.from('QlpoOTFBWSZTWRkxZT0AAACBAAJEoAAhmmgzTQczi7kinChIDJiynoA=', 'base64'); // see bunzip2.test.ts
    for (const input of [gzipSync('hello'), bzip2, Buffer.from('hello')]) {
      for (const size of [1, 100]) {
        assert.equal(Buffer.concat(await through(decompress(), cut(input, size))).toString(), 'hello');
      }
    }
    assert.deepEqual(await through(decompress(), []), []);
  });
});

// Streams for tests of byte stages: a source of given chunks, a sink that collects.
import { ReadableStream, type WritableStream } from 'node:stream/web';

/** A stream that gives these chunks one by one, only when asked, and counts them. */
export class ChunkSource {
  readonly stream: ReadableStream<Uint8Array>;
  pulled = 0;
  cancelReason: unknown;

  constructor(chunks: Iterable<Uint8Array>) {
    const iterator = chunks[Symbol.iterator]();
    this.stream = new ReadableStream<Uint8Array>(
      {
        pull: (controller) => {
          const { value, done } = iterator.next();
          if (done) {
            controller.close();
            return;
          }
          this.pulled++;
          controller.enqueue(value);
        },
        cancel: (reason) => {
          this.cancelReason = reason;
        },
      },
      { highWaterMark: 0 },
    );
  }
}

export function* cut(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  for (let offset = 0; offset < bytes.length; offset += size)
    yield Uint8Array.from(bytes.subarray(offset, offset + size));
}

export interface ByteStage {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
}

/** Sends chunks through a stage and collects what comes out. */
export async function through(stage: ByteStage, chunks: Iterable<Uint8Array>): Promise<Uint8Array[]> {
  const result: Uint8Array[] = [];
  for await (const chunk of new ChunkSource(chunks).stream.pipeThrough(stage)) result.push(chunk);
  return result;
}

/** Lets every promise settle that can settle without a timer or I/O. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise<void>((resolve) => setImmediate(resolve));
}

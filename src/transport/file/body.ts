// The bytes of an open file as a stream that fills the buffers of its readers.
import type { FileHandle } from 'node:fs/promises';
import { shrunk, unreadable } from './errors.js';

/** Small enough for the allocator to use again: larger chunks are fresh memory each time. 0.05 ms/MB against 1.4 with 16 KiB. */
const CHUNK_SIZE = 256 * 1024;

export interface FileBody {
  /** Closed by the stream. */
  readonly handle: FileHandle;
  readonly location: string;
  /** The first byte, and the one after the last. */
  readonly start: number;
  readonly end: number;
  readonly signal: AbortSignal | undefined;
}

/** Its errors are MirrorErrors `mirror-unreachable` and `mirror-truncated`. */
export function fileStream(source: FileBody): ReadableStream<Uint8Array> {
  const { handle, end } = source;
  let position = source.start;
  return new ReadableStream({
    // Readers that bring their own buffers have them filled, again and again; for others they are made.
    type: 'bytes',
    autoAllocateChunkSize: CHUNK_SIZE,
    async pull(controller) {
      try {
        // There is always one, as buffers are made where a reader brings none.
        const request = controller.byobRequest as ReadableStreamBYOBRequest;
        const count = await readInto(request.view as Uint8Array, position, source);
        position += count;
        if (count > 0) request.respond(count);
        if (position < end) return;
        await handle.close();
        controller.close();
        controller.byobRequest?.respond(0);
      } catch (error) {
        await handle.close().catch(() => {});
        throw error;
      }
    },
    cancel: () => handle.close(),
  });
}

async function readInto(target: Uint8Array, position: number, source: FileBody): Promise<number> {
  const { handle, location, end, signal } = source;
  signal?.throwIfAborted();
  const wanted = Math.min(target.length, end - position);
  if (wanted === 0) return 0;
  const { bytesRead } = await handle.read(target, 0, wanted, position).catch((error: unknown) => {
    throw unreadable(location, error);
  });
  if (bytesRead === 0) throw shrunk({ location, size: end, position });
  return bytesRead;
}

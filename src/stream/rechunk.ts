// A byte stage that only changes the size of the chunks.
import { ByteLengthQueuingStrategy, TransformStream } from 'node:stream/web';
import { ChunkBuffer } from './chunk-buffer.js';

/**
 * Creates a stream that emits its input in chunks of `size` bytes; only the last one may be shorter.
 *
 * @param size bytes, at least 1
 */
export function rechunk(size: number): TransformStream<Uint8Array, Uint8Array> {
  let emit: (chunk: Uint8Array) => void = () => {};
  const buffer = new ChunkBuffer(size, (chunk) => emit(chunk));
  return new TransformStream<Uint8Array, Uint8Array>(
    {
      start(controller) {
        emit = (chunk) => controller.enqueue(chunk);
      },
      transform(chunk) {
        buffer.add(chunk);
      },
      flush() {
        buffer.flush();
      },
    },
    new ByteLengthQueuingStrategy({ highWaterMark: size }),
    new ByteLengthQueuingStrategy({ highWaterMark: size }),
  );
}

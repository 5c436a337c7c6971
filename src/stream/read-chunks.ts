// Reads a byte stream through two reused buffers: a new buffer for every chunk would be most of the memory of an
// installation, in fresh pages each time.

import { CHUNK_SIZE } from './chunk-size.js';

/**
 * Reads a stream to its end; the next chunk is read while the current one is processed. A chunk is valid until the next one is requested.
 * Leaving the loop early cancels the stream.
 */
export async function* readChunks(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = byobReader(stream);
  if (reader === undefined) yield* stream;
  else yield* readInTurns(reader);
}

/** Undefined for a stream that cannot read into the caller's buffers. */
function byobReader(stream: ReadableStream<Uint8Array>): ReadableStreamBYOBReader | undefined {
  try {
    return stream.getReader({ mode: 'byob' });
  } catch (error) {
    if (error instanceof TypeError && !stream.locked) return undefined;
    throw error;
  }
}

async function* readInTurns(reader: ReadableStreamBYOBReader): AsyncGenerator<Uint8Array> {
  let isComplete = false;
  try {
    let pending = reader.read(new Uint8Array(CHUNK_SIZE));
    let spare = new ArrayBuffer(CHUNK_SIZE);
    for (;;) {
      const { value, done } = await pending;
      if (done || value === undefined) break;
      pending = reader.read(new Uint8Array(spare));
      // A failure is reported when its turn comes.
      pending.catch(() => {});
      yield value;
      spare = value.buffer as ArrayBuffer;
    }
    isComplete = true;
  } finally {
    if (!isComplete) await reader.cancel().catch(() => {});
  }
}

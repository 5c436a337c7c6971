// The chunks of a byte stream through two buffers that are used again: new ones for every chunk would be most of the memory of an
// installation, and fresh pages each time.

import { CHUNK_SIZE } from './chunk-size.js';

/**
 * Reads a stream to its end; one chunk is read while the last one is worked on. A chunk is valid until the next one is asked for.
 * A reader that is left early cancels the stream.
 */
export async function* readChunks(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = byobReader(stream);
  if (reader === undefined) yield* stream;
  else yield* readInTurns(reader);
}

/** Undefined for a stream that only gives chunks of its own. */
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
      // A failure is told when its turn comes.
      pending.catch(() => {});
      yield value;
      spare = value.buffer as ArrayBuffer;
    }
    isComplete = true;
  } finally {
    if (!isComplete) await reader.cancel().catch(() => {});
  }
}

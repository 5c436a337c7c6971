// Reads a part of a file in pieces of one buffer.
import type { FileHandle } from 'node:fs/promises';

const READ_SIZE = 1 << 20;

/** From `start` up to `end`, each piece valid until the next one. Fails as calls of the system do, and if the file ends before. */
export async function* readPieces(
  handle: FileHandle,
  { start, end }: { readonly start: number; readonly end: number },
): AsyncIterable<Uint8Array> {
  const buffer = new Uint8Array(Math.min(READ_SIZE, end - start));
  for (let position = start; position < end; ) {
    const { bytesRead } = await handle.read(buffer, 0, Math.min(buffer.length, end - position), position);
    if (bytesRead === 0) throw new Error('the file was cut off by someone else');
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

// Writes all of some bytes at a place of a file: one call of the system may write fewer.
import type { FileHandle } from 'node:fs/promises';

export async function writeAt(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; )
    done += (await handle.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
}

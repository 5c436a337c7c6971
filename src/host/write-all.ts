// Writes all of some bytes to a file: one call of the system may write fewer.
import type { FileHandle } from 'node:fs/promises';

/** At a position, or, without one, where the last call ended. Fails as calls of the system do. */
export async function writeAll(handle: FileHandle, bytes: Uint8Array, position?: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const at = position === undefined ? null : position + done;
    done += (await handle.write(bytes, done, bytes.length - done, at)).bytesWritten;
  }
}

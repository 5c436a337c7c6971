// The one way a file is replaced: write a temporary file, sync it, rename it.
import { closeSync, fchmodSync, fsyncSync, openSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';

export interface ReplacedFile {
  readonly path: string;
  /** One piece, or several in order. */
  readonly content: string | Uint8Array | readonly Uint8Array[];
  /** Path of the temporary file, on the same file system. What a crash left there is overwritten. */
  readonly temporary: string;
  /** Exact mode; by default the umask decides. */
  readonly mode?: number;
  /** False if the content need not survive a power failure. */
  readonly sync?: boolean;
}

/**
 * Replaces a file atomically: a reader sees the old content or the new one, even after a crash.
 * @throws the system error unchanged; the temporary file is then removed.
 */
export function replaceFile(file: ReplacedFile): void {
  try {
    writeTemporary(file);
    renameSync(file.temporary, file.path);
  } catch (cause) {
    removeIfThere(file.temporary);
    throw cause;
  }
}

function writeTemporary({ temporary, content, mode, sync = true }: ReplacedFile): void {
  // Never readable by more users than the final file.
  const descriptor = openSync(temporary, 'w', mode ?? 0o666);
  try {
    for (const part of parts(content)) writeFileSync(descriptor, part);
    if (mode !== undefined) fchmodSync(descriptor, mode);
    if (sync) fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function parts(content: ReplacedFile['content']): readonly (string | Uint8Array)[] {
  return typeof content === 'string' || content instanceof Uint8Array ? [content] : content;
}

function removeIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // The file was never made, or its folder is gone: the first error is the one to report.
  }
}

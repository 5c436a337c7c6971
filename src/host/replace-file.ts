// The one way in which a file is replaced: written beside its place, synced, renamed.
import { closeSync, fchmodSync, fsyncSync, openSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';

export interface ReplacedFile {
  readonly path: string;
  /** One piece, or several that follow each other. */
  readonly content: string | Uint8Array | readonly Uint8Array[];
  /** Where the content is written before it gets its name; on the same file system. What a crash left there is overwritten. */
  readonly temporary: string;
  /** Exact mode; without one the umask decides. */
  readonly mode?: number;
  /** False: the content need not survive a loss of power. */
  readonly sync?: boolean;
}

/**
 * Replaces a file in one step: a reader sees the old content or the new one, also after a crash.
 * @throws what the system says, as it is; nothing is left of the temporary file then.
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
  // Never readable by more than will be.
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
    // The write failed before there was a file, or the folder is gone: the first error is the one to tell.
  }
}

// The symbolic links of a staged tree. Names and targets are bytes.
import { readlinkSync, symlinkSync, unlinkSync } from 'node:fs';

export function readStagedLink(path: Buffer): Buffer {
  return readlinkSync(path, { encoding: 'buffer' });
}

/** Replaces a link by one with another target. */
export function replaceStagedLink(path: Buffer, target: Uint8Array): void {
  unlinkSync(path);
  symlinkSync(Buffer.from(target), path);
}

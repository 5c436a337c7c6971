// Removes whole trees, even where directories are not writable.
import { chmodSync, lstatSync, readdirSync, rmSync } from 'node:fs';
import { systemErrorCode } from './system-error.js';

const SLASH = Buffer.from('/');

/** Removes a file or a whole tree, even where its owner may not write to directories; does not follow symbolic links. */
export function removeTree(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch (cause) {
    const code = systemErrorCode(cause);
    if (code !== 'EACCES' && code !== 'EPERM') throw cause;
    unlockDirectories(Buffer.from(path));
    rmSync(path, { recursive: true, force: true });
  }
}

/** Names are bytes, since not all are UTF-8. */
function unlockDirectories(path: Buffer): void {
  if (!lstatSync(path).isDirectory()) return;
  chmodSync(path, 0o700);
  for (const name of readdirSync(path, { encoding: 'buffer' }))
    unlockDirectories(Buffer.concat([path, SLASH, name]));
}

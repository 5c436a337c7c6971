// Removes whole trees, also those that do not let their owner write.
import { chmodSync, lstatSync, readdirSync, rmSync } from 'node:fs';
import { systemErrorCode } from './system-error.js';

const SLASH = Buffer.from('/');

/** Removes a file or a whole tree, also where its directories do not let their owner write; symbolic links are not followed. */
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

/** Names are bytes: not every one is UTF-8. */
function unlockDirectories(path: Buffer): void {
  if (!lstatSync(path).isDirectory()) return;
  chmodSync(path, 0o700);
  for (const name of readdirSync(path, { encoding: 'buffer' }))
    unlockDirectories(Buffer.concat([path, SLASH, name]));
}

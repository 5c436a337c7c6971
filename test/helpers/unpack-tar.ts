// Unpacks a tar archive plainly, links and modes included: no more than a test needs to get a tree back on disk.
import { chmodSync, linkSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { concatBytes, fromLatin1 } from '../../src/core/bytes.js';
import type { TarEntry } from '../../src/tar/entry.js';
import { TarReader } from '../../src/tar/tar-reader.js';

/** Unpacks members below a folder; what is there already is replaced. */
export function unpackTar(archive: Uint8Array, folder: string): void {
  for (const { entry, body } of readMembers(archive)) unpackMember(entry, body, folder);
}

export interface TarMember {
  readonly entry: TarEntry;
  readonly body: Uint8Array;
}

/** All members of an archive with their bodies. */
export function readMembers(archive: Uint8Array): TarMember[] {
  const reader = new TarReader();
  reader.push(archive);
  const members: TarMember[] = [];
  let parts: Uint8Array[] = [];
  let current: TarEntry | undefined;
  for (let event = reader.next(); event !== undefined; event = reader.next()) {
    if (event.type === 'entry') current = event.entry;
    else if (event.type === 'data') parts.push(event.bytes);
    else if (current !== undefined) {
      members.push({ entry: current, body: concatBytes(parts) });
      parts = [];
    }
  }
  reader.finish();
  return members;
}

function unpackMember(entry: TarEntry, body: Uint8Array, folder: string): void {
  const path = bytes(`${folder}/${entry.path}`);
  if (entry.type === 'directory') {
    mkdirSync(path, { recursive: true });
    return;
  }
  mkdirSync(dirname(path.toString('latin1')), { recursive: true });
  rmSync(path, { force: true });
  if (entry.type === 'symlink') symlinkSync(bytes(entry.linkPath ?? ''), path);
  else if (entry.type === 'hardlink') linkSync(bytes(`${folder}/${entry.linkPath}`), path);
  else {
    writeFileSync(path, body);
    chmodSync(path, entry.mode);
  }
}

function bytes(path: string): Buffer {
  return Buffer.from(fromLatin1(path));
}

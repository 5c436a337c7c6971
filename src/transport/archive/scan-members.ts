// Reads the headers of a tar archive, and none of its bodies (POSIX pax, ustar, GNU long names).
import { readSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { decodeSurrogateEscape } from '../../host/surrogate-escape.js';
import type { TarEntry } from '../../tar/entry.js';
import { parseSafePath } from '../../tar/safe-path.js';
import { TarReader } from '../../tar/tar-reader.js';
import { unreadable } from '../file/errors.js';
import { isObjectPath } from '../object-path.js';
import { compressedError, cutOff, scanError } from './errors.js';
import { MemberTable } from './member-table.js';

export interface ArchiveToScan {
  readonly descriptor: number;
  /** Of the file. */
  readonly size: number;
  readonly identity: string;
  readonly location: string;
}

export interface ScannedMembers {
  readonly members: MemberTable;
  /** Where the next member would begin. */
  readonly end: number;
}

/** A page: one read for most headers, and small bodies come along. */
const WINDOW = 4096;
/** Reads are synchronous, 4 µs against 14 each; after so many of them the rest of the program has its turn. */
const READS_IN_A_ROW = 1000;

/**
 * Finds the members of an archive that are files, and hard links to them.
 * @throws MirrorError `mirror-not-a-buildcache` for what is not a tar archive, is compressed, or has members with absolute names or `..`;
 * `mirror-truncated`, `mirror-unreachable`.
 */
export async function scanMembers(archive: ArchiveToScan): Promise<ScannedMembers> {
  try {
    return await scan(archive);
  } catch (cause) {
    throw scanError(archive.location, cause);
  }
}

async function scan({ descriptor, size, identity, location }: ArchiveToScan): Promise<ScannedMembers> {
  const members = new MemberTable(identity);
  const reader = new TarReader();
  const window = new Uint8Array(WINDOW);
  let end = 0;
  for (let reads = 1; !reader.ended; reads++) {
    if (reads % READS_IN_A_ROW === 0) await setImmediate();
    const bytes = readAt(descriptor, { window, position: reader.offset, location });
    // A copy that was broken off between two members looks the same as an archive without an end; every writer writes one.
    if (bytes.length === 0) throw cutOff({ location, size });
    const compressed = reader.offset === 0 ? compressedError(bytes, location) : undefined;
    if (compressed !== undefined) throw compressed;
    reader.push(bytes);
    for (let event = reader.next(); event !== undefined; event = reader.next()) {
      if (event.type !== 'entry') continue;
      addMember(members, event.entry, reader.offset);
      reader.skipBody();
      end = reader.offset;
      if (end > size) throw cutOff({ location, size, expected: end });
    }
  }
  return { members, end };
}

interface Window {
  readonly window: Uint8Array;
  readonly position: number;
  readonly location: string;
}

function readAt(descriptor: number, { window, position, location }: Window): Uint8Array {
  try {
    return window.subarray(0, readSync(descriptor, window, 0, window.length, position));
  } catch (cause) {
    throw unreadable(location, cause);
  }
}

function addMember(members: MemberTable, { type, path: name, ...entry }: TarEntry, offset: number): void {
  if (type === 'directory') return;
  const path = pathOf(name);
  if (path === undefined) return;
  const linked = type === 'hardlink' ? pathOf(entry.linkPath ?? '') : undefined;
  const member =
    type === 'file'
      ? { offset, size: entry.size, modified: entry.mtime * 1000 }
      : linked === undefined
        ? undefined
        : members.get(linked);
  // Whatever has the name of an earlier file replaces it.
  if (member === undefined) members.delete(path);
  else members.set(path, member);
}

/** Names that are not UTF-8 cannot be asked for. */
function pathOf(name: string): string | undefined {
  const path = decodeSurrogateEscape(parseSafePath(name));
  return isObjectPath(path) ? path : undefined;
}

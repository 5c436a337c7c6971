// The members of a tar archive. Names are byte strings: one character per byte (latin1), since they need not be UTF-8.

export type TarEntryType =
  | 'file'
  | 'directory'
  | 'symlink'
  | 'hardlink'
  | 'character-device'
  | 'block-device'
  | 'fifo'
  | 'unknown';

export interface TarEntry {
  /** As written in the archive, without trailing slashes. */
  readonly path: string;
  readonly type: TarEntryType;
  /** Permission bits including suid, sgid and sticky. */
  readonly mode: number;
  /** Length of the body in bytes; 0 for everything but files. */
  readonly size: number;
  /** Seconds since the epoch. */
  readonly mtime: number;
  /** Target of a symlink or hard link. */
  readonly linkPath: string | undefined;
}
